using VmSim.Core.Addresses;

namespace VmSim.Core.Exploring;

/// <summary>How far the orders of one world are tried.</summary>
/// <param name="Delays">Delays of a run at most; 0 for the plain run alone.</param>
public sealed record ExploreLimits(int Delays)
{
    /// <summary>
    /// The longest delay by default. It is far longer than a call with its shootdown takes under the default profiles (tens of thousands of
    /// cycles), and far shorter than a tick (2,300,000): a protocol that works by ticks means to be late by ticks, and not by more.
    /// </summary>
    public const long DefaultLongest = 200_000;

    /// <summary>The longest delay of one thing.</summary>
    public Cycles Longest { get; init; } = DefaultLongest;

    /// <summary>
    /// Whether runs of scripts begin where the scripts do, in a world that is put back there. Without, each run makes a world and begins at
    /// time 0: slower, and the judge of the other.
    /// </summary>
    internal bool Rewinds { get; init; } = true;

    /// <summary>
    /// Orders and schedules of one world that are remembered at most, about 100 bytes each. What is tried beyond is tried again when it
    /// comes again: slower, and nothing is left out.
    /// </summary>
    public int Remembered { get; init; } = 1_000_000;
}
