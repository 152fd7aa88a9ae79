namespace VmSim.Core.Kernel.Locks;

/// <summary>The counters of one kind of lock.</summary>
/// <param name="Acquisitions">Times the lock was taken, or the line accessed.</param>
/// <param name="Waits">Acquisitions that had to wait for another holder.</param>
/// <param name="WaitCycles">Cycles waited for other holders to take the lock or to give it back, transfers apart.</param>
/// <param name="LocalTransfers">Times the line moved between cores of one socket.</param>
/// <param name="RemoteTransfers">Times the line moved between sockets.</param>
public readonly record struct LockCounters(
    SpaceCounters.Counter Acquisitions,
    SpaceCounters.Counter Waits,
    SpaceCounters.Counter WaitCycles,
    SpaceCounters.Counter LocalTransfers,
    SpaceCounters.Counter RemoteTransfers);
