using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Exploring;

/// <summary>One thing that comes later: a message, or a step of a script.</summary>
/// <param name="Who">The message's sender; for a step its thread.</param>
/// <param name="Which">The sender's running number of the message; for a step its number within the thread.</param>
/// <param name="Extra">How much later, in cycles; at least 1.</param>
/// <param name="IsStep">Whether it is a step.</param>
public readonly record struct OrderDelay(int Who, long Which, Cycles Extra, bool IsStep)
{
    /// <summary>A number that names what is late and by how much; two delays of one run hardly ever share it.</summary>
    internal ulong Hash => Digest.Mix(((ulong)(uint)Who << 40) ^ ((ulong)Which << 1) ^ (IsStep ? 1UL : 0), (ulong)Extra.Value);

    /// <summary>Whether both name the same message or step.</summary>
    internal bool IsSameAs(in OrderDelay other) => Who == other.Who && Which == other.Which && IsStep == other.IsStep;
}

/// <summary>What comes later in one run of a world.</summary>
/// <param name="Delays">The delays; nothing twice.</param>
public sealed record OrderSchedule(IReadOnlyList<OrderDelay> Delays)
{
    /// <summary>Nothing comes later.</summary>
    public static OrderSchedule None { get; } = new([]);

    /// <summary>The part that concerns messages.</summary>
    public MessageSchedule Messages =>
        new([.. Delays.Where(delay => !delay.IsStep).Select(delay => new MessageDelay(delay.Who, delay.Which, delay.Extra))]);

    /// <summary>The same for each order of the delays.</summary>
    internal ulong Hash => Delays.Aggregate(0UL, (hash, delay) => hash + delay.Hash);

    /// <summary>These and one more.</summary>
    public OrderSchedule With(OrderDelay delay) => new([.. Delays, delay]);

    /// <summary>The steps of threads with pauses before those that come later.</summary>
    public IReadOnlyList<IReadOnlyList<ScriptStep>> Apply(IReadOnlyList<IReadOnlyList<ScriptStep>> threads)
    {
        ArgumentNullException.ThrowIfNull(threads);
        if (!Delays.Any(delay => delay.IsStep))
        {
            return threads;
        }

        List<List<ScriptStep>> late = [.. threads.Select(steps => steps.ToList())];
        foreach (OrderDelay delay in Delays.Where(delay => delay.IsStep).OrderByDescending(delay => delay.Which))
        {
            late[delay.Who].Insert((int)delay.Which, new ScriptStep(ScriptVerb.Pause, delay.Extra.Value, 0));
        }

        return late;
    }
}

/// <summary>A running digest of 64 bits (the finalizer of SplitMix64: Steele, Lea and Flood, OOPSLA 2014).</summary>
internal static class Digest
{
    /// <summary>Takes a word into a digest.</summary>
    public static ulong Mix(ulong digest, ulong word)
    {
        ulong mixed = (digest ^ word) + 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return mixed ^ (mixed >> 31);
    }
}
