using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>The checker finds the same however a run is spread, in runs that are clean and in those that are not.</summary>
public sealed class CheckedNodesTests : ShardRuns
{
    /// <summary>Two domains break a rule, at different times; a third, and what the two do after it, is as if nobody had.</summary>
    [Fact]
    public void Violations_OnAnyThreadsAndNodes_AreTheSame()
    {
        ScenarioSpec scenario = Broken();
        RunReport expected = Plainly(scenario, new Deaf());
        Assert.Equal(RunOutcomes.Violation, expected.Outcome);
        Assert.Contains(expected.Findings, line => line.Contains(": late: ", StringComparison.Ordinal));
        Assert.Contains(expected.Findings, line => line.Contains(": early: ", StringComparison.Ordinal));
        foreach (int lanes in (int[])[1, 2, 4])
        {
            AssertSame(expected, RunOnLanes(scenario, lanes, protocol: new Deaf()));
        }

        foreach (int nodes in (int[])[1, 2, 3])
        {
            AssertSame(expected, RunOnNodes(scenario, nodes, int.MaxValue, protocol: new Deaf(), check: true));
        }
    }

    /// <summary>What pages hold is compared alike, too: two processes touch pages anew that other cores still have.</summary>
    [Fact]
    public void WrongValues_OnAnyThreadsAndNodes_AreTheSame()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(4) with
        {
            Check = "values",
            Shootdown = new ShootdownSpec { Protocol = "latr" },
            Processes = [Process("late", Renewer(600_000)), Process("early", Renewer(200_000))],
        };
        RunReport expected = Plainly(scenario, null);
        Assert.Contains(expected.Findings, line => line.StartsWith("WrongValue", StringComparison.Ordinal));
        foreach (int lanes in (int[])[1, 2])
        {
            AssertSame(expected, RunOnLanes(scenario, lanes));
        }

        foreach (int nodes in (int[])[1, 2, 3])
        {
            AssertSame(expected, RunOnNodes(scenario, nodes, int.MaxValue, check: true));
        }
    }

    [Theory]
    [InlineData("scenarios/munmap-latr.conf", "until=1200us shootdown.protocol=latr")]
    [InlineData("scenarios/many-processes.conf", "until=60us")]
    [InlineData("scenarios/many-processes.conf", "until=60us check=values")]
    public async Task CleanRun_OnAnyNodes_HasTheSameReport(string file, string settings)
    {
        ScenarioSpec scenario = ScenarioLoader.Load(ConfigFiles.Find(file), settings.Split(' '));
        RunReport expected = Plainly(scenario, null);
        Assert.NotEqual(RunOutcomes.Violation, expected.Outcome);
        foreach (int nodes in (int[])[1, 2, 3])
        {
            RunReport report = await new ShardRunner(Sys, nodes).RunAsync(
                scenario, new RunOptions { Threads = 2, Check = true }, null, CancellationToken.None);
            Assert.Equal(Digest(expected), Digest(report));
            Assert.Equal(expected.Checker, report.Checker);
        }
    }

    private static void AssertSame(RunReport expected, RunReport actual)
    {
        Assert.Equal(expected.Findings, actual.Findings);
        Assert.Equal(expected.Outcome, actual.Outcome);
        Assert.Equal(Figures(expected), Figures(actual));
    }

    private static string Figures(RunReport report) => string.Join(
        '\n',
        report.Threads.Select(thread => $"{thread.Name} of {thread.AddressSpace}: {thread.Accesses} accesses, {thread.Faults} faults"));

    private static RunReport Plainly(ScenarioSpec scenario, IShootdownProtocol? protocol)
    {
        using World world = new(scenario, check: true, protocol);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run());
    }

    private static ScenarioSpec Broken()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(6);
        return scenario with
        {
            Processes =
            [
                Process("late", Giver(600_000)),
                Process("early", Giver(200_000)),
                Process("clean", TestWorlds.Toucher("giver", 8, 40)),
            ],
        };
    }

    private static ProcessSpec Process(string name, ThreadProgram giver)
    {
        ThreadBuilder user = new("user");
        for (int i = 0; i < 400; i++)
        {
            user.Load(TestWorlds.Page(i % 4)).Compute(5_000);
        }

        return new ProcessSpec { Name = name, Program = _ => TestWorlds.Image(giver, user.Build()) };
    }

    private static ThreadProgram Giver(long after) => new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Compute(after)
        .Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(100_000).Build();

    private static ThreadProgram Renewer(long after) => new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Compute(after)
        .Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Touch(TestWorlds.Page(0), 4).Compute(100_000).Build();

    /// <summary>Cores acknowledge and invalidate nothing.</summary>
    private sealed class Deaf() : ForwardingProtocol(new BroadcastProtocol())
    {
        public override CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new DeafCore(base.CreateCoreHalf(context));
    }

    private sealed class DeafCore(CoreShootdown real) : ForwardingCore(real)
    {
        public override InvalidationResult OnInvalidation(in Invalidation invalidation) => default;
    }
}
