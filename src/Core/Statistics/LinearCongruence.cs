namespace VmSim.Core.Statistics;

/// <summary>Many steps of a linear congruential generator modulo 2^64 at once.</summary>
internal static class LinearCongruence
{
    /// <summary>
    /// The state after steps x -> a x + c, in a time that grows with the logarithm of their number (F. Brown, Random number generation with
    /// arbitrary strides, 1994). Modulo a smaller power of two its lower bits hold as well.
    /// </summary>
    /// <param name="state">The state before.</param>
    /// <param name="multiplier">a.</param>
    /// <param name="increment">c.</param>
    /// <param name="steps">How many steps.</param>
    public static ulong Skip(ulong state, ulong multiplier, ulong increment, ulong steps)
    {
        for (; steps != 0; steps >>= 1)
        {
            if ((steps & 1) != 0)
            {
                state = (state * multiplier) + increment;
            }

            increment = (multiplier + 1) * increment;
            multiplier *= multiplier;
        }

        return state;
    }
}
