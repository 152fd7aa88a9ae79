using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;
using VmSim.Tests.Shared;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>A protocol that uses every hook has one fingerprint on any number of lanes and nodes.</summary>
public sealed class ProtocolSeamTests : ShardRuns
{
    private const int Seeds = 1;

    public static TheoryData<ProbeFeatures> Features =>
        [ProbeFeatures.Direct, ProbeFeatures.Copies, ProbeFeatures.Copies | ProbeFeatures.OnDemand, ProbeFeatures.All];

    [Theory]
    [MemberData(nameof(Features))]
    public void Crowd_AnyWindowLanesAndNodes_HasOneFingerprint(ProbeFeatures features) => CompareCrowds(features, 0, Seeds);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Features))]
    public void ManyCrowds_AnyWindowLanesAndNodes_HaveOneFingerprint(ProbeFeatures features) => CompareCrowds(features, Seeds, 20 * Seeds);

    private void CompareCrowds(ProbeFeatures features, int first, int end)
    {
        ProbeProtocol probe = new(features);
        for (int seed = first; seed < end; seed++)
        {
            ScenarioSpec scenario = Crowd(new Random(seed), processes: 1 + (seed % 2));
            using World world = new(scenario, check: true, probe);
            RunReport plain = ReportBuilder.Build(world, new SequentialEngine(world).Run());
            Assert.True(plain.Outcome == RunOutcomes.Completed, $"seed {seed}: {string.Join('\n', plain.Findings.Take(20))}");
            foreach ((int lanes, int divisor) in ((int, int)[])[(1, 2), (2, 1), (4, 7)])
            {
                Assert.Equal(plain.Fingerprint, RunOnLanes(scenario, lanes, divisor, probe).Fingerprint);
            }

            foreach ((int nodes, int divisor) in ((int, int)[])[(1, 1), (2, 1), (3, 2), (2, 33)])
            {
                Assert.Equal(plain.Fingerprint, RunOnNodes(scenario, nodes, coresPerNode: 0, divisor, probe).Fingerprint);
            }
        }
    }

    [Fact]
    public void Deadlock_UnderTicks_IsFoundOnAnyLanesAndNodes()
    {
        EndlessProtocol endless = new(ShootdownProtocols.All.Find("latr")!);
        ThreadProgram user = new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Compute(1_300_000).Build();
        ThreadProgram giver = new ThreadBuilder("giver").Compute(200_000).Protect(TestWorlds.Page(0), 4, Protection.Read).Build();
        ThreadProgram late = new ThreadBuilder("late").Compute(900_000).Map(TestWorlds.Page(9), 4).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(4, user, giver, late, user);
        using World world = new(scenario, check: true, endless);
        RunReport plain = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Deadlock, plain.Outcome);
        foreach ((int lanes, int divisor) in ((int, int)[])[(1, 1), (2, 7)])
        {
            Assert.Equal(plain.Fingerprint, RunOnLanes(scenario, lanes, divisor, endless).Fingerprint);
            Assert.Equal(plain.Fingerprint, RunOnNodes(scenario, 1 + lanes, coresPerNode: 0, divisor, endless).Fingerprint);
        }
    }

    /// <summary>Threads on two sockets that touch, give back and protect the same pages.</summary>
    private static ScenarioSpec Crowd(Random random, int processes)
    {
        ThreadProgram Thread(int number)
        {
            ThreadBuilder thread = new($"t{number}");
            for (int i = 0; i < 25; i++)
            {
                ulong page = TestWorlds.Page(random.Next(30));
                int pages = random.Next(1, 20);
                thread.Touch(page, pages).Compute(random.Next(4_000)).Load(page, 3);
                switch (random.Next(4))
                {
                    case 0:
                        thread.Advise(page, pages, Advice.DontNeed);
                        break;
                    case 1:
                        thread.Protect(page, pages, Protection.Read).Protect(page, pages, Protection.Read | Protection.Write);
                        break;
                    case 2:
                        thread.Unmap(page, pages).Map(page, pages);
                        break;
                    default:
                        thread.Control(ControlKind.Sleep, 3_000);
                        break;
                }
            }

            return thread.Build();
        }

        ThreadProgram[][] programs = [.. Enumerable.Range(0, processes).Select(_ => Enumerable.Range(0, 5).Select(Thread).ToArray())];
        return new ScenarioSpec
        {
            Name = "crowd",
            Machine = new MachineSpec { Cores = 6, Sockets = 2 },
            Kernel = new KernelProfile { TimeSliceCycles = 30_000 },
            Processes =
                [.. programs.Select((threads, index) => new ProcessSpec { Name = $"p{index}", Program = _ => TestWorlds.Image(threads) })],
        };
    }
}
