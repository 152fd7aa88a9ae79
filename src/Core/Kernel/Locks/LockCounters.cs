using VmSim.Core.Addresses;
using VmSim.Core.Machine;

namespace VmSim.Core.Kernel.Locks;

/// <summary>Locks and contended cache lines that are counted apart.</summary>
public enum LockKind
{
    /// <summary>mmap_lock: the address space's reader/writer lock.</summary>
    Map,

    /// <summary>The lock of one memory area (per-VMA lock).</summary>
    Area,

    /// <summary>The lock of one lowest-level table page (split page-table lock).</summary>
    PageTable,

    /// <summary>The lock of the memory pool's page lists for reclaim (lruvec lock).</summary>
    Lru,

    /// <summary>The lock of the memory pool's free pages (zone lock).</summary>
    Zone,

    /// <summary>The line of the address space's TLB generation.</summary>
    Generation,

    /// <summary>The line of the set of cores that have the address space loaded (mm_cpumask).</summary>
    CoreMask,
}

/// <summary>What is counted of one kind of lock for one address space.</summary>
public sealed class LockCounters
{
    /// <summary>Times the lock was taken, or the line accessed.</summary>
    public long Acquisitions { get; set; }

    /// <summary>Acquisitions that had to wait for another holder.</summary>
    public long Waits { get; set; }

    /// <summary>Cycles waited for other holders to take the lock or to give it back, transfers apart.</summary>
    public long WaitCycles { get; set; }

    /// <summary>Times the line moved between cores of one socket.</summary>
    public long LocalTransfers { get; set; }

    /// <summary>Times the line moved between sockets.</summary>
    public long RemoteTransfers { get; set; }

    /// <summary>Counts a move of the line between two different cores.</summary>
    internal void CountTransfer(MachineSpec machine, CoreId from, CoreId to)
    {
        if (machine.SocketOf(from) == machine.SocketOf(to))
        {
            LocalTransfers++;
        }
        else
        {
            RemoteTransfers++;
        }
    }

    /// <summary>Sets everything to 0.</summary>
    public void Reset() => Acquisitions = Waits = WaitCycles = LocalTransfers = RemoteTransfers = 0;
}
