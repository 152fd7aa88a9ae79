using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Causes;

namespace VmSim.Core.Reports;

/// <summary>What one kind of call or fault of one thread at one place has cost, in a report.</summary>
/// <param name="AddressSpace">The address space.</param>
/// <param name="Number">Its number within the space, by which shootdowns name it.</param>
/// <param name="Row">Whose it was, and what it cost.</param>
public sealed record CauseReport(SpaceId AddressSpace, int Number, CauseRow Row)
{
    /// <summary>Cycles that it cost its own thread, and cores that were told.</summary>
    public long Lost => Row[CauseFigure.Cycles] + Row[CauseFigure.HandlerCycles];

    /// <summary>The causes of a run that have cost anything, the dearest of each space first.</summary>
    internal static IReadOnlyList<CauseReport> Of(RunStatistics statistics)
    {
        List<CauseReport> causes = [];
        foreach ((int space, SpaceCauses known) in statistics.Causes)
        {
            long[] walks = RefillWalks(known, statistics.RefillMisses.GetValueOrDefault(space));
            causes.AddRange(known.Rows
                .Select((row, number) => new CauseReport(new SpaceId(space), number, WithWalks(row, walks[number])))
                .Where(cause => cause.Row.Values.Any(value => value != 0))
                .OrderByDescending(cause => cause.Lost)
                .ThenBy(cause => cause.Number));
        }

        return causes;
    }

    private static CauseRow WithWalks(CauseRow row, long walks)
    {
        long[] values = [.. row.Values];
        values[CauseFigure.RefillWalks.Index] = walks;
        return row with { Values = values };
    }

    private static long[] RefillWalks(SpaceCauses known, Dictionary<int, int>? misses)
    {
        long[] walks = new long[known.Rows.Count];
        foreach ((int shootdown, int count) in misses ?? [])
        {
            if (shootdown >= 1 && shootdown <= known.OfShootdowns.Count)
            {
                walks[known.OfShootdowns[shootdown - 1]] += count;
            }
        }

        return walks;
    }
}
