namespace VmSim.Core.Kernel.Locks;

/// <summary>Where an operation stands at a read/write semaphore.</summary>
internal enum RwsemState
{
    /// <summary>It does not wait.</summary>
    None,

    /// <summary>It waits on its core and takes the lock when it is free.</summary>
    Spins,

    /// <summary>It is queued, and its core is free for others.</summary>
    Sleeps,

    /// <summary>A writer that is first in the queue is made runnable, and asks again when it runs.</summary>
    Woken,

    /// <summary>A writer that is first in the queue waits on its core for the lock, which is kept for it.</summary>
    Handoff,

    /// <summary>A reader has been given the lock and is made runnable.</summary>
    Granted,
}
