using VmSim.Core.Scenarios;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>What a sweep runs, and what is read from it.</summary>
internal sealed record SweepPlan
{
    /// <summary>The most runs of a sweep.</summary>
    public const long RunsMax = 1_000_000;

    /// <summary>Name of the sweep, for its folder and its page.</summary>
    public required string Name { get; init; }

    /// <summary>The base scenario, or a trace.</summary>
    public required string Scenario { get; init; }

    /// <summary>Settings of all runs, as <c>--set</c> takes them.</summary>
    public IReadOnlyList<string> Sets { get; init; } = [];

    /// <summary>What differs from run to run, the slowest first.</summary>
    public IReadOnlyList<SweepAxis> Axes { get; init; } = [];

    /// <summary>Seeds of each point; empty for the scenario's own alone.</summary>
    public IReadOnlyList<ulong> Seeds { get; init; } = [];

    /// <summary>Figures that are summed up, compared and drawn; empty for those that suit the scenario.</summary>
    public IReadOnlyList<string> Metrics { get; init; } = [];

    /// <summary>Settings of the points with which the others are compared.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Baseline { get; init; } = [];

    /// <summary>What every run is expected to have.</summary>
    public IReadOnlyList<Expectation> Expect { get; init; } = [];

    /// <summary>Lists that each run's folder has beside its report.</summary>
    public IReadOnlyList<ListFile> Lists { get; init; } = [];

    /// <summary>
    /// Whether a point with fewer cores than the machine has sockets gets as many sockets as cores, as <c>--cores</c> has it.
    /// </summary>
    public bool FitsSockets { get; init; }

    /// <summary>Whether crossings between points of the grid are looked for.</summary>
    public bool Bisects { get; init; } = true;

    /// <summary>The runs: the last axis changes fastest, and the seed faster still.</summary>
    /// <exception cref="UsageException">They are too many.</exception>
    public IReadOnlyList<SweepPoint> Points()
    {
        double count = Axes.Aggregate((double)Math.Max(1, Seeds.Count), (product, axis) => product * axis.Rows.Count);
        if (count > RunsMax)
        {
            throw new UsageException($"{count:N0} runs found; a sweep has at most {RunsMax:N0}");
        }

        IEnumerable<IReadOnlyList<IReadOnlyList<string>>> places = [[]];
        foreach (SweepAxis axis in Axes)
        {
            places = [.. places.SelectMany(place => axis.Rows.Select(row => (IReadOnlyList<IReadOnlyList<string>>)[.. place, row]))];
        }

        return [.. places.SelectMany(place => PointsAt(place))];
    }

    /// <summary>The runs of one place: one for each seed.</summary>
    public IEnumerable<SweepPoint> PointsAt(IReadOnlyList<IReadOnlyList<string>> place, bool isBetween = false) => Seeds.Count == 0
        ? [new SweepPoint(place, null, isBetween)]
        : Seeds.Select(seed => new SweepPoint(place, seed, isBetween));

    /// <summary>The axis of a setting.</summary>
    /// <exception cref="UsageException">The sweep does not vary it.</exception>
    public int AxisOf(string key, string where)
    {
        for (int i = 0; i < Axes.Count; i++)
        {
            if (Axes[i].Keys.Contains(key))
            {
                return i;
            }
        }

        IEnumerable<string> keys = Axes.SelectMany(axis => axis.Keys);
        throw new UsageException($"{where}: the sweep does not vary {key}; it varies {string.Join(", ", keys)}");
    }
}
