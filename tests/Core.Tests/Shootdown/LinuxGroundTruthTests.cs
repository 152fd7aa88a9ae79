using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>
/// Interrupts per operation that a real kernel (Linux 6.18, KVM, 2 CPUs) sent, row by row: thread A on CPU 0 repeats a pattern, B does
/// something or nothing on CPU 1.
/// </summary>
public sealed class LinuxGroundTruthTests
{
    private const int Operations = 10;
    private const long Warmup = 3_000_000;
    private static readonly string[] Patterns = ["mmu", "mprot", "dontneed", "map0"];
    private static readonly string[] Modes = ["none", "spin", "sleep", "same", "proc"];

    public static TheoryData<string, string, int, double> Rows()
    {
        TheoryData<string, string, int, double> rows = [];
        string[] lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "TestData", "groundtruth", "shootdowns.csv"));
        string[] header = lines[0].Split(',');
        int received = Array.IndexOf(header, "b_ipi_recv_op");
        foreach (string line in lines.Skip(1))
        {
            string[] fields = line.Split(',');
            if (Patterns.Contains(fields[0]) && Modes.Contains(fields[1]))
            {
                rows.Add(
                    fields[0],
                    fields[1],
                    int.Parse(fields[2], CultureInfo.InvariantCulture),
                    double.Parse(fields[received], CultureInfo.InvariantCulture));
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Run_PatternBesideB_SendsTheMeasuredInterruptsPerOperation(string pattern, string mode, int pages, double measured)
    {
        RunReport report = Run(pattern, mode, pages);
        Assert.Equal(0, report.Total("segmentationFaults"));
        Assert.Equal(Math.Round(measured), Math.Round(report.Total("ipisSent") / (double)Operations));
    }

    [Theory]
    [InlineData(33, 0)]
    [InlineData(34, 2 * Operations)]
    public void Run_MprotectOfThePagesAroundTheCeiling_FlushesAllFrom34(int pages, int fullFlushes) =>
        Assert.Equal(fullFlushes, Run("mprot", "none", pages).Total("fullFlushes"));

    private static RunReport Run(string pattern, string mode, int pages)
    {
        ThreadProgram a = PatternThread(pattern, pages);
        List<ProcessSpec> processes = mode switch
        {
            "none" => [Process("a", a)],
            "proc" => [Process("a", a), Process("b", Spinner(core: 1))],
            "sleep" => [Process("a", a, Sleeper())],
            "same" => [Process("a", a, Spinner(core: 0))],
            _ => [Process("a", a, Spinner(core: 1))],
        };
        return TestWorlds.Run(new ScenarioSpec
        {
            Name = pattern,
            Warmup = Warmup,
            Machine = new MachineSpec { Cores = 2 },
            Shootdown = new ShootdownSpec { Protocol = "linux" },
            Processes = processes,
        });
    }

    private static ProcessSpec Process(string name, params ThreadProgram[] threads) =>
        new() { Name = name, Program = _ => TestWorlds.Image(threads) };

    /// <summary>Repeats the pattern after everything has settled; the area of mprot and dontneed is touched before.</summary>
    private static ThreadProgram PatternThread(string pattern, int pages)
    {
        const ulong Place = 0x10_0000_0000;
        ThreadBuilder thread = new("a");
        thread.Load(TestWorlds.Page(0));
        if (pattern is "mprot" or "dontneed")
        {
            thread.Map(Place, pages).Touch(Place, pages);
        }

        thread.Control(ControlKind.Sleep, (ulong)Warmup);
        for (int i = 0; i < Operations; i++)
        {
            switch (pattern)
            {
                case "mmu":
                    thread.Map(Place, pages).Touch(Place, pages).Unmap(Place, pages);
                    break;
                case "map0":
                    thread.Map(Place, pages).Unmap(Place, pages);
                    break;
                case "mprot":
                    thread.Protect(Place, pages, Protection.Read).Protect(Place, pages, Protection.Read | Protection.Write)
                        .Touch(Place, pages);
                    break;
                default:
                    thread.Touch(Place, pages).Advise(Place, pages, Advice.DontNeed);
                    break;
            }
        }

        return thread.Build(core: new CoreId(0));
    }

    private static ThreadProgram Spinner(int core) =>
        new ThreadBuilder("b").Load(TestWorlds.Page(1)).Compute(100_000_000).Build(new CoreId(core));

    private static ThreadProgram Sleeper() =>
        new ThreadBuilder("b").Load(TestWorlds.Page(1)).Control(ControlKind.Sleep, 100_000_000).Build(core: new CoreId(1));
}
