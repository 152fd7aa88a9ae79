namespace VmSim.Core.Kernel.Locks;

/// <summary>How those that wait at a read/write semaphore are told what becomes of them.</summary>
internal interface IRwsemSignals
{
    /// <summary>An operation that waits on its core has the lock.</summary>
    void Takes(KernelOperation operation);

    /// <summary>The thread of an operation sleeps, and its core is free.</summary>
    void Sleep(KernelOperation operation);

    /// <summary>The thread of an operation that sleeps is made runnable; <see cref="Rwsem.Resume"/> when it runs.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="waker">The operation that makes it runnable.</param>
    void Wake(KernelOperation operation, KernelOperation waker);

    /// <summary>The lock is kept for an operation, which has waited too long.</summary>
    void IsKept(KernelOperation operation);

    /// <summary>An operation has the lock as a writer: it says which areas it locks (<see cref="KernelOperation.LockedAreas"/>).</summary>
    void LockAreas(KernelOperation operation);

    /// <summary>Calls <see cref="Rwsem.EndSpin"/> at a time.</summary>
    void SetSpinLimit(KernelOperation operation, long until);
}
