using Spectre.Console;
using VmSim.Core.Reports;
using VmSim.Host.Reporting;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Reporting;

/// <summary>
/// What terminals show of one report that stands in a file, at two widths and with colours. VMSIM_UPDATE_DOCS=1 records it anew.
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
        using StringWriter written = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isColoured ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = isColoured ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(written),
        });
        console.Profile.Width = width;
        ReportView.Show(report, console);
        CauseView.Show(report, CauseGrouping.Site, 10, console);
        string shown = written.ToString().ReplaceLineEndings("\n");
        string file = CommandRunner.At($"{Folder}/report-{width}{(isColoured ? "-coloured" : "")}.txt");
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
