using VmSim.Core.Kernel.Locks;
using VmSim.Core.Memory;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel;

/// <summary>What one address space counts.</summary>
public sealed class SpaceCounters
{
    /// <summary>mmap calls that succeeded.</summary>
    public long MapOperations { get; set; }

    /// <summary>munmap calls that succeeded.</summary>
    public long UnmapOperations { get; set; }

    /// <summary>mprotect calls that succeeded.</summary>
    public long ProtectOperations { get; set; }

    /// <summary>brk, mremap, madvise and msync calls that succeeded.</summary>
    public long OtherOperations { get; set; }

    /// <summary>Calls that failed.</summary>
    public long FailedOperations { get; set; }

    /// <summary>Forks.</summary>
    public long Forks { get; set; }

    /// <summary>Faults by kind, indexed by <see cref="FaultKind"/>.</summary>
    public long[] Faults { get; } = new long[(int)FaultKind.OutOfMemory + 1];

    /// <summary>Shootdowns: times that translations died which some core might hold.</summary>
    public long Shootdowns { get; set; }

    /// <summary>Shootdowns for which other cores had to be told.</summary>
    public long RemoteShootdowns { get; set; }

    /// <summary>Shootdowns that let their operation return before every core had invalidated.</summary>
    public long DeferredShootdowns { get; set; }

    /// <summary>Interrupts sent.</summary>
    public long IpisSent { get; set; }

    /// <summary>Interrupts whose target held nothing that died.</summary>
    public long SpuriousIpis { get; set; }

    /// <summary>Translations that died.</summary>
    public long PagesShotDown { get; set; }

    /// <summary>From the first interrupt sent to the last acknowledgement, of shootdowns with targets.</summary>
    public LatencyHistogram ShootdownLatency { get; } = new();

    /// <summary>A record of each shootdown.</summary>
    public ShootdownLog ShootdownLog { get; } = new();

    /// <summary>Cycles that operations waited for the address space's lock.</summary>
    public long LockWaitCycles { get; set; }

    /// <summary>Operations that waited for the address space's lock.</summary>
    public long LockWaits { get; set; }

    /// <summary>Locks and contended cache lines, indexed by <see cref="LockKind"/>.</summary>
    public LockCounters[] Locks { get; } = [.. Enum.GetValues<LockKind>().Select(_ => new LockCounters())];

    /// <summary>Sets everything to 0.</summary>
    public void Reset()
    {
        MapOperations = UnmapOperations = ProtectOperations = OtherOperations = FailedOperations = Forks = 0;
        Array.Clear(Faults);
        Shootdowns = RemoteShootdowns = DeferredShootdowns = IpisSent = SpuriousIpis = PagesShotDown = 0;
        LockWaitCycles = LockWaits = 0;
        ShootdownLatency.Reset();
        ShootdownLog.Reset();
        foreach (LockCounters counters in Locks)
        {
            counters.Reset();
        }
    }
}
