using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>Reads the records of shootdowns out of what a run has counted.</summary>
public static class ShootdownFigures
{
    /// <summary>All records, by the time they began, space and number.</summary>
    /// <exception cref="InvalidOperationException">Records were given up: nobody had said that the list is wanted.</exception>
    public static IReadOnlyList<ShootdownRecord> List(RunStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        if (statistics.Shootdowns.Values.Any(tally => !tally.IsWhole))
        {
            throw new InvalidOperationException("the world keeps no list of shootdowns; say that it is wanted when the world is made");
        }

        List<ShootdownRecord> records = [.. statistics.Shootdowns.Keys.SelectMany(space => RecordsOf(statistics, space))];
        records.Sort((a, b) => (a.BegunAt, a.Space.Value, a.Id).CompareTo((b.BegunAt, b.Space.Value, b.Id)));
        return records;
    }

    /// <summary>Distributions of every figure over the shootdowns of some spaces; empty if there were none.</summary>
    internal static IReadOnlyList<KeyValuePair<string, Distribution>> Of(RunStatistics statistics, IReadOnlyCollection<int> spaces)
    {
        if (spaces.All(space => statistics.Shootdowns[space].Count == 0))
        {
            return [];
        }

        List<KeyValuePair<string, Distribution>> distributions = [];
        for (int figure = 0; figure < ShootdownFigure.All.Count; figure++)
        {
            LatencyHistogram histogram = new();
            foreach (int space in spaces)
            {
                statistics.Shootdowns[space].AddTo(histogram, figure, statistics.RefillMisses.GetValueOrDefault(space));
            }

            distributions.Add(new(ShootdownFigure.All[figure].Info.Name, histogram.Describe()));
        }

        return distributions;
    }

    private static IEnumerable<ShootdownRecord> RecordsOf(RunStatistics statistics, int space)
    {
        Dictionary<int, int>? misses = statistics.RefillMisses.GetValueOrDefault(space);
        IReadOnlyList<int> causes = statistics.Causes[space].OfShootdowns;
        return statistics.Shootdowns[space].Records.Select(record => record with
        {
            RefillMisses = misses?.GetValueOrDefault(record.Id) ?? 0,
            Cause = record.Id <= causes.Count ? causes[record.Id - 1] : -1,
        });
    }
}
