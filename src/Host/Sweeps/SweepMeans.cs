namespace VmSim.Host.Sweeps;

/// <summary>Means over seeds, by place and figure.</summary>
internal sealed class SweepMeans
{
    private readonly Dictionary<string, List<RunFigures>> _places = new(StringComparer.Ordinal);

    /// <summary>Takes in runs; those that failed or did not come to their end do not count.</summary>
    public void Add(IEnumerable<SweepResult> results)
    {
        foreach (SweepResult result in results.Where(result => result.Counts))
        {
            string place = result.Point.Place;
            (_places.TryGetValue(place, out List<RunFigures>? known) ? known : _places[place] = []).Add(result.Found!);
        }
    }

    /// <summary>The mean of a figure at a place; null if no run there has it.</summary>
    public Sample? At(IEnumerable<IReadOnlyList<string>> rows, string metric) =>
        _places.TryGetValue(SweepPoint.PlaceOf(rows), out List<RunFigures>? found)
            ? Sample.Of([.. found.Select(figures => figures[metric]).OfType<double>()])
            : null;

    /// <summary>
    /// Whether the runs of each place found the same whatever their seed; null if no place has two runs.
    /// </summary>
    public bool? AreSeedsAlike()
    {
        List<RunFigures>[] repeated = [.. _places.Values.Where(found => found.Count > 1)];
        return repeated.Length == 0
            ? null
            : Array.TrueForAll(repeated, found => found.TrueForAll(figures => figures.Substance == found[0].Substance));
    }
}
