using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Reports;

/// <summary>Reads the records of shootdowns out of a world that has stopped.</summary>
public static class ShootdownFigures
{
    /// <summary>All records, by the time they began, space and number.</summary>
    public static IReadOnlyList<ShootdownRecord> List(World world)
    {
        ArgumentNullException.ThrowIfNull(world);
        List<ShootdownRecord> records = new(world.Spaces.Sum(space => space.Counters.ShootdownLog.Records.Count));
        foreach (AddressSpace space in world.Spaces)
        {
            records.AddRange(RecordsOf(world, space));
        }

        records.Sort((a, b) => (a.BegunAt, a.Space.Value, a.Id).CompareTo((b.BegunAt, b.Space.Value, b.Id)));
        return records;
    }

    /// <summary>Distributions of every figure over the shootdowns of some spaces; empty if there were none.</summary>
    internal static IReadOnlyList<KeyValuePair<string, Distribution>> Of(World world, IReadOnlyList<AddressSpace> spaces)
    {
        if (spaces.All(space => space.Counters.ShootdownLog.Records.Count == 0))
        {
            return [];
        }

        List<KeyValuePair<string, Distribution>> distributions = [];
        foreach (ShootdownFigure figure in CounterCatalog.Shootdown)
        {
            LatencyHistogram histogram = new();
            foreach (ShootdownRecord record in spaces.SelectMany(space => RecordsOf(world, space)))
            {
                if (figure.Read(record) is >= 0 and long value)
                {
                    histogram.Record(value);
                }
            }

            distributions.Add(new(figure.Name, histogram.Describe()));
        }

        return distributions;
    }

    private static IEnumerable<ShootdownRecord> RecordsOf(World world, AddressSpace space) =>
        space.Counters.ShootdownLog.Records.Select(record => record with { RefillMisses = world.RefillMisses.Of(record.Space.Value, record.Id) });
}
