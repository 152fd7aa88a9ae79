using VmSim.Core.Engine;
using VmSim.Core.Kernel;

namespace VmSim.Core.Reports;

/// <summary>From what samples came to, the intervals in which the figures of a run without sampling lie.</summary>
/// <remarks>
/// <para>
/// The accesses that a thread skips, and those of warm-ups, are as many as its samples stand for. What they come to has the variance s^2
/// sum(N^2), where s^2 is the variance of the metric per access between the thread's samples, and N what each stands for (Cochran, Sampling
/// Techniques, 1977, chapter 2). Those of threads add up. Student's t makes an interval of it, with the degrees of freedom of such a sum
/// (Satterthwaite, Biometrics Bulletin 2, 1946).
/// </para>
/// <para>
/// A warm-up that is too short makes samples differ from what they stand for. That shows as a difference between samples and the accesses
/// right before them, which had a shorter warm-up still, and the interval is wider by as much on each side.
/// </para>
/// <para>
/// What a sample stands for is booked in whole walks, cycles and so on, so that each can be off by one more. What a sample shows to have
/// been booked too much or too little is made up for by the time of what comes next; what the end of the program leaves of it is counted
/// in.
/// </para>
/// <para>
/// Refill misses have no interval. What shootdowns took while accesses were skipped comes back in the samples, so that they have too many.
/// </para>
/// <para>
/// Interrupts and waits are simulated one by one, but at times that depend on estimates. A figure of events that come at random times has
/// the variance of its number (Poisson), and both runs have it, so that their difference has twice that. Where the run's time is off by a
/// share, so may these figures be.
/// </para>
/// </remarks>
internal sealed class SamplingIntervals
{
    /// <summary>97.5 % of the normal distribution lie below.</summary>
    private const double NormalQuantile = 1.959964;

    private readonly List<(int Core, SampleFigures Figures)> _threads = [];
    private readonly bool _isKnown;

    private SamplingIntervals(RunStatistics statistics)
    {
        foreach (long[] numbers in statistics.Samples.Values)
        {
            SampleFigures figures = new();
            figures.Import(numbers.AsSpan(1));
            _threads.Add(((int)numbers[0], figures));
            _isKnown |= figures.Units >= 2;
        }
    }

    /// <summary>The intervals of a run.</summary>
    /// <param name="statistics">What it counted.</param>
    /// <param name="totals">Sums over the run.</param>
    /// <param name="isCut">Whether it ended at a time that was given, and not with its programs.</param>
    /// <returns>Null if accesses were not sampled.</returns>
    public static SamplingReport? Of(RunStatistics statistics, IReadOnlyList<KeyValuePair<string, long>> totals, bool isCut)
    {
        if (statistics.Samples.Count == 0)
        {
            return null;
        }

        SamplingIntervals intervals = new(statistics);
        return new SamplingReport(
            intervals._threads.Sum(thread => thread.Figures.Units),
            intervals._threads.Sum(thread => thread.Figures.Detailed),
            intervals._threads.Sum(thread => thread.Figures.Skipped),
            [.. intervals.Figures(statistics, totals, isCut)]);
    }

    private IEnumerable<SampledFigure> Figures(
        RunStatistics statistics, IReadOnlyList<KeyValuePair<string, long>> totals, bool isCut)
    {
        double user = Sum(CoreCycles.User);
        double walk = Sum(CoreCycles.Walk);
        double time = HalfWidth(SampledMetric.Cycles, _ => true);
        double share = user + walk > 0 ? time / (user + walk) : 0;
        double cut = isCut ? share : 0;
        if (!isCut)
        {
            yield return Figure(CoreCycles.OfRun.Name, Total(CoreCycles.OfRun.Name), LongestCore());
        }

        yield return Of(CoreCounters.Accesses, 0);
        double second = HalfWidth(SampledMetric.SecondLevelHits, _ => true);
        double walks = HalfWidth(SampledMetric.Walks, _ => true);
        yield return Of(CoreCounters.FirstLevelHits, second + walks);
        yield return Of(CoreCounters.SecondLevelHits, second);
        yield return Of(CoreCounters.Walks, walks);
        yield return Of(CoreCounters.WalkReferences, HalfWidth(SampledMetric.WalkReferences, _ => true));
        yield return new SampledFigure(CoreCounters.RefillMisses.Info.Name, Total(CoreCounters.RefillMisses.Info.Name), HalfWidth: null);
        yield return Cycles(CoreCycles.User, user, HalfWidth(SampledMetric.UserCycles, _ => true));
        yield return Cycles(CoreCycles.Walk, walk, HalfWidth(SampledMetric.WalkCycles, _ => true));
        long interrupts = Total(CoreCounters.InvalidationsHandled.Info.Name);
        yield return Figure(
            CoreCounters.InvalidationsHandled.Info.Name, interrupts, (share * interrupts) + (NormalQuantile * Math.Sqrt(2.0 * interrupts)));
        long shootdowns = Total(SpaceCounters.Shootdowns.Info.Name);
        double waited = Sum(CoreCycles.ShootdownWait);
        double noise = shootdowns > 0 ? NormalQuantile * Math.Sqrt(2.0 / shootdowns) : 0;
        yield return Figure($"{CoreCycles.ShootdownWait.Info.Name}Cycles", (long)waited, (share + noise) * waited);

        long Total(string name) => NamedValues.Find(totals, name);

        double Sum(CoreCycles.Counter cycles) => statistics.Cores.Values.Sum(core => (double)core[cycles.Index]);

        SampledFigure Of(CoreCounters.Counter counter, double half)
        {
            long total = Total(counter.Info.Name);
            return Figure(counter.Info.Name, total, half + (cut * total));
        }

        SampledFigure Cycles(CoreCycles.Counter cycles, double total, double half) =>
            Figure($"{cycles.Info.Name}Cycles", (long)total, half + (cut * total));
    }

    private SampledFigure Figure(string name, long estimate, double half) =>
        new(name, estimate, !_isKnown || !double.IsFinite(half) ? null : (long)Math.Ceiling(Math.Min(half, long.MaxValue / 2)));

    /// <summary>Of the cores the one whose time can be off most.</summary>
    private double LongestCore() =>
        _threads.Select(thread => thread.Core).Distinct().Max(core => HalfWidth(SampledMetric.Cycles, other => other == core));

    private double HalfWidth(SampledMetric metric, Func<int, bool> isOnCore)
    {
        double variance = 0;
        double quotients = 0;
        double drift = 0;
        double rounding = 0;
        foreach ((int core, SampleFigures figures) in _threads)
        {
            if (isOnCore(core))
            {
                rounding += figures.Units + figures.LeftOf(metric);
                double own = VarianceOf(metric, figures) * figures.SquaredWeights;
                variance += own;
                quotients += own * own / Math.Max(1, figures.Units - 1);
                drift += figures.Units == 0
                    ? 0
                    : figures.Represented * (figures.Sum[(int)metric] - figures.SumBefore[(int)metric]) / figures.Units;
            }
        }

        double sampling = variance == 0 ? 0 : Student(variance * variance / quotients) * Math.Sqrt(variance);
        return sampling + Math.Abs(drift) + rounding;
    }

    /// <summary>Between the samples of a thread; of one with fewer than two, between those of the other threads.</summary>
    private double VarianceOf(SampledMetric metric, SampleFigures figures)
    {
        if (figures.Units >= 2)
        {
            return figures.Variance(metric);
        }

        IEnumerable<SampleFigures> others = _threads.Select(thread => thread.Figures).Where(other => other.Units >= 2);
        return others.Sum(other => other.Variance(metric) * (other.Units - 1)) / Math.Max(1, others.Sum(other => other.Units - 1));
    }

    /// <summary>
    /// The number below which 97.5 % of Student's distribution lie (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5; of
    /// one and two degrees of freedom from table 26.10).
    /// </summary>
    private static double Student(double freedom)
    {
        const double OfOne = 12.706;
        const double OfTwo = 4.303;
        if (freedom < 3)
        {
            return freedom < 2 ? OfOne : OfTwo;
        }

        double x = NormalQuantile;
        double x3 = x * x * x;
        double x5 = x3 * x * x;
        double x7 = x5 * x * x;
        double n = freedom;
        return x + ((x3 + x) / (4 * n)) + (((5 * x5) + (16 * x3) + (3 * x)) / (96 * n * n))
            + (((3 * x7) + (19 * x5) + (17 * x3) - (15 * x)) / (384 * n * n * n));
    }
}
