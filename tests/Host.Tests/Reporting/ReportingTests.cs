using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.Reporting;

public sealed class ReportingTests
{
    [Fact]
    public void ReportJson_WriteRead_GivesTheSameReport()
    {
        RunReport report = Sample(5);
        using MemoryStream first = new();
        ReportJson.Write(report, first);
        RunReport back = ReportJson.Read(new MemoryStream(first.ToArray()), "report.json");
        using MemoryStream second = new();
        ReportJson.Write(back, second);
        Assert.Equal(first.ToArray(), second.ToArray());
        Assert.Equal(ReportFingerprint.Of(report), ReportFingerprint.Of(back));
    }

    [Fact]
    public void ReportFingerprint_EveryPartButCheckerAndHost_Counts()
    {
        RunReport report = Sample(2);
        string fingerprint = ReportFingerprint.Of(report);
        Assert.Equal(fingerprint, ReportFingerprint.Of(report with { Host = null }));
        Assert.Equal(fingerprint, ReportFingerprint.Of(report with { Checker = null }));
        Assert.NotEqual(fingerprint, ReportFingerprint.Of(report with { Seed = 2 }));
        Assert.NotEqual(fingerprint, ReportFingerprint.Of(report with { Findings = ["x"] }));
        Assert.NotEqual(fingerprint, ReportFingerprint.Of(report with { Totals = [new("cycles", 1)] }));
        Assert.NotEqual(fingerprint, ReportFingerprint.Of(report with { Cores = [report.Cores[0]] }));
        Assert.NotEqual(fingerprint, ReportFingerprint.Of(report with { Threads = [] }));
        Assert.NotEqual(fingerprint, ReportFingerprint.Of(report with { LatencyCycles = [] }));
        Assert.NotEqual(fingerprint, ReportFingerprint.Of(report with { Shootdowns = [] }));
        Assert.NotEqual(fingerprint, ReportFingerprint.Of(report with { ShootdownsLeftOut = 1 }));
        Assert.NotEqual(
            fingerprint, ReportFingerprint.Of(report with { AddressSpaces = [report.AddressSpaces[0] with { Shootdowns = [] }] }));
    }

    [Fact]
    public void ReportView_OfVirtualMachines_TellsWhatTheHostDid()
    {
        RunReport report = Sample(4);
        Assert.DoesNotContain("in virtual machines", Shown(report), StringComparison.Ordinal);
        string text = Shown(report with
        {
            Totals =
            [
                .. report.Totals, new("hostFaults", 12_345), new("kernelHostFaults", 7), new("hostPagesTaken", 1), new("hostFlushes", 2),
            ],
        });
        Assert.Contains(
            "in virtual machines: 12,345 host faults of walks and 7 of the guests' kernels; hosts took 1 page back, in 2 flushes",
            text.ReplaceLineEndings(" ").Replace("  ", " ", StringComparison.Ordinal), StringComparison.Ordinal);

        static string Shown(RunReport report)
        {
            using StringWriter text = new();
            ReportView.Show(report, Consoles.For(text));
            return text.ToString();
        }
    }

    [Fact]
    public void ReportView_Head_NamesMachineKernelAndTheirCosts()
    {
        using StringWriter text = new();
        ReportView.Show(Sample(4), Consoles.For(text));

        Assert.Contains("zen3", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("linux-6.14", text.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            "an interrupt costs send 437, way 1,600 to 2,900, handler 1,582 cycles\n", text.ToString(), StringComparison.Ordinal);
        using MemoryStream json = new();
        ReportJson.Write(Sample(4), json);
        Assert.Equal(437, ReportJson.Read(new MemoryStream(json.ToArray()), "r").Facts.Cost("ipi-send-cycles"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    [InlineData(1024)]
    public void ReportView_AnyNumberOfCores_FitsEightyColumnsAndOneScreenOrTwo(int cores)
    {
        using StringWriter text = new();
        ReportView.Show(Sample(cores), Consoles.For(text));
        string[] lines = text.ToString().Split('\n');
        Assert.All(lines, line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.InRange(lines.Length, 20, 66);
        Assert.Contains("all cores", cores > 1 ? text.ToString() : "all cores", StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ReportView_Checker_SaysTheLongestStaleness()
    {
        Assert.Contains(
            "late use of dead translations: 98,765,432 cycles at most, 123,456,789 allowed", Shown(Sample(1)), StringComparison.Ordinal);
        Assert.DoesNotContain("dead translations:", Shown(Sample(1) with { Checker = null }), StringComparison.Ordinal);

        static string Shown(RunReport report)
        {
            using StringWriter text = new();
            ReportView.Show(report, Consoles.For(text));
            return text.ToString();
        }
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(999, "999")]
    [InlineData(12_345, "12.3 k")]
    [InlineData(75_300_000, "75.3 M")]
    public void Quantities_Count_HasThreeDigitsAndAUnit(double value, string expected) => Assert.Equal(expected, Quantities.Count(value));

    [Theory]
    [InlineData(3, "1.00 ns")]
    [InlineData(3_000, "1.00 us")]
    [InlineData(45_000_000, "15.0 ms")]
    [InlineData(0, "0 s")]
    public void Quantities_Time_TakesTheUnitThatSuits(double cycles, string expected) => Assert.Equal(expected, Quantities.Time(cycles, 3));

    private static readonly Distribution Wide = new(1_000_000, 123_456_789_012_345, 123_456_789, 123_456_789, 999_999_999, 5_000_000_000);

    private static RunReport Sample(int cores)
    {
        CoreReport Core(int id) => new()
        {
            Id = new CoreId(id),
            Socket = id * 2 / Math.Max(1, cores),
            Cycles = [.. CoreCycles.All.Append(CoreCycles.Idle).Zip(
                (long[])[1_000_000_000 + id, 20_000, 300, 4_000, 55, 666_666, 7, 888_888_888], (cycles, value) =>
                    new KeyValuePair<string, long>(cycles.Name, value))],
            Counters = [new("accesses", 123_456_789), new("walks", id)],
        };
        return new RunReport
        {
            Scenario = "a scenario with a [long] name that says what it is about",
            Seed = 1,
            Fingerprint = new string('a', 64),
            Outcome = RunOutcomes.Completed,
            Protocol = "broadcast",
            Facts = MachineFacts.Of(
                new MachineSpec { Name = "zen3", IpiCycles = 1_600, IpiRemoteCycles = 2_900 },
                new KernelProfile { Name = "linux-6.14", IpiSendCycles = 437, HandlerCycles = 1_582 }),
            Ghz = 2.3,
            WindowBound = 1300,
            Findings = ["p: load of page 0x1000 not mapped so (1 times)"],
            Totals =
            [
                new("cycles", 1_234_567_890_123),
                new("accesses", 98_765_432_101_234),
                new("tlbL1Hits", 98_000_000_000_000),
                new("minorFaults", 1),
            ],
            LatencyCycles =
            [
                new("minorFault", new Distribution(1_000_000, null, 2_000, 3_000, 40_000, 5_000_000_000)),
                new("unmap", new Distribution(0, null, 0, 0, 0, 0)),
            ],
            Shootdowns = [.. ShootdownFigure.All.Select(figure => new KeyValuePair<string, Distribution>(figure.Info.Name, Wide))],
            Cores = [.. Enumerable.Range(0, cores).Select(Core)],
            AddressSpaces = [new AddressSpaceReport
            {
                Id = new SpaceId(0), Name = "p", Counters = [new("forks", 3)], Shootdowns = [new("wait", Wide)],
            }],
            Threads =
                [new ThreadReport
                {
                    Id = new ThreadId(0), Name = "t", AddressSpace = new SpaceId(0), Core = new CoreId(0), Started = 0, Ended = -1,
                    Accesses = 5, Faults = 1,
                }],
            Checker = new CheckerReport(123_456_789, 98_765_432),
            Host =
                new HostReport
                {
                    WallSeconds = 1.5,
                    Threads = 2,
                    AccessesPerSecond = 75e6,
                    PeakMemoryBytes = 1 << 30,
                    WindowCycles = 1300,
                    Windows = long.MaxValue
                },
        };
    }
}
