namespace VmSim.Core.Validation;

/// <summary>
/// Reads sizes off curves of pointer chases: what an access costs beyond its cache line, in nanoseconds, by how many pages are gone round.
/// While all pages fit a TLB the curve is flat; it rises where they begin to push each other out.
/// </summary>
internal static class TlbCurves
{
    /// <summary>A curve that rises by less has no step: a third of a nanosecond is what repetitions of one point differ by.</summary>
    private const double LeastStep = 0.35;

    /// <summary>Sizes of arrays whose number of sets is nearly a power of two are taken for one.</summary>
    private const double SetSlack = 0.2;

    /// <summary>The median of a part of a curve; null if it has no point.</summary>
    public static double? Level(IReadOnlyList<(long X, MeasuredSpread Spread)> curve, long from, long to)
    {
        double[] values = [.. curve.Where(point => point.X >= from && point.X <= to).Select(point => point.Spread.Best).Order()];
        return values.Length == 0 ? null : values[values.Length / 2];
    }

    /// <summary>Up to how many pages an access stays below a share of the step from one level to the next.</summary>
    /// <param name="curve">The curve.</param>
    /// <param name="low">The level before the step.</param>
    /// <param name="high">The level behind it.</param>
    /// <param name="share">The share of the step, 0 to 1.</param>
    /// <param name="from">Points with fewer pages are before the step for certain.</param>
    /// <returns>Pages, between two points in proportion; null if there is no step, or no point behind it.</returns>
    public static double? Knee(IReadOnlyList<(long X, MeasuredSpread Spread)> curve, double low, double high, double share, long from = 0)
    {
        double limit = low + ((high - low) * share);
        if (high - low < LeastStep)
        {
            return null;
        }

        for (int i = 1; i < curve.Count; i++)
        {
            // One point above the limit is noise if the next lies below it again.
            bool stays = i + 1 == curve.Count || curve[i + 1].Spread.Best > limit;
            if (curve[i].X > from && curve[i].Spread.Best > limit && stays)
            {
                (long x, MeasuredSpread before) = curve[i - 1];
                double rise = curve[i].Spread.Best - before.Best;
                double part = rise <= 0 ? 0 : Math.Clamp((limit - before.Best) / rise, 0, 1);
                return x + (part * (curve[i].X - x));
            }
        }

        return null;
    }

    /// <summary>Ways by how many pages of one set fit; 0 if no curve has a step.</summary>
    public static int Ways(IEnumerable<IReadOnlyList<(long X, MeasuredSpread Spread)>> curves, double low, double high)
    {
        int ways = 0;
        foreach (IReadOnlyList<(long X, MeasuredSpread Spread)> curve in curves)
        {
            if (Knee(curve, low, high, 0.5) is { } knee)
            {
                int fits = (int)Math.Floor(knee);
                ways = ways == 0 ? fits : Math.Min(ways, fits);
            }
        }

        return ways;
    }

    /// <summary>Entries as sets of so many ways, a power of two of them if that is near.</summary>
    public static int Entries(double knee, int ways)
    {
        int sets = Math.Max(1, (int)Math.Round(knee / ways));
        int power = 1 << (int)Math.Round(Math.Log2(Math.Max(1, knee / ways)));
        return ways * (Math.Abs((power * ways) - knee) <= SetSlack * knee ? power : sets);
    }
}
