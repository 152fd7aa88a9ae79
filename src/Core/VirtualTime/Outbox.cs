namespace VmSim.Core.VirtualTime;

/// <summary>Messages that one sender has written in the current phase, in the order of writing, with their running numbers.</summary>
/// <param name="sender">The sender's number among all senders of the run.</param>
public sealed class Outbox(int sender)
{
    private SimMessage[] _items = new SimMessage[8];
    private long _sequence;

    /// <summary>The sender's number.</summary>
    public int Sender => sender;

    /// <summary>How many messages lie here.</summary>
    public int Count { get; private set; }

    /// <summary>The messages.</summary>
    public ReadOnlySpan<SimMessage> Messages => _items.AsSpan(0, Count);

    /// <summary>Messages sent since the beginning.</summary>
    public long Sent => _sequence;

    /// <summary>Writes a message; fills in sender and running number.</summary>
    public void Add(SimMessage message)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        message.Sender = sender;
        message.Sequence = _sequence++;
        _items[Count++] = message;
    }

    /// <summary>Forgets the messages, after they were handed over.</summary>
    public void Clear() => Count = 0;

    /// <summary>Takes a running number for a message that the sender keeps for itself.</summary>
    public long NextSequence() => _sequence++;
}
