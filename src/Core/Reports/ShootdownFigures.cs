using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>Reads the records of shootdowns out of what a run has counted.</summary>
public static class ShootdownFigures
{
    /// <summary>All records, by the time they began, space and number.</summary>
    public static IReadOnlyList<ShootdownRecord> List(RunStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        List<ShootdownRecord> records = [.. statistics.ShootdownRecords.Keys.SelectMany(space => RecordsOf(statistics, space))];
        records.Sort((a, b) => (a.BegunAt, a.Space.Value, a.Id).CompareTo((b.BegunAt, b.Space.Value, b.Id)));
        return records;
    }

    /// <summary>Distributions of every figure over the shootdowns of some spaces; empty if there were none.</summary>
    internal static IReadOnlyList<KeyValuePair<string, Distribution>> Of(RunStatistics statistics, IReadOnlyCollection<int> spaces)
    {
        if (spaces.All(space => statistics.ShootdownRecords[space].Count == 0))
        {
            return [];
        }

        List<KeyValuePair<string, Distribution>> distributions = [];
        foreach (ShootdownFigure figure in ShootdownFigure.All)
        {
            LatencyHistogram histogram = new();
            foreach (ShootdownRecord record in spaces.SelectMany(space => RecordsOf(statistics, space)))
            {
                if (figure.Read(record) is >= 0 and long value)
                {
                    histogram.Record(value);
                }
            }

            distributions.Add(new(figure.Info.Name, histogram.Describe()));
        }

        return distributions;
    }

    private static IEnumerable<ShootdownRecord> RecordsOf(RunStatistics statistics, int space)
    {
        Dictionary<int, int>? misses = statistics.RefillMisses.GetValueOrDefault(space);
        return statistics.ShootdownRecords[space]
            .Select(record => record with { RefillMisses = misses?.GetValueOrDefault(record.Id) ?? 0 });
    }
}
