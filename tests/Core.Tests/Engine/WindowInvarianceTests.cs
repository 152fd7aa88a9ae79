using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Engine;

public sealed class WindowInvarianceTests
{
    [Fact]
    public void Run_AnyWindow_GivesOneFingerprint() => CompareWindows(scenarios: 80);

    [Fact]
    [Trait("Category", "Long")]
    public void Run_ManyScenariosAnyWindow_GiveOneFingerprint() => CompareWindows(scenarios: 2_000);

    private static void CompareWindows(int scenarios) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            string expected = TestWorlds.Run(scenario).Fingerprint;
            long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
            foreach (long window in new[] { bound / 2, bound / 7, bound / 50 })
            {
                Assert.Equal(expected, TestWorlds.Run(scenario, window).Fingerprint);
            }
        },
        iter: scenarios);

    [Fact]
    public void Run_UntilAndWarmup_AnyWindowGivesOneFingerprint() =>
        Gen.Select(RandomPrograms.Scenario, Gen.Long[1, 60_000], Gen.Long[1, 200_000]).Sample(
        (scenario, warmup, until) =>
        {
            ScenarioSpec cut = scenario with { Warmup = warmup, Until = warmup + until };
            string expected = TestWorlds.Run(cut).Fingerprint;
            long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
            Assert.Equal(expected, TestWorlds.Run(cut, bound / 3).Fingerprint);
            Assert.Equal(expected, TestWorlds.Run(cut, 17).Fingerprint);
        },
        iter: 60);

    [Fact]
    public void Run_AnotherPlacement_GivesAnotherFingerprint()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, TestWorlds.Toucher("a", 0, 20), TestWorlds.Toucher("b", 20, 20));
        Assert.NotEqual(
            TestWorlds.Run(scenario).Fingerprint,
            TestWorlds.Run(scenario with { Threads = new ThreadsSpec { Placement = "single" } }).Fingerprint);
    }

    [Fact]
    public void Run_StoreWhileAnInvalidationWaits_DoesNotCountOnAnyWindow()
    {
        // Core 0 is told of two pages at nearly the same time, and takes the second when it has handled the first. Meanwhile, core 3 makes
        // it writable again.
        HashSet<long> misses = [];
        for (int i = 0; i < 20; i++)
        {
            ThreadProgram user = new ThreadBuilder("user").Call(MapFile).Store(FilePage(0)).Store(FilePage(8)).Compute(100_000)
                .Load(FilePage(0)).Build(new CoreId(0));
            ThreadProgram one = new ThreadBuilder("one").Compute(50_000).Call(Sync(8)).Build(new CoreId(1));
            ThreadProgram other = new ThreadBuilder("other").Compute(50_000).Call(Sync(0)).Build(new CoreId(2));
            ThreadProgram writer = new ThreadBuilder("writer").Compute(50_800 + (i * 100)).Store(FilePage(0)).Build(new CoreId(3));
            misses.Add(
                MissesOnAnyWindow(
                    TestWorlds.Scenario(4, user, one, other, writer) with { Shootdown = new ShootdownSpec { Protocol = "broadcast" } }));
        }

        Assert.Equal(2, misses.Count);
    }

    [Fact]
    public void Run_StoreWhileAWalkFaults_DoesNotCountInTheSweepBehindIt()
    {
        // Core 0 faults, and sweeps before it idles: its walk may end beyond the window. Meanwhile, core 1 takes back the file page that it
        // gave up.
        HashSet<long> misses = [];
        for (int i = 0; i < 30; i++)
        {
            ThreadProgram user = new ThreadBuilder("user").Call(MapFile).Load(FilePage(0)).Compute(100_000).Store(TestWorlds.Page(0))
                .Load(FilePage(0)).Build(new CoreId(0));
            ThreadProgram giver = new ThreadBuilder("giver").Compute(90_000).Advise(FilePage(0), 1, Advice.DontNeed)
                .Compute(14_100 + (i * 15)).Store(FilePage(0)).Build(new CoreId(1));
            misses.Add(MissesOnAnyWindow(TestWorlds.Scenario(2, user, giver) with
            {
                Shootdown = new ShootdownSpec { Protocol = "latr" },
                Kernel = new KernelProfile { Traps = TrapModes.Park, TickCycles = 100_000_000 },
            }));
        }

        Assert.Equal(2, misses.Count);
    }

    private static SystemCall MapFile { get; } = new()
    {
        Kind = SystemCallKind.Map,
        Start = new VirtAddr(FilePage(0)),
        Length = 16 << 12,
        Protection = Protection.Read | Protection.Write,
        Source = MappingSource.File,
        FileId = 0,
        Shared = true,
    };

    private static ulong FilePage(int page) => TestWorlds.Page((1 << 20) + page);

    private static SystemCall Sync(int page) =>
        new() { Kind = SystemCallKind.Sync, Start = new VirtAddr(FilePage(page)), Length = 1 << 12 };

    /// <summary>Runs on a window of the bound and on short ones, and gives the refill misses.</summary>
    private static long MissesOnAnyWindow(ScenarioSpec scenario)
    {
        RunReport expected = TestWorlds.Run(scenario);
        foreach (long window in new[] { WorldParts.DelaysOf(scenario).WindowBound.Value / 3, 17 })
        {
            Assert.Equal(expected.Fingerprint, TestWorlds.Run(scenario, window).Fingerprint);
        }

        return expected.Total("refillMisses");
    }
}
