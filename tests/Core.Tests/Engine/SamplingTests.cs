using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Testing;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Engine;

/// <summary>
/// Runs whose accesses are sampled: what stays exact, that they are the same however they are cut, and where they are refused.
/// </summary>
public sealed class SamplingTests
{
    /// <summary>So short that small programs have many samples.</summary>
    private static readonly SamplingSpec Tiny = new() { Enabled = true, Unit = 3, WarmUp = 5, Period = 40 };

    private static readonly SamplingSpec Short = new() { Enabled = true, Unit = 500, WarmUp = 1_500, Period = 10_000 };

    [Fact]
    public void Run_RandomProgramsAnyWindowOrPieces_GiveOneReport() => RandomPrograms.Scenario.Sample(AssertOneReport, iter: 60);

    /// <summary>A page's entry changes while accesses to it are gone over together, for which a longer window found the old one.</summary>
    [Fact]
    public void Run_EntryChangesInAWindow_GivesOneReport() =>
        RandomPrograms.Scenario.Sample(AssertOneReport, iter: 1, seed: "5hu_VDWX1PGb");

    /// <summary>Streams that are gone over as a whole, interrupted by others' shootdowns, time slices and ticks.</summary>
    [Theory]
    [InlineData("linux", 1, 4)]
    [InlineData("broadcast", 5, 4)]
    [InlineData("latr", 1, 2)]
    [InlineData("early-ack", 1, 3)]
    [InlineData("radixvm", 1, 4)]
    [InlineData("abis", 1, 4)]
    public void Run_ThroughputMixAnyWindowOrPieces_GivesOneReport(string protocol, int run, int cores)
    {
        ScenarioSpec scenario = Mix(protocol, run, cores) with { Sampling = Short };
        RunReport expected = Run(scenario);
        Assert.True(expected.Sampling!.Skipped > expected.Sampling.Detailed);
        foreach (long window in new long[] { 500, 101, 17 })
        {
            AssertSame(expected, Run(scenario, window));
        }

        AssertSame(expected, PiecewiseRun.Of(scenario, windows: 60, pieces: 12, check: false).Report);
    }

    [Fact]
    public void Run_CutOrWarmedUpInASkip_CountsUpToThere()
    {
        ScenarioSpec scenario = Mix("linux", 1, 4) with { Sampling = Short, Warmup = 100_123, Until = 300_457 };
        RunReport expected = Run(scenario);
        Assert.InRange(expected.Total("cycles"), 300_457 - 100_123, 300_457 - 100_123 + 200);
        Assert.All(
            expected.Cores, core => Assert.InRange(core.Cycles.Sum(cycles => cycles.Value), 300_457 - 100_123, 300_457 - 100_123 + 200));
        AssertSame(expected, Run(scenario, 33));
        AssertSame(expected, PiecewiseRun.Of(scenario, windows: 9, pieces: 20, check: false).Report);
    }

    /// <summary>All that the kernel does is as in a full run, and as many accesses are made.</summary>
    [Theory]
    [InlineData("sequential", 1)]
    [InlineData("uniform", 1)]
    [InlineData("uniform", 9)]
    [InlineData("zipf", 1)]
    [InlineData("sparse", 1)]
    public void Run_FirstTouches_FaultAsInAFullRun(string pattern, int run)
    {
        ScenarioSpec scenario = Of(
            new PatternProgram { Pattern = pattern, Pages = 700, Accesses = 400_000, RunLength = run, Threads = 1 });
        RunReport full = Run(scenario);
        RunReport sampled = Run(scenario with { Sampling = Short });
        Assert.InRange(sampled.Sampling!.Detailed, 1, 399_999);
        Assert.Equal(400_000, sampled.Sampling.Detailed + sampled.Sampling.Skipped);
        foreach (string exact in (string[])["accesses", "minorFaults", "framesAllocated", "systemCalls"])
        {
            Assert.Equal(full.Total(exact), sampled.Total(exact));
        }

        Assert.Equal(full.Threads[0].Accesses, sampled.Threads[0].Accesses);
        Assert.Equal(full.Threads[0].Faults, sampled.Threads[0].Faults);
        Assert.True(full.Total("minorFaults") >= 699);
    }

    /// <summary>Another thread gives pages back; each is found to be missing, also in a block that is under way.</summary>
    [Fact]
    public void Run_PagesThatAnotherThreadGivesBack_FaultAgain()
    {
        const int Pages = 64;
        ThreadBuilder giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), Pages);
        for (int i = 0; i < 10; i++)
        {
            giver.Compute(200_000).Advise(TestWorlds.Page(0), Pages, Advice.DontNeed);
        }

        PatternShape shape = new(TestWorlds.Page(0), 3_000_000, 1, 1, 0, 5);
        ThreadProgram user = new()
        {
            Name = "user",
            Open = () => new PatternStream(PagePatterns.Create("uniform", Pages, 3, 1), shape),
            SystemCalls = [],
            Core = new CoreId(1),
        };
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver.Build(new CoreId(0)), user) with
        {
            Sampling = Short,
        };
        RunReport sampled = Run(scenario);
        RunReport full = Run(scenario with { Sampling = new SamplingSpec() });
        Assert.True(sampled.Sampling!.Skipped > sampled.Sampling.Detailed);
        Assert.Equal(full.Total("minorFaults"), sampled.Total("minorFaults"));
        Assert.InRange(full.Total("minorFaults"), 10 * Pages, 12 * Pages);
        Assert.Equal(full.Total("invalidationsHandled"), sampled.Total("invalidationsHandled"));
    }

    [Fact]
    public void Run_NotSampled_SaysNothingOfSamples() =>
        Assert.Null(Run(Of(new PatternProgram { Accesses = 1_000, Threads = 1 })).Sampling);

    [Fact]
    public void Run_FewerThanTwoSamples_HasNoInterval()
    {
        RunReport report = Run(Of(new PatternProgram { Accesses = 1_000, Threads = 1 }) with { Sampling = Short });
        Assert.Equal(1_000, report.Sampling!.Detailed);
        Assert.All(report.Sampling.Intervals, figure => Assert.Null(figure.HalfWidth));
    }

    [Fact]
    public void World_CheckerAndSampling_IsRefused()
    {
        ScenarioSpec scenario = Of(new PatternProgram { Accesses = 1_000, Threads = 1 }) with { Sampling = Short };
        Assert.Contains(
            "sampling.enabled: on found with the translation checker",
            Assert.Throws<ScenarioException>(() => new World(scenario, check: true)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ScenarioException>(() => new World(scenario with { Check = "on" }));
    }

    [Fact]
    public void World_ProtocolThatHearsOfWalks_IsRefused()
    {
        ScenarioSpec scenario = Of(new PatternProgram { Accesses = 1_000, Threads = 1 }) with { Sampling = Short };
        ScenarioException refusal = Assert.Throws<ScenarioException>(
            () => new World(scenario, protocol: new ProbeProtocol(ProbeFeatures.All)));
        Assert.Contains("which hears of every walk or fill", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void World_VirtualMachine_IsRefused()
    {
        ScenarioSpec scenario = Of(new PatternProgram { Accesses = 1_000, Threads = 1 });
        ScenarioException refusal = Assert.Throws<ScenarioException>(() => new World(scenario with
        {
            Sampling = Short,
            Machine = scenario.Machine with { Virtual = true },
        }));
        Assert.Contains("sampling.enabled: on found with virtual machines", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, 499, 10_000, "warm-up: 499 found; at least sampling.unit, 500, is allowed")]
    [InlineData(500, 500, 1_000, "period: 1000 found; more than sampling.warm-up and sampling.unit together, 1000, is allowed")]
    [InlineData(500, 500, 1_001, null)]
    public void Fault_SettingsThatDoNotFit_IsToldByName(long unit, long warmUp, long period, string? fault) =>
        Assert.Equal(fault, new SamplingSpec { Enabled = true, Unit = unit, WarmUp = warmUp, Period = period }.Fault);

    private static ScenarioSpec Of(SyntheticProgram program) => new()
    {
        Machine = new MachineSpec { Cores = 2, Sockets = 1 },
        Processes = [new ProcessSpec { Name = "p", Program = copy => program.Build(new ProgramContext("p", copy, 1, 2)) }],
    };

    private static ScenarioSpec Mix(string protocol, int run, int cores)
    {
        ThroughputMix program = new() { Accesses = 60_000, RunLength = run, ChurnEvery = 9_000, Threads = 6 };
        return new ScenarioSpec
        {
            Machine = new MachineSpec { Cores = cores, Sockets = 1 },
            Kernel = new KernelProfile { TimeSliceCycles = 40_000, TickCycles = 100_000 },
            Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = true },
            Processes =
            [
                new ProcessSpec { Name = "mix", Program = copy => program.Build(new ProgramContext("mix", copy, 1, cores)), Count = 2 },
            ],
        };
    }

    private static void AssertOneReport(ScenarioSpec scenario)
    {
        ScenarioSpec sampled = scenario with { Sampling = Tiny };
        RunReport expected = Run(sampled);
        long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
        foreach (long window in new[] { bound / 2, bound / 50, 17 })
        {
            AssertSame(expected, Run(sampled, window));
        }

        AssertSame(expected, PiecewiseRun.Of(sampled, windows: 7, pieces: 6, check: false).Report);
    }

    private static RunReport Run(ScenarioSpec scenario, long window = 0)
    {
        using World world = new(scenario);
        return ReportBuilder.Build(world, new SequentialEngine(world, window).Run());
    }

    private static void AssertSame(RunReport expected, RunReport actual)
    {
        Assert.Equal(expected.Fingerprint, actual.Fingerprint);
        Assert.Equal(expected.Sampling!.Units, actual.Sampling!.Units);
        Assert.Equal((expected.Sampling.Detailed, expected.Sampling.Skipped), (actual.Sampling.Detailed, actual.Sampling.Skipped));
        Assert.Equal(expected.Sampling.Intervals, actual.Sampling.Intervals);
    }
}
