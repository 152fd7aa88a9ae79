using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>A run whose accesses are sampled has one report on any number of lanes and nodes.</summary>
public sealed class SampledRunTests : ShardRuns
{
    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void ThroughputMix_AnyWindowLanesAndNodes_HasOneReport(int run)
    {
        ThroughputMix program = new() { Accesses = 25_000, RunLength = run, ChurnEvery = 9_000, Threads = 6 };
        Compare(new ScenarioSpec
        {
            Machine = new MachineSpec { Cores = 4, Sockets = 1 },
            Kernel = new KernelProfile { TimeSliceCycles = 40_000 },
            Processes =
            [
                new ProcessSpec { Name = "mix", Program = copy => program.Build(new ProgramContext("mix", copy, 1, 4)), Count = 2 },
            ],
        });
    }

    /// <summary>Threads that move to cores of other nodes take along where they stand in their sampling.</summary>
    [Fact]
    public void Wander_AnyWindowLanesAndNodes_HasOneReport()
    {
        ThreadProgram[] threads =
        [
            .. Enumerable.Range(0, 4).Select(i =>
            {
                ThreadBuilder thread = new ThreadBuilder($"t{i}").Touch(TestWorlds.Page(16 * i), 16);
                for (int round = 0; round < 40; round++)
                {
                    for (int access = 0; access < 60; access++)
                    {
                        thread.Load(TestWorlds.Page((16 * i) + ((access * 7) % 16)));
                    }

                    thread.Control(ControlKind.Migrate, (ulong)((i + round) % 4));
                }

                return thread.Build(new CoreId(i));
            }),
        ];
        ScenarioSpec scenario = TestWorlds.Scenario(4, threads);
        Compare(scenario with
        {
            Processes = [scenario.Processes[0] with { Program = _ => TestWorlds.Image(mayMigrate: true, threads) }],
        });
    }

    private void Compare(ScenarioSpec scenario)
    {
        scenario = scenario with { Sampling = new SamplingSpec { Enabled = true, Unit = 100, WarmUp = 200, Period = 1_000 } };
        RunReport plain = RunOnLanes(scenario, 1, 1);
        Assert.True(plain.Sampling!.Skipped > plain.Sampling.Detailed / 2);
        foreach ((int lanes, int divisor) in ((int, int)[])[(2, 1), (4, 7)])
        {
            AssertSame(plain, RunOnLanes(scenario, lanes, divisor));
        }

        AssertSame(plain, RunOnLanes(scenario, 2, 3, protocol: null, 0, 5, 5));
        foreach ((int nodes, int divisor) in ((int, int)[])[(1, 1), (3, 2)])
        {
            AssertSame(plain, RunOnNodes(scenario, nodes, coresPerNode: 0, divisor));
        }
    }

    private static void AssertSame(RunReport expected, RunReport actual)
    {
        Assert.Equal(Digest(expected), Digest(actual));
        Assert.Equal(expected.Sampling!.Units, actual.Sampling!.Units);
        Assert.Equal((expected.Sampling.Detailed, expected.Sampling.Skipped), (actual.Sampling.Detailed, actual.Sampling.Skipped));
        Assert.Equal(expected.Sampling.Intervals, actual.Sampling.Intervals);
    }
}
