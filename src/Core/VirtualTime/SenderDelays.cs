using VmSim.Core.Addresses;
using VmSim.Core.State;

namespace VmSim.Core.VirtualTime;

/// <summary>Hears of each message that a sender writes.</summary>
internal interface ISendWatch
{
    /// <summary>A message is written.</summary>
    /// <param name="message">The message, with the time at which it will be there.</param>
    /// <param name="undelayed">When it would be there without the run's schedule.</param>
    void Sent(in SimMessage message, Cycles undelayed);
}

/// <summary>What a run's schedule does to the messages of one sender.</summary>
/// <param name="delays">The sender's delays.</param>
/// <param name="isCore">Whether the sender is a core.</param>
internal sealed class SenderDelays(List<MessageDelay> delays, bool isCore)
{
    /// <summary>For each receiver, behind what later messages stay.</summary>
    private readonly List<Floor> _floors = [];

    /// <summary>For each delay, whether a message has come late by it.</summary>
    private readonly bool[] _used = new bool[delays.Count];

    /// <summary>Who hears of the messages; null for nobody.</summary>
    [NotSaved]
    private ISendWatch? _watch;

    /// <summary>From now on somebody hears of the messages.</summary>
    public void WatchedBy(ISendWatch watch) => _watch = watch;

    /// <summary>The delays by which no message has come late: none had the number, or the model has it come in time.</summary>
    public IEnumerable<MessageDelay> Unused => delays.Where((_, index) => !_used[index]);

    /// <summary>When a message will be there that bears the time at which it would be there by itself.</summary>
    public Cycles DueOf(SimMessage message)
    {
        Cycles undelayed = message.Due;
        message.Due = undelayed + (MayBeLate(message) ? ExtraOf(message.Sequence) : 0);
        if (KeepsOrder(message))
        {
            message.Due = Behind(message.Target, undelayed, message.Due);
        }

        _watch?.Sent(message, undelayed);
        return message.Due;
    }

    /// <summary>
    /// A core's stores are seen in their order (TSO), and what it tells a space stands for stores. A space's interrupts and the steps of
    /// its operations are the work of several cores, which do not wait for each other; but what is told to one thread is told in order.
    /// </summary>
    private bool KeepsOrder(in SimMessage message) => (isCore && !IsPrompt(message)) || message.Kind is MessageKind.TrapReturn
        or MessageKind.TrapSleep or MessageKind.ThreadWake or MessageKind.ThreadResume or MessageKind.SpaceLoaded;

    /// <summary>
    /// Whether the model lets a message come late, even if the schedule names it. The initiator's own invalidation is a part of its call's
    /// work. What nobody waits for is bound to the time that its protocol declares, and so is a prompt message of the protocol's own; a
    /// timer is bound to the clock, and a prompt notice to its walk.
    /// </summary>
    internal static bool MayBeLate(in SimMessage message) => message.Kind switch
    {
        MessageKind.Invalidate => message.AsInvalidation() is { IsLocal: false, IsReport: false },
        MessageKind.AccessedDirty => !IsPrompt(message),
        MessageKind.Protocol => !message.AsProtocol().IsPrompt,
        MessageKind.ProtocolTimer or MessageKind.ReleaseMemory or MessageKind.SleepEnd or MessageKind.OperationSpinEnd => false,
        _ => true,
    };

    /// <summary>Whether it says what hardware did in a walk, with a locked operation, and somebody relies on when it did.</summary>
    private static bool IsPrompt(in SimMessage message) =>
        message.Kind == MessageKind.AccessedDirty && message.AsAccessedDirty().IsPrompt;

    private Cycles ExtraOf(long sequence)
    {
        for (int i = 0; i < delays.Count; i++)
        {
            if (delays[i].Sequence == sequence)
            {
                _used[i] = true;
                return delays[i].Extra;
            }
        }

        return 0;
    }

    private Cycles Behind(int target, Cycles undelayed, Cycles due)
    {
        int at = _floors.FindIndex(floor => floor.Target == target);
        if (at >= 0 && undelayed >= _floors[at].Undelayed)
        {
            due = Cycles.Max(due, _floors[at].Due);
        }

        if (due > undelayed)
        {
            Floor floor = new(target, undelayed, due);
            if (at < 0)
            {
                _floors.Add(floor);
            }
            else if (due >= _floors[at].Due)
            {
                _floors[at] = floor;
            }
        }

        return due;
    }

    /// <summary>The latest message to a receiver that is late: when it would have come, and when it comes.</summary>
    private readonly record struct Floor(int Target, Cycles Undelayed, Cycles Due);
}
