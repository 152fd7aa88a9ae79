using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// The mailboxes of one lane: what its actors write to each other waits here until the receiver's next window, whose message says that it
/// may be there. That spares an actor message for each; an actor of another lane or node is sent one. Only the lane's thread writes and
/// reads.
/// </summary>
public sealed class LaneMailboxes
{
    private readonly SimMessage[]?[] _messages;
    private readonly int[] _counts;

    /// <summary>A lane with no actor on it.</summary>
    /// <param name="slots">Cores and groups of the domain.</param>
    public LaneMailboxes(int slots)
    {
        _messages = new SimMessage[slots][];
        _counts = new int[slots];
    }

    /// <summary>Opens the mailbox of a slot, whose holder lives on the lane.</summary>
    public void Open(int slot) => _messages[slot] = new SimMessage[4];

    /// <summary>Puts messages into the mailbox of a slot.</summary>
    /// <returns>False if its holder does not live on the lane.</returns>
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

    /// <summary>Empties the mailbox of a slot. The span is valid until something else is put into it.</summary>
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
