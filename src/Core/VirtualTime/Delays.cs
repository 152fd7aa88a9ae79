using VmSim.Core.Addresses;
using VmSim.Core.Machine;

namespace VmSim.Core.VirtualTime;

/// <summary>
/// The least delays of the run's message kinds, from the machine and kernel profiles, and what follows from them: how far cores may run
/// without hearing from each other.
/// </summary>
public sealed partial class Delays
{
    private readonly IReadOnlyList<ProtocolMessage> _protocol;
    private readonly Cycles _ipi;

    /// <summary>Derives the delays of a run.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="kernel">The kernel's costs.</param>
    /// <param name="protocol">Message kinds that the shootdown protocol adds; null for none.</param>
    /// <exception cref="ArgumentException">A kind has no delay.</exception>
    public Delays(MachineSpec machine, KernelProfile kernel, IReadOnlyList<ProtocolMessage>? protocol = null)
    {
        _protocol = protocol ?? [];
        Trap = kernel.TrapEntryCycles;
        SystemCall = kernel.SystemCallEntryCycles;
        Notice = kernel.AckCycles;
        Service = kernel.ServiceCycles;
        Return = kernel.TrapReturnCycles;
        CoreToSpace = Cycles.Min(Cycles.Min(Cycles.Min(Trap, SystemCall), Notice), LeastOf(_protocol, MessageDirection.CoreToSpace));
        _ipi = machine.Sockets > 1 ? Math.Min(machine.IpiCycles, machine.IpiRemoteCycles) : machine.IpiCycles;
        SpaceToCore = Cycles.Min(Cycles.Min(Return, _ipi), LeastOf(_protocol, MessageDirection.SpaceToCore));
        StoreVisibility = Service + SpaceToCore;

        // A longer window would let a core run past a message that another core's work of the same window causes. The core would take it
        // late, by as much as the window is too long, and the report would depend on the window.
        WindowBound = Cycles.Min(CoreToSpace + Service + SpaceToCore, LeastOf(_protocol, MessageDirection.CoreToCore));
    }

    /// <summary>Core to space: a page fault.</summary>
    public Cycles Trap { get; }

    /// <summary>Core to space: a system call.</summary>
    public Cycles SystemCall { get; }

    /// <summary>Core to space: an ack, a log entry, or any other notice.</summary>
    public Cycles Notice { get; }

    /// <summary>Least time a space works on a message before it says anything.</summary>
    public Cycles Service { get; }

    /// <summary>Space to core: the return of a trap, a wake-up, the answer to a load.</summary>
    public Cycles Return { get; }

    /// <summary>Least delay of any message from a core to a space.</summary>
    public Cycles CoreToSpace { get; }

    /// <summary>Least delay of any message from a space to a core, counted from the end of its service.</summary>
    public Cycles SpaceToCore { get; }

    /// <summary>From the moment a space handles an operation to the moment every walker sees its page-table stores.</summary>
    public Cycles StoreVisibility { get; }

    /// <summary>
    /// From the end of an operation to when what it freed is given back: every core has run beyond the moment at which the stores, and what
    /// the space said last, reached it.
    /// </summary>
    /// <remarks>
    /// When a space handles a message of time t, its cores have run to t - <see cref="CoreToSpace"/>, and no farther for certain. So the
    /// stores have to be visible that much earlier, or a core could still walk to a frame that somebody else has been given. The window
    /// bound is not enough: a protocol's message from core to core may make it shorter than this.
    /// </remarks>
    public Cycles ReleaseAfter => CoreToSpace + StoreVisibility;

    /// <summary>The bound W: whatever a core does at time t reaches another core no earlier than t + W.</summary>
    public Cycles WindowBound { get; }

    /// <summary>Checks the delay of one of the protocol's messages against its declaration.</summary>
    /// <param name="kind">The message's kind.</param>
    /// <param name="direction">Between whom it goes.</param>
    /// <param name="delay">Its delay, in cycles.</param>
    /// <returns>The delay.</returns>
    /// <exception cref="InvalidOperationException">
    /// The kind is not declared so, or the delay is less than declared: a bug in the protocol.
    /// </exception>
    internal long Checked(int kind, MessageDirection direction, long delay)
    {
        if ((uint)kind >= (uint)_protocol.Count)
        {
            throw new InvalidOperationException(
                $"the shootdown protocol sends a message of kind {kind} and declares {_protocol.Count} kinds");
        }

        ProtocolMessage declared = _protocol[kind];
        if (declared.Direction != direction || delay < declared.LeastDelay)
        {
            throw new InvalidOperationException(
                $"the shootdown protocol sends \"{declared.Name}\" {direction} with a delay of {delay} cycles; it is declared "
                    + $"{declared.Direction} with at least {declared.LeastDelay}");
        }

        return delay;
    }

    private static long LeastOf(IReadOnlyList<ProtocolMessage> protocol, MessageDirection direction)
    {
        long least = long.MaxValue;
        foreach (ProtocolMessage message in protocol)
        {
            if (message.LeastDelay < 1)
            {
                throw new ArgumentException(
                    $"the shootdown protocol's message \"{message.Name}\" has a least delay of {message.LeastDelay} cycles; it must "
                        + $"be at least 1",
                    nameof(protocol));
            }

            least = message.Direction == direction ? Math.Min(least, message.LeastDelay.Value) : least;
        }

        return least;
    }
}
