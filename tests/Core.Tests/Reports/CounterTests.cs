using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.Tests.Memory.Backends;
using VmSim.Testing;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Reports;

public sealed class CounterTests
{
    /// <summary>More than a run of a few threads can count.</summary>
    private const long Warm = 1L << 50;

    /// <summary>
    /// Whatever was counted before the warm-up's end is gone afterwards: of every counter, cycle class and latency that is declared, those
    /// of plug-ins too; on cores that have ended, that wait and that go on, and in spaces that nothing comes to any more.
    /// </summary>
    [Theory]
    [InlineData(1_000)]
    [InlineData(400_000)]
    [InlineData(2_000_000)]
    public void Run_WithWarmup_CountsFromZeroWhateverIsDeclared(long warmup)
    {
        using World world = new(Scenario() with { Warmup = warmup, Until = 2_000_000 }, check: false, new ProbeProtocol(ProbeFeatures.All));
        IEnumerable<CounterSet> sets =
        [
            .. world.Cores.SelectMany(core => core.CounterSets.Prepend(core.Cycles)),
            .. world.Spaces.SelectMany(space => space.CounterSets),
            .. world.Groups.SelectMany(group => group.CounterSets),
        ];
        foreach (CounterSet set in sets)
        {
            Array.Fill((long[])set.Values, Warm);
        }

        foreach (Latencies latencies in world.Cores.Select(core => core.Latencies).Concat(world.Spaces.Select(space => space.Latencies)))
        {
            Assert.All(LatencyKind.All, kind => latencies.Record(kind, Warm));
        }

        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Until, report.Outcome);
        Assert.Equal(2_000_000 - warmup, report.Total("cycles"));
        Assert.All(report.Totals, total => Assert.InRange(total.Value, 0, Warm - 1));
        Assert.All(report.LatencyCycles, latency => Assert.InRange(latency.Value.Max, 0, Warm - 1));
        Assert.All(report.Cores, core => Assert.Equal(report.Total("cycles"), core.Cycles.Sum(cycles => cycles.Value)));
    }

    [Fact]
    public void Run_EndsWithinItsWarmup_ReportsWhatItCounted() =>
        Assert.InRange(TestWorlds.Run(Scenario() with { Warmup = 1_900_000, Until = 1_800_000 }).Total("minorFaults"), 1, long.MaxValue);

    [Fact]
    public void Report_OfAProtocolWithCounters_HasThemBehindThoseOfEveryRun()
    {
        using World world = new(Scenario(), check: true, new ProbeProtocol(ProbeFeatures.None));
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        string[] own = ["probeInvalidations", "probeDropped", "probeAcks"];
        Assert.Equal([.. CounterCatalog.BuiltIn.Totals.Select(counter => counter.Name), .. own], report.Totals.Select(total => total.Key));
        Assert.Equal(report.Totals.Select(total => total.Key), report.Catalog.Totals.Select(counter => counter.Name));
        Assert.All(report.Cores, core => Assert.Equal(own[..2], core.Counters.Skip(CoreCounters.All.Count).Select(counter => counter.Key)));
        Assert.All(
            report.AddressSpaces,
            space => Assert.Equal(own[2..], space.Counters.Skip(SpaceCounters.All.Count).Select(counter => counter.Key)));
        Assert.Equal(report.Total("invalidationsHandled") + report.Total("localInvalidations"), report.Total("probeInvalidations"));
        Assert.Equal(report.Total("entriesInvalidated"), report.Total("probeDropped"));
        Assert.Equal(report.Total("ipisSent"), report.Total("probeAcks"));
        Assert.True(report.Total("probeAcks") > 0);
        RunReport other =
            report with
            {
                AddressSpaces = [report.AddressSpaces[0] with { Counters = [.. report.AddressSpaces[0].Counters.SkipLast(1),
                new(own[2], -1)] }]
            };
        Assert.NotEqual(report.Fingerprint, ReportFingerprint.Of(other));
    }

    [Fact]
    public void Report_OfAProtocolWithoutCounters_HasThoseOfEveryRun() =>
        Assert.Equal(
            CounterCatalog.BuiltIn.Totals.Select(counter => counter.Name), TestWorlds.Run(Scenario()).Totals.Select(total => total.Key));

    [Fact]
    public void Run_InPiecesUnderAProtocolWithCounters_CountsTheSame()
    {
        ProbeProtocol probe = new(ProbeFeatures.All);
        using World world = new(Scenario(), check: false, probe);
        RunReport whole = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        (RunReport pieces, int checkpoints) = PiecewiseRun.Of(Scenario(), windows: 20, pieces: 3, check: false, probe);
        Assert.Equal(2, checkpoints);
        Assert.Equal(whole.Fingerprint, pieces.Fingerprint);
    }

    [Fact]
    public void World_ProtocolWithACounterThatEveryRunHas_IsRefusedByName()
    {
        ScenarioException refusal = Assert.Throws<ScenarioException>(
            () => new World(Scenario(), check: false, new OddProtocol(_ => new TakenName())));
        Assert.Contains("two counters \"walks\"", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void World_ProtocolWhoseHalvesDeclareDifferentCounters_IsRefused()
    {
        ScenarioException refusal = Assert.Throws<ScenarioException>(
            () => new World(Scenario(), check: false, new OddProtocol(core => core == 0 ? null : new TakenName())));
        Assert.Contains("halves of broadcast declare different counters", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>The child of a fork that has not come yet has counted nothing; one that has come counts for itself.</summary>
    [Fact]
    public void Report_OfABackendWithCounters_HasThemOfEachSpace()
    {
        Assert.Equal([8, 0], Touches(until: 200_000));
        Assert.Equal([12, 5], Touches(until: 0));

        static IEnumerable<long> Touches(long until)
        {
            RunReport report = TestWorlds.Run(Forking(typeof(CountingBackend)) with { Until = until });
            Assert.Equal(("touches", report.AddressSpaces.Sum(Of)), (report.Totals[^1].Key, report.Totals[^1].Value));
            Assert.Equal("Faults that came to the backend.", report.Catalog.Totals[^1].Summary);
            return report.AddressSpaces.Select(Of);
        }

        static long Of(AddressSpaceReport space) => space.Counters.Single(counter => counter.Key == "touches").Value;
    }

    [Fact]
    public void Run_InPiecesWithABackendWithCounters_CountsTheSame()
    {
        ScenarioSpec scenario = Forking(typeof(CountingBackend)) with { Warmup = 10_000 };
        (RunReport pieces, int checkpoints) = PiecewiseRun.Of(scenario, windows: 5, pieces: 3);
        Assert.Equal(2, checkpoints);
        Assert.Equal(TestWorlds.Run(scenario).Fingerprint, pieces.Fingerprint);
    }

    [Fact]
    public void Report_OfABackendThatOnlyACallNames_HasItsCounters()
    {
        ThreadProgram thread = new ThreadBuilder("t").Call(Mapping(typeof(CountingBackend))).Touch(Elsewhere, 3).Build();
        Assert.Equal(3, TestWorlds.Run(TestWorlds.Scenario(1, thread)).Total("touches"));
    }

    [Fact]
    public void CountersOf_BackendThatDoesNotSayWhatItCounts_IsRefused() => Assert.Contains(
        "give the class [Counts<TouchCounters>]",
        Assert.Throws<InvalidOperationException>(() => TestWorlds.Run(Forking(typeof(SecretlyCountingBackend)))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void BackendKind_ThatMakesACountingBackendAndDoesNotSaySo_IsRefused()
    {
        BackendKind silent = new("silent", "says nothing", _ => new CountingBackend());
        Assert.Contains(
            "give it Counters = new TouchCounters()",
            Assert.Throws<InvalidOperationException>(() => silent.BackendOf(default)).Message,
            StringComparison.Ordinal);
        BackendKind said = new("said", "says it", _ => new CountingBackend()) { Counters = new TouchCounters() };
        Assert.IsType<CountingBackend>(said.BackendOf(default));
    }

    private const ulong Elsewhere = 0x7000_0000;

    private static SystemCall Mapping(Type backend) => new()
    {
        Kind = SystemCallKind.Map,
        Start = new VirtAddr(Elsewhere),
        Length = 1 << 20,
        Protection = Protection.Read | Protection.Write,
        Backend = NameOf(backend),
    };

    private static string NameOf(Type backend) => $"{backend.FullName}, {backend.Assembly.GetName().Name}";

    /// <summary>A process that touches 8 pages, forks after a while, and writes 4 of them again; its child writes 5.</summary>
    private static ScenarioSpec Forking(Type backend)
    {
        ThreadProgram child = new ThreadBuilder("child").Touch(TestWorlds.Page(0), 5).Build();
        ThreadProgram parent = new ThreadBuilder("parent").Touch(TestWorlds.Page(0), 8).Compute(500_000)
            .Control(ControlKind.Fork, 0).Touch(TestWorlds.Page(0), 4).Compute(100_000).Build();
        ProgramImage image = TestWorlds.Image(parent) with { Children = [TestWorlds.Image(child) with { InitialMappings = [] }] };
        ScenarioSpec scenario = TestWorlds.Scenario(2);
        return scenario with
        {
            Processes = [new ProcessSpec { Name = "p", Program = _ => image }],
            Memory = new MemorySpec { Anonymous = NameOf(backend) },
        };
    }

    /// <summary>
    /// Two threads of one process fault, give pages back and end early; another's waits for ever, and one of a third computes on.
    /// </summary>
    private static ScenarioSpec Scenario()
    {
        ThreadProgram user = new ThreadBuilder("user").Touch(TestWorlds.Page(0), 8).Compute(100_000).Touch(TestWorlds.Page(4), 8).Build();
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 8).Compute(50_000).Unmap(TestWorlds.Page(0), 4)
            .Protect(TestWorlds.Page(4), 2, Protection.Read).Build();
        ThreadProgram waiter = new ThreadBuilder("waiter").Touch(TestWorlds.Page(0), 2).Control(ControlKind.Wait, 1).Build();
        ThreadProgram worker = new ThreadBuilder("worker").Touch(TestWorlds.Page(0), 2).Compute(5_000_000).Touch(TestWorlds.Page(0), 2)
            .Build();
        ScenarioSpec scenario = TestWorlds.Scenario(4, user, giver);
        return scenario with
        {
            Until = 2_000_000,
            Processes =
            [
                .. scenario.Processes,
                new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(waiter) },
                new ProcessSpec { Name = "r", Program = _ => TestWorlds.Image(worker) },
            ],
        };
    }

    private sealed class TakenName : CounterSet<TakenName>
    {
        public static readonly Counter Walks = Declare("walks", "walks", "A name that every run has.");
    }

    /// <summary>broadcast, with counters for each core.</summary>
    private sealed class OddProtocol(Func<int, CounterSet?> counters) : ForwardingProtocol(ShootdownProtocols.All.Find("broadcast")!)
    {
        public override CoreShootdown CreateCoreHalf(ICoreShootdownContext context) =>
            new Core(base.CreateCoreHalf(context), counters(context.Core.Value));

        private sealed class Core(CoreShootdown real, CounterSet? counters) : ForwardingCore(real)
        {
            public override CounterSet? Counters => counters;
        }
    }
}
