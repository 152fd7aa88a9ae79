using VmSim.Core.Reports;

namespace VmSim.Host.Sweeps;

/// <summary>
/// How the means of one figure under two rows of an axis, such as two protocols, lie to each other along an axis of numbers: where they
/// cross on the grid, and, if they cross once, between which two whole numbers.
/// </summary>
internal sealed class Crossing
{
    private readonly SweepView _view;
    private readonly SweepMeans _means;
    private readonly IReadOnlyList<string>[] _context;
    private readonly IReadOnlyList<string> _first;
    private readonly IReadOnlyList<string> _second;
    private readonly string _metric;
    private readonly List<(IReadOnlyList<string> Before, IReadOnlyList<string> At, int Sign)> _changes = [];
    private readonly int _sign;
    private readonly bool _isGapless = true;

    /// <summary>Looks for crossings on the grid.</summary>
    /// <param name="view">The axes.</param>
    /// <param name="means">The means.</param>
    /// <param name="metric">The figure.</param>
    /// <param name="context">Rows of all axes; those of the two that are looked at do not matter.</param>
    /// <param name="first">One row of the axis of curves.</param>
    /// <param name="second">The other.</param>
    public Crossing(
        SweepView view,
        SweepMeans means,
        string metric,
        IReadOnlyList<string>[] context,
        IReadOnlyList<string> first,
        IReadOnlyList<string> second)
    {
        (_view, _means, _metric, _context, _first, _second) = (view, means, metric, context, first, second);
        IReadOnlyList<string>? before = null;
        foreach (IReadOnlyList<string> row in Axis.Rows)
        {
            int sign = SignAt(row);
            _isGapless &= sign != 0;
            if (sign == 0)
            {
                continue;
            }

            if (before is not null && sign != _sign)
            {
                _changes.Add((before, row, sign));
            }

            (_sign, before) = (sign, row);
        }
    }

    private SweepAxis Axis => _view.Plan.Axes[_view.Along];

    /// <summary>The row halfway between the two that the only crossing lies between; null if there is nothing left to find.</summary>
    public IReadOnlyList<string>? Middle
    {
        get
        {
            if (_changes.Count != 1 || !Axis.CanBisect)
            {
                return null;
            }

            long low = SweepAxis.NumberOf(_changes[0].Before[0])!.Value;
            long high = SweepAxis.NumberOf(_changes[0].At[0])!.Value;
            return high - low < 2 ? null : Axis.RowOf(low + ((high - low) / 2));
        }
    }

    /// <summary>The two places whose runs tell on which side of <see cref="Middle"/> the crossing lies.</summary>
    public IEnumerable<IReadOnlyList<string>[]> MiddlePlaces =>
        Middle is { } middle ? [PlaceAt(middle, _first), PlaceAt(middle, _second)] : [];

    /// <summary>Takes note of the runs at <see cref="Middle"/>.</summary>
    /// <returns>Whether they came to something: false if a run failed there.</returns>
    public bool Narrow()
    {
        IReadOnlyList<string> middle = Middle!;
        (IReadOnlyList<string> before, IReadOnlyList<string> at, int sign) = _changes[0];
        if (MeanAt(middle, _first) is null || MeanAt(middle, _second) is null)
        {
            return false;
        }

        // Where both are equal the second has not come below the first.
        _changes[0] = SignAt(middle) == sign ? (before, middle, sign) : (middle, at, sign);
        return true;
    }

    /// <summary>What was found, as a sentence; empty if the means are equal or not there.</summary>
    public string Sentence()
    {
        string where = _view.TextOf(_context);
        string head = $"{_metric}{(where.Length > 0 ? $" ({where})" : "")}: ";
        if (_sign == 0)
        {
            return "";
        }

        if (_changes.Count == 0)
        {
            string everywhere = _isGapless ? $"at every {Axis.Key} of the grid" : $"wherever they differ along {Axis.Key}";
            return $"{head}{Ahead(_sign)} {Behind(_sign)} {everywhere}";
        }

        if (_changes.Count == 1)
        {
            (IReadOnlyList<string> before, IReadOnlyList<string> at, int sign) = _changes[0];
            string since = SweepAxis.NumberOf(at[0]) - SweepAxis.NumberOf(before[0]) == 1
                ? ""
                : $" (and not at {before[0]}; between them nothing was run)";
            return $"{head}{Ahead(sign)} {Behind(sign)} from {at[0]} {Axis.Key} on{since}{Doubt(at)}";
        }

        IEnumerable<string> ways = _changes.Select(change => $"{Ahead(change.Sign)} from {change.At[0]} on");
        return $"{head}`{_first[0]}` and `{_second[0]}` cross {_changes.Count} times along {Axis.Key}: less has {string.Join(", ", ways)}";
    }

    private string Ahead(int sign) => $"`{(sign > 0 ? _first : _second)[0]}`";

    private string Behind(int sign)
    {
        // Fewer cycles are better; of other figures nobody can say.
        string verb = ReportMetrics.UnitOf(_metric) == "cycles" ? "beats" : "has less than";
        return $"{verb} `{(sign > 0 ? _second : _first)[0]}`";
    }

    private string Doubt(IReadOnlyList<string> row)
    {
        Sample first = MeanAt(row, _first)!;
        Sample second = MeanAt(row, _second)!;
        return Sample.HalfWidthOfDifference(first, second) is { } half && half > Math.Abs(second.Mean - first.Mean)
            ? ", but by less there than the seeds differ"
            : "";
    }

    /// <summary>1 where the first has less than the second, -1 where it has more, 0 where they are equal or unknown.</summary>
    private int SignAt(IReadOnlyList<string> row) =>
        MeanAt(row, _first) is { } first && MeanAt(row, _second) is { } second ? Math.Sign(second.Mean - first.Mean) : 0;

    private Sample? MeanAt(IReadOnlyList<string> row, IReadOnlyList<string> curve) => _means.At(PlaceAt(row, curve), _metric);

    private IReadOnlyList<string>[] PlaceAt(IReadOnlyList<string> row, IReadOnlyList<string> curve) =>
        SweepView.With(SweepView.With(_context, _view.Along, row), _view.Curves, curve);
}
