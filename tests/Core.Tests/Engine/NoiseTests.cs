using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Testing;

namespace VmSim.Core.Tests.Engine;

/// <summary>Interrupts that are late and cores in another order, drawn from the seed.</summary>
public sealed class NoiseTests
{
    /// <summary>Whatever is late, no window changes what is found, and the checker finds nothing wrong.</summary>
    [Fact]
    public void Run_WithNoiseAndAnyWindow_GivesOneFingerprint() =>
        Gen.Select(RandomPrograms.Scenario, Gen.Long[1, 20_000], Gen.Bool).Sample(
            (scenario, late, shuffles) =>
            {
                ScenarioSpec noisy = scenario with { Noise = new NoiseSpec { Interrupt = late, Placement = shuffles } };
                string expected = TestWorlds.Run(noisy).Fingerprint;
                long bound = WorldParts.DelaysOf(noisy).WindowBound.Value;
                Assert.Equal(expected, TestWorlds.Run(noisy, bound / 3).Fingerprint);
            },
            iter: 40);

    [Fact]
    public void Interrupts_AreLateByWhatTheSeedSays()
    {
        InterruptNoise noise = new(seed: 7, most: 1_000);
        long[] late = [.. Draws(noise)];
        Assert.Equal(late, Draws(new InterruptNoise(7, 1_000)));
        Assert.NotEqual(late, Draws(new InterruptNoise(8, 1_000)));
        Assert.All(late, cycles => Assert.InRange(cycles, 0, 1_000));
        Assert.InRange(late.Distinct().Count(), 600, 1_001);
        Assert.InRange(late.Average(), 450, 550);
    }

    [Fact]
    public void LateInterrupts_MakeShootdownsLonger()
    {
        ScenarioSpec scenario = Unmapper();
        long usual = WaitOf(TestWorlds.RunThreads(scenario));
        long late = WaitOf(TestWorlds.RunThreads(scenario with { Noise = new NoiseSpec { Interrupt = 1_000_000 } }));
        Assert.InRange(late, usual + 1, usual + 1_000_000);
    }

    [Fact]
    public void Cores_InAnotherOrder_KeepThreadsApartAndPinnedOnesInTheirPlace()
    {
        HashSet<string> orders = [];
        for (ulong seed = 1; seed <= 20; seed++)
        {
            ScenarioSpec scenario = TestWorlds.Scenario(
                8, [.. Enumerable.Range(0, 7).Select(thread => TestWorlds.Toucher($"t{thread}", 0, 2))]) with
            {
                Seed = seed,
                Noise = new NoiseSpec { Placement = true },
            };
            int[] cores = [.. TestWorlds.Run(scenario).Threads.Select(thread => thread.Core.Value)];
            Assert.Equal(cores.Length, cores.Distinct().Count());
            orders.Add(string.Join(' ', cores));
            ThreadProgram pinned = TestWorlds.Toucher("pinned", 0, 2) with { Core = new CoreId(5) };
            Assert.Equal(5, Assert.Single(TestWorlds.Run(TestWorlds.Scenario(8, pinned) with
            {
                Seed = seed,
                Noise = new NoiseSpec { Placement = true },
            }).Threads).Core.Value);
        }

        Assert.InRange(orders.Count, 15, 20);
    }

    /// <summary>Programs that lie elsewhere give one result with any window, and the checker finds nothing wrong.</summary>
    [Fact]
    public void Programs_ThatLieElsewhere_GiveOneFingerprint() =>
        Gen.Select(RandomPrograms.Scenario, Gen.ULong[1, 1_000]).Sample(
            (scenario, seed) =>
            {
                ScenarioSpec moved = Elsewhere(scenario, seed);
                RunReport report = TestWorlds.Run(moved);
                Assert.Equal(report.Fingerprint, TestWorlds.Run(moved, WorldParts.DelaysOf(moved).WindowBound.Value / 3).Fingerprint);
            },
            iter: 40);

    /// <summary>A thread by itself makes the same calls and faults wherever its program lies; its walks and misses may differ.</summary>
    [Theory]
    [InlineData("random")]
    [InlineData("malloc-arena")]
    [InlineData("page-fault1")]
    [InlineData("snapshot")]
    public void Program_ThatLiesElsewhere_HasTheSameCallsAndFaults(string kind)
    {
        SyntheticProgram program = ProgramKinds.All.Find(kind)!.CreateDefaults() with { Threads = 1 };
        program = program is RepeatingProgram repeating ? repeating with { Iterations = 2 } : program;
        ScenarioSpec scenario = TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 2)) with
        {
            Memory = new MemorySpec { FaultAround = 4096 },
            Processes =
            [
                new ProcessSpec { Name = "p", Program = copy => program.Build(new ProgramContext("p", copy, 1, 1)) },
            ],
        };
        RunReport before = TestWorlds.Run(scenario);
        foreach (ulong seed in (ulong[])[1, 2, 3])
        {
            RunReport after = TestWorlds.Run(Elsewhere(scenario, seed));
            string[] names = ["accesses", "systemCalls", "minorFaults", "segmentationFaults", "mapOperations", "failedOperations"];
            foreach (string name in names)
            {
                Assert.Equal((name, seed, before.Total(name)), (name, seed, after.Total(name)));
            }
        }
    }

    private static ScenarioSpec Elsewhere(ScenarioSpec scenario, ulong seed) => scenario with
    {
        Processes =
        [
            .. scenario.Processes.Select(process => process with
            {
                Program = copy => MovedProgram.Drawn(process.Program(copy), seed, copy, LayoutEntropy.Of(PageTableFormats.X64)),
            }),
        ],
    };

    private static IEnumerable<long> Draws(InterruptNoise noise) =>
        from shootdown in Enumerable.Range(0, 500)
        from core in Enumerable.Range(0, 4)
        select noise.Of(new SpaceId(1), shootdown, new CoreId(core));

    private static ScenarioSpec Unmapper() => TestWorlds.Scenario(
        2,
        new ThreadBuilder("u").Compute(100_000).Touch(TestWorlds.Page(0), 1).Unmap(TestWorlds.Page(0), 1).Build(),
        new ThreadBuilder("o").Touch(TestWorlds.Page(0), 1).Compute(10_000_000).Build());

    private static long WaitOf(RunReport report) =>
        report.Cores.Sum(core => core.CyclesOf(CoreCycles.ShootdownWait.Info));
}
