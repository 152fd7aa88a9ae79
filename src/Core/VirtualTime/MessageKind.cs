namespace VmSim.Core.VirtualTime;

/// <summary>
/// What a message of virtual time asks or says. Cores send the first group to address spaces, spaces the second to themselves and the third
/// to cores. The type named with a kind is what a message of the kind carries.
/// </summary>
public enum MessageKind : ushort
{
    /// <summary>Core to space: a page fault; <see cref="PageFault"/>.</summary>
    Fault,

    /// <summary>Core to space: a system call; <see cref="SystemCallEntry"/>.</summary>
    SystemCall,

    /// <summary>Core to space: an invalidation is done; <see cref="InvalidationAck"/>.</summary>
    Ack,

    /// <summary>Core to space: load the space on this core; <see cref="LoadRequest"/>.</summary>
    LoadSpace,

    /// <summary>Core to space: the space has left this core.</summary>
    LeaveSpace,

    /// <summary>Core to space: an event of the process has happened; <see cref="ThreadRequest"/>.</summary>
    Signal,

    /// <summary>Core to space: a thread sleeps until an event; <see cref="ThreadRequest"/>.</summary>
    Wait,

    /// <summary>Core to space: make another thread runnable; <see cref="ThreadRequest"/>.</summary>
    StartThread,

    /// <summary>Core to space: a thread has ended; <see cref="ThreadRequest"/>.</summary>
    ThreadExit,

    /// <summary>Core to space: a thread has come to a barrier; <see cref="ThreadRequest"/>.</summary>
    Barrier,

    /// <summary>Core to space: a thread wants a mutex; <see cref="ThreadRequest"/>.</summary>
    Lock,

    /// <summary>Core to space: a thread unlocks a mutex; <see cref="ThreadRequest"/>.</summary>
    Unlock,

    /// <summary>Core to space: a thread sleeps; <see cref="ThreadRequest"/>.</summary>
    Sleep,

    /// <summary>Core to space: a thread moves to another core; <see cref="ThreadRequest"/>.</summary>
    Migrate,

    /// <summary>Core to space: a walk set bits of an entry; <see cref="VirtualTime.AccessedDirty"/>.</summary>
    AccessedDirty,

    /// <summary>Core to space: a thread that slept in its trap runs in it again; <see cref="VirtualTime.TrapResumption"/>.</summary>
    ThreadResumed,

    /// <summary>Core to space: fork; <see cref="ForkEntry"/>.</summary>
    Fork,

    /// <summary>Core to space: the core idles with the space loaded (lazy TLB).</summary>
    EnterLazy,

    /// <summary>Space to itself: an operation has its locks and starts; <see cref="OperationStep"/>.</summary>
    OperationStart,

    /// <summary>Space to itself: an operation goes on as a reader of the space's lock; <see cref="OperationStep"/>.</summary>
    OperationDowngrade,

    /// <summary>Space to itself: an operation stops spinning for the space's lock; <see cref="OperationStep"/>.</summary>
    OperationSpinEnd,

    /// <summary>Space to itself: an operation comes to its next batch of pages; <see cref="OperationStep"/>.</summary>
    OperationBatch,

    /// <summary>Space to itself: the pages of an operation are done, its invalidations begin; <see cref="OperationStep"/>.</summary>
    OperationInvalidate,

    /// <summary>Space to itself: an operation ends; <see cref="OperationStep"/>.</summary>
    OperationEnd,

    /// <summary>Space to itself: nobody can reach what an operation freed any more; <see cref="OperationStep"/>.</summary>
    ReleaseMemory,

    /// <summary>Space to itself: the device has read the pages of an operation; <see cref="OperationStep"/>.</summary>
    DeviceDone,

    /// <summary>Space to itself: a thread's sleep ends; <see cref="VirtualTime.SleepEnd"/>.</summary>
    SleepEnd,

    /// <summary>Space to itself: a timer of the shootdown protocol; <see cref="VirtualTime.ProtocolTimer"/>.</summary>
    ProtocolTimer,

    /// <summary>Space to core: a trap is over; <see cref="VirtualTime.TrapReturn"/>.</summary>
    TrapReturn,

    /// <summary>Space to core: the thread in the trap sleeps; <see cref="VirtualTime.TrapSleep"/>.</summary>
    TrapSleep,

    /// <summary>Space to core: a thread is runnable; <see cref="VirtualTime.TrapReturn"/>, of the trap it slept in if it did.</summary>
    ThreadWake,

    /// <summary>Space to core: a thread that sleeps in its trap is runnable in it; <see cref="VirtualTime.TrapResumption"/>.</summary>
    ThreadResume,

    /// <summary>Space to core: the space is loaded; <see cref="VirtualTime.SpaceLoaded"/>.</summary>
    SpaceLoaded,

    /// <summary>Space to core: invalidate; <see cref="Invalidation"/>.</summary>
    Invalidate,

    /// <summary>Between cores and spaces, or core to core: the shootdown protocol's own; <see cref="ProtocolPayload"/>.</summary>
    Protocol,

    /// <summary>Core to space: a walk found nothing in the table of a guest's host; <see cref="VirtualTime.HostFault"/>.</summary>
    HostFault,

    /// <summary>Space to core: the host of a virtual machine has its cores drop everything; <see cref="VirtualTime.HostFlush"/>.</summary>
    HostFlush,

    /// <summary>Core to space: it has dropped everything for the host; <see cref="VirtualTime.HostFlush"/>.</summary>
    HostFlushed,

    /// <summary>Core to space: another thread is due on the core of one in its trap; <see cref="VirtualTime.NeedResched"/>.</summary>
    NeedResched,
}
