using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Tests.Reports;

/// <summary>
/// The figures of full runs lie in the intervals of sampled ones. TLBs and periods are small, so that short programs have many samples;
/// tests/Benchmarks does the same for long ones.
/// </summary>
public class SamplingIntervalsTests
{
    private const int Seeds = 20;
    private const int Outside = 1;

    private static readonly SamplingSpec Sampling = new() { Enabled = true, Unit = 400, WarmUp = 1_200, Period = 8_000 };

    private static readonly MachineSpec Machine = new()
    {
        Cores = 2,
        Sockets = 1,
        Mmu = new MmuSpec { Data4K = new TlbSpec { Entries = 16, Ways = 4 }, Second = new TlbSpec { Entries = 64, Ways = 4 } },
    };

    [Theory]
    [InlineData("sequential-pages", 1)]
    [InlineData("strided", 1)]
    [InlineData("uniform", 1)]
    [InlineData("uniform", 8)]
    [InlineData("zipf", 1)]
    [InlineData("pointer-chase", 1)]
    [InlineData("sparse", 1)]
    public void Intervals_OfAPattern_HoldTheFullRunsFigures(string pattern, int run) => Compare(
        new PatternProgram { Pattern = pattern, Pages = 256, Accesses = 400_000, RunLength = run, Threads = 1 });

    /// <summary>Where it takes long to fill the TLBs there are few samples, and their intervals are wide.</summary>
    [Fact]
    public void Intervals_OfFewSamples_HoldTheFullRunsFigures() => Compare(
        new PatternProgram { Pattern = "sequential", Pages = 256, Accesses = 400_000, Threads = 1 }, mostHalfWidth: 4);

    /// <summary>Threads that give pages back all the time interrupt each other.</summary>
    [Fact]
    public void Intervals_OfThreadsWithShootdowns_HoldTheFullRunsFigures() => Compare(
        new ThroughputMix { Accesses = 200_000, ChurnEvery = 10_000, Threads = 2 }, mostHalfWidth: 0.6);

    [Fact]
    public void Intervals_OfARunThatIsCut_HoldItsAccesses() => Compare(
        new PatternProgram { Pattern = "zipf", Pages = 256, Accesses = 10_000_000, Threads = 1 }, until: 6_000_000);

    private static void Compare(SyntheticProgram program, long until = 0, double mostHalfWidth = 0.3)
    {
        SortedDictionary<string, int> outside = new(StringComparer.Ordinal);
        double widest = 0;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            ScenarioSpec scenario = new()
            {
                Seed = seed,
                Until = until,
                Machine = Machine,
                Processes = [new ProcessSpec { Name = "p", Program = copy => program.Build(new ProgramContext("p", copy, seed, 2)) }],
            };
            RunReport full = Run(scenario);
            RunReport sampled = Run(scenario with { Sampling = Sampling });
            Assert.InRange(sampled.Sampling!.Units, 3, 200);
            Assert.True(sampled.Sampling.Skipped > sampled.Sampling.Detailed);
            foreach (SampledFigure figure in sampled.Sampling.Intervals)
            {
                Assert.Equal(figure.Name != "refillMisses", figure.HalfWidth is not null);
                outside[figure.Name] = outside.GetValueOrDefault(figure.Name) + (figure.Holds(ValueOf(full, figure.Name)) ? 0 : 1);
            }

            SampledFigure time = sampled.Sampling.Intervals.First(figure => figure.Name == "walkCycles");
            widest = Math.Max(widest, (double)time.HalfWidth! / time.Estimate);
        }

        Assert.Equal(until > 0 ? 10 : 11, outside.Count);
        Assert.All(outside, figure => Assert.InRange(figure.Value, 0, Outside));
        Assert.InRange(widest, 0, mostHalfWidth);
    }

    private static long ValueOf(RunReport report, string name) =>
        report.Totals.Any(total => total.Key == name)
            ? report.Total(name)
            : report.Cores.Sum(core => core.Cycles.Where(cycles => $"{cycles.Key}Cycles" == name).Sum(cycles => cycles.Value));

    private static RunReport Run(ScenarioSpec scenario)
    {
        using World world = new(scenario);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run());
    }
}
