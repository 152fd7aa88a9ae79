using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Statistics;
using VmSim.Testing;

namespace VmSim.Core.Tests.Reports;

/// <summary>What a report says of intervals of time.</summary>
public sealed class IntervalTests
{
    /// <summary>Every series adds up to what is counted without intervals, core by core, and no core has more time than there is.</summary>
    [Fact]
    public void Intervals_RandomScenarios_AddUpToTheTotals() => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            RunReport report = TestWorlds.Run(scenario);
            foreach ((string series, string total) in (ReadOnlySpan<(string, string)>)
                [("accesses", "accesses"), ("walks", "walks"), ("shootdowns", "shootdowns"), ("lockWaitCycles", "lockWaitCycles")])
            {
                Assert.Equal(report.Total(total), Series(report, series).Sum());
            }

            foreach (CounterInfo cycles in CoreCycles.All)
            {
                Assert.All(Series(report, $"{cycles.Name}Cycles"), sum => Assert.InRange(sum, 0, long.MaxValue));
                Assert.Equal(report.Cores.Sum(core => core.CyclesOf(cycles)), Series(report, $"{cycles.Name}Cycles").Sum());
            }

            RunCoreTime time = report.CoreTime!;
            foreach (CoreReport core in report.Cores)
            {
                long user = core.CyclesOf(CoreCycles.User.Info);
                Assert.Equal(user, time.User[core.Id.Value].Sum());
                Assert.Equal(CoreCycles.All.Sum(core.CyclesOf) - user, time.Lost[core.Id.Value].Sum());
            }
        },
        iter: 60);

    /// <summary>A core that waits in the kernel over many intervals has its wait in each of them.</summary>
    [Fact]
    public void Intervals_OfALongWait_HaveItsPartsEach()
    {
        ThreadProgram reader = new ThreadBuilder("reader").Touch(TestWorlds.Page(0), 1).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(1, reader);
        RunReport report = TestWorlds.Run(scenario with { Kernel = scenario.Kernel with { AnonymousFaultCycles = 1_000_000 } });
        long length = report.Intervals!.Length.Value;
        IReadOnlyList<long> faults = Series(report, "faultCycles");
        Assert.InRange(faults.Count, 1_000_000 / length, 1 + (1_100_000 / length));
        Assert.All(faults.Skip(1).Take((int)(900_000 / length)), cycles => Assert.Equal(length, cycles));
        Assert.Equal(faults.Sum(), report.CoreTime!.Lost[0].Sum() - Series(report, "walkCycles").Sum() - Rest(report));
    }

    /// <summary>A call that waits for another core over many intervals has waited in each of them.</summary>
    [Fact]
    public void Intervals_OfALongWaitForOtherCores_HaveItsPartsEach()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Compute(100_000)
            .Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(50_000).Build(new CoreId(0));
        ThreadProgram beside = new ThreadBuilder("beside").Load(TestWorlds.Page(200)).Compute(2_000_000).Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, beside);
        RunReport report = TestWorlds.RunThreads(scenario with { Kernel = scenario.Kernel with { HandlerCycles = 1_000_000 } });
        long length = report.Intervals!.Length.Value;
        IReadOnlyList<long> waits = Series(report, "shootdownWaitCycles");
        Assert.InRange(waits.Count(wait => wait == length), (900_000 / length) - 1, 1_000_000 / length);
        Assert.All(waits, wait => Assert.InRange(wait, 0, length));
        Assert.All(Series(report, "syscallCycles"), cycles => Assert.InRange(cycles, 0, length));
    }

    /// <summary>The resident set stands where it is at each interval's end, through intervals in which nothing changes.</summary>
    [Fact]
    public void Intervals_OfTheResidentSet_AreLevels()
    {
        ThreadProgram giver = new ThreadBuilder("giver")
            .Touch(TestWorlds.Page(0), 8).Compute(1_000_000)
            .Advise(TestWorlds.Page(0), 5, Advice.DontNeed).Compute(1_000_000).Build();
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(1, giver));
        long length = report.Intervals!.Length.Value;
        IReadOnlyList<long> resident = Series(report, "residentPages");
        Assert.Equal(8, resident[(int)(500_000 / length)]);
        Assert.Equal(3, resident[(int)(1_500_000 / length)]);
        Assert.Equal(8, resident.Max());
    }

    private static long Rest(RunReport report) => CoreCycles.All
        .Where(cycles => cycles.Name is not ("user" or "walk" or "fault")).Sum(cycles => Series(report, $"{cycles.Name}Cycles").Sum());

    private static IReadOnlyList<long> Series(RunReport report, string name) =>
        Assert.Single(report.Intervals!.Series, series => series.Key == name).Value;
}
