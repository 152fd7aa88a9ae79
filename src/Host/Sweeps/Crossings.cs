namespace VmSim.Host.Sweeps;

/// <summary>The crossings of a sweep.</summary>
internal static class Crossings
{
    /// <summary>Looks for crossings of all figures between all curves; empty where the sweep has no two curves along numbers.</summary>
    public static IReadOnlyList<Crossing> Find(SweepView view, SweepMeans means, IReadOnlyList<string> metrics)
    {
        if (view.Along < 0 || view.Curves < 0 || !view.Plan.Axes[view.Along].IsNumeric)
        {
            return [];
        }

        IReadOnlyList<IReadOnlyList<string>> curves = view.RowsOf(view.Curves);
        return
        [
            .. from metric in metrics
               from context in view.Contexts()
               from first in Enumerable.Range(0, curves.Count)
               from second in Enumerable.Range(first + 1, curves.Count - first - 1)
               select new Crossing(view, means, metric, context, curves[first], curves[second]),
        ];
    }

    /// <summary>Has runs made between points of the grid until each crossing that can be found lies between two whole numbers.</summary>
    /// <param name="crossings">The crossings.</param>
    /// <param name="plan">The sweep.</param>
    /// <param name="means">Takes the new runs in.</param>
    /// <param name="run">Makes runs.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>The runs that were made.</returns>
    public static async Task<IReadOnlyList<SweepResult>> BisectAsync(
        IReadOnlyList<Crossing> crossings,
        SweepPlan plan,
        SweepMeans means,
        Func<IReadOnlyList<SweepPoint>, Task<IReadOnlyList<SweepResult>>> run,
        CancellationToken cancellation)
    {
        List<SweepResult> all = [];

        // A crossing may lie on both sides of a point of the grid where both are equal.
        HashSet<string> known = new(plan.Points().Select(point => point.Place), StringComparer.Ordinal);
        List<Crossing> open = [.. crossings.Where(crossing => crossing.Middle is not null)];
        while (open.Count > 0 && !cancellation.IsCancellationRequested)
        {
            SweepPoint[] points =
            [
                .. open.SelectMany(crossing => crossing.MiddlePlaces)
                    .Where(place => known.Add(SweepPoint.PlaceOf(place)))
                    .SelectMany(place => plan.PointsAt(place, isBetween: true)),
            ];
            IReadOnlyList<SweepResult> results = await run(points);
            all.AddRange(results);
            means.Add(results);
            open = [.. open.Where(crossing => crossing.Narrow() && crossing.Middle is not null)];
        }

        return all;
    }
}
