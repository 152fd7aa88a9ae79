using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>Messages that one sender has written in the current phase, in the order of writing, with their running numbers.</summary>
/// <param name="sender">The sender's number among all senders of the run.</param>
public sealed class Outbox(int sender)
{
    private SimMessage[] _items = new SimMessage[8];
    private long _sequence;

    /// <summary>What the run's schedule does to the messages; null in every run without one, which pays a comparison a message.</summary>
    private SenderDelays? _delays;

    /// <summary>The sender's number.</summary>
    public int Sender => sender;

    /// <summary>How many messages lie here.</summary>
    public int Count { get; private set; }

    /// <summary>The messages.</summary>
    public ReadOnlySpan<SimMessage> Messages => _items.AsSpan(0, Count);

    /// <summary>Messages sent since the beginning.</summary>
    public long Sent => _sequence;

    /// <summary>Writes a message; fills in sender and running number.</summary>
    /// <returns>When it will be there.</returns>
    public Cycles Add(SimMessage message)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        _items[Count] = Stamp(message);
        return _items[Count++].Due;
    }

    /// <summary>Forgets the messages, after they were handed over.</summary>
    public void Clear() => Count = 0;

    /// <summary>Fills in sender and running number of a message that the sender keeps for itself.</summary>
    public SimMessage Stamp(SimMessage message)
    {
        message.Sender = sender;
        message.Sequence = _sequence++;
        if (_delays is { } delays)
        {
            message.Due = delays.DueOf(message);
        }

        return message;
    }

    /// <summary>The delays of the run's schedule by which no message of this sender has come late.</summary>
    internal IEnumerable<MessageDelay> UnusedDelays => _delays?.Unused ?? [];

    /// <summary>Messages come late from now on.</summary>
    internal void DelayedBy(SenderDelays? delays) => _delays = delays;

    /// <summary>Somebody hears of each message from now on, and at once of those that lie here.</summary>
    internal void WatchedBy(ISendWatch watch, bool isCore)
    {
        _delays ??= new SenderDelays([], isCore);
        _delays.WatchedBy(watch);
        foreach (ref readonly SimMessage message in Messages)
        {
            watch.Sent(message, message.Due);
        }
    }
}
