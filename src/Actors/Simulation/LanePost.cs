using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// What actors of one lane write to each other: it waits here until the receiver's next window, whose message says that it may be there. It spares an actor message for
/// each; whoever lives on another lane or node is sent one. Only the lane's thread writes and reads.
/// </summary>
public sealed class LanePost
{
    private readonly SimMessage[]?[] _messages;
    private readonly int[] _counts;

    /// <summary>Makes the post of a lane, with nobody on it.</summary>
    /// <param name="slots">Cores and groups of the domain.</param>
    public LanePost(int slots)
    {
        _messages = new SimMessage[slots][];
        _counts = new int[slots];
    }

    /// <summary>The holder of a slot lives on the lane, and takes what comes for it.</summary>
    public void Open(int slot) => _messages[slot] = new SimMessage[4];

    /// <summary>Puts messages down for the holder of a slot.</summary>
    /// <returns>False if it does not live on the lane.</returns>
    public bool TryPut(int slot, ReadOnlySpan<SimMessage> messages)
    {
        if (_messages[slot] is not { } box)
        {
            return false;
        }

        int count = _counts[slot];
        if (count + messages.Length > box.Length)
        {
            Array.Resize(ref box, Math.Max(2 * box.Length, count + messages.Length));
            _messages[slot] = box;
        }

        messages.CopyTo(box.AsSpan(count));
        _counts[slot] = count + messages.Length;
        return true;
    }

    /// <summary>Takes what lies there for the holder of a slot. It stands until something else is put down for it.</summary>
    public ReadOnlySpan<SimMessage> Take(int slot)
    {
        int count = _counts[slot];
        if (count == 0)
        {
            return [];
        }

        _counts[slot] = 0;
        return _messages[slot].AsSpan(0, count);
    }
}
