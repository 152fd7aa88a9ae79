namespace VmSim.Host.Sweeps;

/// <summary>Which axis of a sweep runs along pictures, which one makes their curves, and which are left.</summary>
internal sealed class SweepView
{
    private const string Protocol = "shootdown.protocol";

    /// <summary>Looks at a sweep.</summary>
    public SweepView(SweepPlan plan)
    {
        Plan = plan;
        int[] axes = [.. Enumerable.Range(0, plan.Axes.Count)];
        Along = axes.Where(axis => plan.Axes[axis].IsNumeric).OrderByDescending(axis => plan.Axes[axis].Rows.Count)
            .FirstOrDefault(-1);
        Curves = axes.Where(axis => axis != Along && plan.Axes[axis].Rows.Count > 1)
            .OrderByDescending(axis => plan.Axes[axis].Keys.Contains(Protocol))
            .ThenBy(axis => plan.Axes[axis].IsNumeric)
            .FirstOrDefault(-1);
        Along = Along >= 0 ? Along : axes.Where(axis => axis != Curves).FirstOrDefault(-1);
        Others = [.. axes.Where(axis => axis != Along && axis != Curves)];
    }

    /// <summary>The sweep.</summary>
    public SweepPlan Plan { get; }

    /// <summary>The axis that runs along pictures: the longest of whole numbers; -1 if there is none.</summary>
    public int Along { get; }

    /// <summary>The axis whose rows are compared with each other: the protocol, if it varies; -1 if there is none.</summary>
    public int Curves { get; }

    /// <summary>The other axes.</summary>
    public IReadOnlyList<int> Others { get; }

    /// <summary>Rows of all axes but <see cref="Along"/> and <see cref="Curves"/>, whose places are taken by their first rows.</summary>
    public IEnumerable<IReadOnlyList<string>[]> Contexts() =>
        Others.Aggregate(
            (IEnumerable<IReadOnlyList<string>[]>)[[.. Plan.Axes.Select(axis => axis.Rows[0])]],
            (contexts, axis) => [.. contexts.SelectMany(context => Plan.Axes[axis].Rows.Select(row => With(context, axis, row)))]);

    /// <summary>Rows with another row of one axis.</summary>
    public static IReadOnlyList<string>[] With(IReadOnlyList<string>[] rows, int axis, IReadOnlyList<string> row)
    {
        IReadOnlyList<string>[] copy = [.. rows];
        if (axis >= 0)
        {
            copy[axis] = row;
        }

        return copy;
    }

    /// <summary>The rows of an axis; one empty row if there is none.</summary>
    public IReadOnlyList<IReadOnlyList<string>> RowsOf(int axis) => axis < 0 ? [[]] : Plan.Axes[axis].Rows;

    /// <summary>The other axes' settings in a few words; empty if there are none.</summary>
    public string TextOf(IReadOnlyList<string>[] context) =>
        string.Join(' ', Others.SelectMany(axis => Plan.Axes[axis].Settings(context[axis])).Select(item => $"{item.Key}={item.Value}"));
}
