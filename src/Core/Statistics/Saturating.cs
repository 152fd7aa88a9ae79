namespace VmSim.Core.Statistics;

/// <summary>Sums of counts that others have written: what 64 bits cannot hold stays at the most that they can.</summary>
public static class Saturating
{
    /// <summary>The sum of two counts that are not negative.</summary>
    public static long Add(long first, long second) => first > long.MaxValue - second ? long.MaxValue : first + second;
}
