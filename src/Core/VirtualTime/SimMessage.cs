using System.Diagnostics;
using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>
/// A message between cores and address spaces in virtual time: who sends it to whom and when it is there. What it carries is read and
/// written through one type for each kind, such as <see cref="PageFault"/> or <see cref="Invalidation"/>.
/// </summary>
/// <remarks>
/// The order of messages is total: delivery time, sender, sender's running number. A message is one cache line of 64 bytes;
/// SimMessage.Packing.cs alone knows what its words and flags mean for each kind.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
[DebuggerDisplay("{Kind} due {Due} from {Sender} to {Target}")]
public partial struct SimMessage
{
    /// <summary>Bytes of a message, in memory and between nodes.</summary>
    public const int Bytes = 64;

    /// <summary>Delivery time.</summary>
    public Cycles Due;

    /// <summary>The sender's number among all senders of the run: cores first, then spaces.</summary>
    public int Sender;

    /// <summary>The target's number, counted like the sender's.</summary>
    public int Target;

    /// <summary>The sender's running number.</summary>
    public long Sequence;

    private MessageKind _kind;
    private ushort _flags;

    /// <summary>The address space that the message concerns; <see cref="SpaceId.None"/> from core to core.</summary>
    public SpaceId Space;

    private long _a;
    private long _b;
    private long _c;
    private long _d;

    /// <summary>What the message is.</summary>
    public readonly MessageKind Kind => _kind;

    /// <summary>The sender of a message that a core has sent.</summary>
    public readonly CoreId SenderCore => new(Sender);

    /// <summary>Whether this message comes before another in the run's total order.</summary>
    public readonly bool Before(in SimMessage other)
    {
        // Ties are broken by what the scenario alone decides. The order of arrival would do in one loop, but it depends on host threads,
        // lanes and nodes: two faults of the same cycle would take their frames in another order on another machine.
        if (Due != other.Due)
        {
            return Due < other.Due;
        }

        return Sender != other.Sender ? Sender < other.Sender : Sequence < other.Sequence;
    }
}
