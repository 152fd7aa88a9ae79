using Spectre.Console;
using VmSim.Core.Experiments;
using VmSim.Core.Reports;
using VmSim.Host.Reporting;
using VmSim.Host.Sweeps;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Reporting;

/// <summary>
/// What terminals show of figures that stand in a file or here, at two widths and with colours. VMSIM_UPDATE_DOCS=1 records it anew.
/// </summary>
public sealed class TerminalSnapshotTests
{
    private const string Folder = "tests/Host.Tests/Reporting/Snapshots";

    [Theory]
    [InlineData(80, false)]
    [InlineData(120, false)]
    [InlineData(80, true)]
    [InlineData(120, true)]
    public void Report_OnATerminal_IsAsRecorded(int width, bool isColoured)
    {
        using FileStream stream = File.OpenRead(CommandRunner.At($"{Folder}/report.json"));
        RunReport report = ReportJson.Read(stream, "report.json");
        AssertAsRecorded("report", width, isColoured, console =>
        {
            ReportView.Show(report, console);
            CauseView.Show(report, CauseGrouping.Site, 10, console);
        });
    }

    /// <summary>What cost most, by all that it can be grouped by.</summary>
    [Theory]
    [InlineData(80, false)]
    [InlineData(120, false)]
    [InlineData(80, true)]
    [InlineData(120, true)]
    public void Causes_OnATerminal_AreAsRecorded(int width, bool isColoured)
    {
        using FileStream stream = File.OpenRead(CommandRunner.At($"{Folder}/report.json"));
        RunReport report = ReportJson.Read(stream, "report.json");
        AssertAsRecorded("causes", width, isColoured, console =>
        {
            foreach (CauseGrouping grouping in Enum.GetValues<CauseGrouping>())
            {
                CauseView.Show(report, grouping, 5, console);
            }
        });
    }

    /// <summary>Sizes of TLBs, once with ratios to a row and once with fetches apart.</summary>
    [Theory]
    [InlineData(80, false)]
    [InlineData(120, false)]
    [InlineData(80, true)]
    [InlineData(120, true)]
    public void Tlb_OnATerminal_IsAsRecorded(int width, bool isColoured)
    {
        TlbResult result = new()
        {
            Accesses = 2_000_000,
            AddressChecksum = 1,
            FirstHits4K = 273_200,
            FirstHits2M = 100,
            SecondHits4K = 560_800,
            SecondHits2M = 0,
            PdeHits = 1_100_000,
            PdpteHits = 60_000,
            Pml4eHits = 5_000,
            NoPscHits = 900,
            References = 1_690_000,
            Faults = 65_400,
            TablePages = [1, 1, 3, 130],
            EntriesDropped = 0,
            Cycles = 131_220_000,
            OutcomeHash = 2,
        };
        TlbResult fetching = result with { Fetches = 1_400_000, FetchFirstMisses = 30_000, FetchWalks = 1_200 };
        (TlbConfig, TlbResult)[] rows =
        [
            (new TlbConfig { Name = "skylake-sp-2s l2_entries=1536" }, result),
            (new TlbConfig { Name = "half" }, result with { PdeHits = 600_000, Cycles = 65_000_000 }),
        ];
        AssertAsRecorded("tlb", width, isColoured, console =>
        {
            TlbView.Show(rows, null, console);
            TlbView.Show(rows, "half", console);
            TlbView.Show([.. rows, (new TlbConfig { Name = "fetches" }, fetching)], "half", console);
        });
    }

    /// <summary>Two runs side by side: the settings, then the figures.</summary>
    [Theory]
    [InlineData(80, false)]
    [InlineData(120, false)]
    [InlineData(80, true)]
    [InlineData(120, true)]
    public void Compare_OnATerminal_IsAsRecorded(int width, bool isColoured)
    {
        ComparedRuns one = Compared("runs/linux", "linux", [627, 17_842_437, 0, 1601]);
        ComparedRuns other = Compared("runs/with-a-longer-name/latr", "latr", [433, 15_668_120, 12.5, 1601]);
        AssertAsRecorded("compare", width, isColoured, console => new Comparison([one, other], []).Show(console, 20));
    }

    private static ComparedRuns Compared(string name, string protocol, double[] values)
    {
        string[] names = ["ipisSent", "cycles", "refillMisses", "minorFaults"];
        ComparedRun run = new(0, [.. names.Zip(values, KeyValuePair.Create)]);
        Dictionary<string, string> settings = new() { ["shootdown.protocol"] = protocol, ["machine.cores"] = "8" };
        return new ComparedRuns(name, settings, new Dictionary<string, IReadOnlyList<ComparedRun>> { [""] = [run] }, name);
    }

    private static void AssertAsRecorded(string name, int width, bool isColoured, Action<IAnsiConsole> show)
    {
        using StringWriter written = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isColoured ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = isColoured ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(written),
        });
        console.Profile.Width = width;
        show(console);
        string shown = written.ToString().ReplaceLineEndings("\n");
        string file = CommandRunner.At($"{Folder}/{name}-{width}{(isColoured ? "-coloured" : "")}.txt");
        if (Environment.GetEnvironmentVariable("VMSIM_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(file, shown);
        }

        Assert.Equal(File.ReadAllText(file), shown);
        if (!isColoured)
        {
            Assert.All(shown.Split('\n'), line => Assert.InRange(line.Length, 0, width));
        }
    }
}
