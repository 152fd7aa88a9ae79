using System.Diagnostics;
using System.Runtime.InteropServices;
using VmSim.Core.Programs;

namespace VmSim.Core.VirtualTime;

/// <summary>What a message of virtual time asks or says. Cores send the first group to address spaces, spaces the second to cores.</summary>
public enum MessageKind : ushort
{
    /// <summary>Core to space: a page fault; A = thread, B = address, C = access kind, bit 8 set for a kernel access, D = the protocol's word.</summary>
    Fault,

    /// <summary>Core to space: a system call; A = thread, B = index of the call, D = the protocol's word.</summary>
    SystemCall,

    /// <summary>Core to space: an invalidation is done; A = shootdown, B = entries dropped, C = handler cycles.</summary>
    Ack,

    /// <summary>Core to space: load the space on this core; A = thread that will run.</summary>
    LoadSpace,

    /// <summary>Core to space: the space has left this core.</summary>
    LeaveSpace,

    /// <summary>Core to space: an event of the process has happened; A = thread, B = event.</summary>
    Signal,

    /// <summary>Core to space: a thread sleeps until an event; A = thread, B = event.</summary>
    Wait,

    /// <summary>Core to space: make another thread runnable; A = thread, B = number of the thread in its process.</summary>
    StartThread,

    /// <summary>Core to space: a thread has ended; A = thread.</summary>
    ThreadExit,

    /// <summary>Core to space: a thread has come to a barrier; A = thread, B = barrier.</summary>
    Barrier,

    /// <summary>Core to space: a thread wants a mutex; A = thread, B = mutex.</summary>
    Lock,

    /// <summary>Core to space: a thread gives a mutex back; A = thread, B = mutex.</summary>
    Unlock,

    /// <summary>Core to space: a thread sleeps; A = thread, B = cycles.</summary>
    Sleep,

    /// <summary>Core to space: a thread moves to another core; A = thread, B = core.</summary>
    Migrate,

    /// <summary>Core to space: a walk set bits of an entry; A = address, B = page flags.</summary>
    AccessedDirty,

    /// <summary>Core to space: fork; A = thread, B = number of the child.</summary>
    Fork,

    /// <summary>Core to space: the core idles with the space loaded (lazy TLB).</summary>
    EnterLazy,

    /// <summary>Space to itself: operation A has its locks and starts.</summary>
    OperationStart,

    /// <summary>Space to itself: operation A comes to its next batch of pages.</summary>
    OperationBatch,

    /// <summary>Space to itself: the pages of operation A are done, its invalidations begin.</summary>
    OperationInvalidate,

    /// <summary>Space to itself: operation A ends.</summary>
    OperationEnd,

    /// <summary>Space to itself: nobody can reach what operation A freed any more.</summary>
    ReleaseMemory,

    /// <summary>Space to itself: the device has read the pages of operation A.</summary>
    DeviceDone,

    /// <summary>Space to itself: a sleep of thread A ends.</summary>
    SleepEnd,

    /// <summary>Space to itself: a timer of the shootdown protocol; A to D are the protocol's.</summary>
    ProtocolTimer,

    /// <summary>Space to core: a trap is over; A = thread, B = cycles of it spent waiting for invalidations, C = <see cref="TrapResult"/>, D = the protocol's word.</summary>
    TrapReturn,

    /// <summary>Space to core: the thread in the trap sleeps; A = thread.</summary>
    TrapSleep,

    /// <summary>Space to core: a thread is runnable; A = thread, B, C and D as for <see cref="TrapReturn"/> when it slept in a trap.</summary>
    ThreadWake,

    /// <summary>Space to core: the space is loaded; A = thread, B = TLB tag, C = generation, D bit 0 = flush the tag, from bit 1 on the page table to walk.</summary>
    SpaceLoaded,

    /// <summary>Space to core: invalidate; A = shootdown, B = first address, C = pages | page shift &lt;&lt; 48, bit 63 set for the whole space (then the pages are those that cover what died), D = generation; flags say more.</summary>
    Invalidate,

    /// <summary>Between cores and spaces, or core to core: the shootdown protocol's own; the flags are its kind, A to D the protocol's.</summary>
    Protocol,
}

/// <summary>How a trap ended.</summary>
public enum TrapResult
{
    /// <summary>A minor fault was resolved, or a system call succeeded.</summary>
    Done,

    /// <summary>A major fault was resolved.</summary>
    Major,

    /// <summary>The translation was already there.</summary>
    Spurious,

    /// <summary>The address may not be used so; the access is skipped.</summary>
    Segmentation,

    /// <summary>The system call failed.</summary>
    Failed,
}

/// <summary>A message between cores and address spaces in virtual time.</summary>
/// <remarks>72 bytes. The order of messages is total: delivery time, sender, sender's sequence number.</remarks>
[StructLayout(LayoutKind.Sequential)]
[DebuggerDisplay("{Kind} due {Due} from {Sender} to {Target}")]
public struct SimMessage
{
    /// <summary>Flag of <see cref="MessageKind.Invalidate"/>: to the initiator's own core; no interrupt, no ack.</summary>
    public const ushort LocalFlag = 1;

    /// <summary>Flag of <see cref="MessageKind.Invalidate"/>: table pages are freed.</summary>
    public const ushort TablesFreedFlag = 2;

    /// <summary>Flag of <see cref="MessageKind.Invalidate"/> and its <see cref="MessageKind.Ack"/>: told without an interrupt.</summary>
    public const ushort ToldFlag = 4;

    /// <summary>Flag of <see cref="MessageKind.Invalidate"/> and its <see cref="MessageKind.Ack"/>: nobody waits for the ack.</summary>
    public const ushort ReportFlag = 8;

    /// <summary>Bit of a fault's access kind, <see cref="C"/>: the kernel makes the access.</summary>
    public const long KernelAccessBit = 1 << 8;

    /// <summary>Delivery time in cycles.</summary>
    public long Due;

    /// <summary>The sender's number among all senders of the run: cores first, then spaces.</summary>
    public int Sender;

    /// <summary>The target's number, counted like the sender's.</summary>
    public int Target;

    /// <summary>The sender's running number.</summary>
    public long Sequence;

    /// <summary>What the message is.</summary>
    public MessageKind Kind;

    /// <summary>Flags, by kind.</summary>
    public ushort Flags;

    /// <summary>The address space that the message concerns.</summary>
    public int Space;

    /// <summary>First argument, by kind.</summary>
    public long A;

    /// <summary>Second argument, by kind.</summary>
    public long B;

    /// <summary>Third argument, by kind.</summary>
    public long C;

    /// <summary>Fourth argument, by kind.</summary>
    public long D;

    /// <summary>Of the protocol's own message: its kind, as the protocol numbers them.</summary>
    public readonly int ProtocolKind => Flags;

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
