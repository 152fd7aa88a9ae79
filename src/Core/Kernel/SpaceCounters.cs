using VmSim.Core.Kernel.Locks;
using VmSim.Core.Memory;
using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What one address space counts.</summary>
public sealed class SpaceCounters : CounterSet<SpaceCounters>
{
    public static readonly Counter MapOperations = Declare("mapOperations", "calls", "mmap calls that succeeded.");
    public static readonly Counter UnmapOperations = Declare("unmapOperations", "calls", "munmap calls that succeeded.");
    public static readonly Counter ProtectOperations = Declare("protectOperations", "calls", "mprotect calls that succeeded.");
    public static readonly Counter OtherOperations = Declare(
        "otherOperations", "calls", "Other memory-management calls that succeeded: brk, mremap, madvise, msync, mlock and so on.");
    public static readonly Counter FailedOperations = Declare("failedOperations", "calls", "Memory-management calls that failed.");
    public static readonly Counter Forks = Declare("forks", "calls", "Forks.");
    public static readonly Counter Shootdowns = Declare(
        "shootdowns", "shootdowns", "Operations after which translations died or lost rights.");
    public static readonly Counter RemoteShootdowns = Declare(
        "remoteShootdowns", "shootdowns", "Shootdowns for which other cores were told.");
    public static readonly Counter DeferredShootdowns = Declare(
        "deferredShootdowns", "shootdowns", "Shootdowns whose operation returned before every core had invalidated.");
    public static readonly Counter IpisSent = Declare("ipisSent", "interrupts", "Interrupts sent to other cores to invalidate.");
    public static readonly Counter SpuriousIpis = Declare(
        "spuriousIpis", "interrupts", "Interrupts whose target held no dead translation.");
    public static readonly Counter PagesShotDown = Declare("pagesShotDown", "translations", "Translations that died or lost rights.");
    public static readonly Counter ZeroPageFaults = Declare(
        "zeroPageFaults", "faults", "First reads of anonymous pages: the zero page is mapped.");
    public static readonly Counter AnonymousFaults = Declare(
        "anonymousFaults", "faults", "First writes to anonymous pages: a frame is mapped.");
    public static readonly Counter CopyFaults = Declare("copyFaults", "faults", "Writes that copied a shared page.");
    public static readonly Counter ReuseFaults = Declare("reuseFaults", "faults", "Writes to pages whose sharing had ended.");
    public static readonly Counter FileFaults = Declare("fileFaults", "faults", "Faults on file pages in the page cache.");
    public static readonly Counter HugeFaults = Declare("hugeFaults", "faults", "Faults that mapped a large page.");
    public static readonly Counter AccessedDirtyFaults = Declare(
        "accessedDirtyFaults", "faults", "Faults in which the kernel had only to set the accessed or dirty bit of a page.");
    public static readonly Counter LockWaits = Declare("lockWaits", "operations", "Operations that waited for the address space's lock.");
    public static readonly Counter LockWaitCycles = Declare(
        "lockWaitCycles", "cycles", "Cycles that operations waited for the address space's lock.");
    public static readonly Counter LockSleeps = Declare(
        "lockSleeps", "sleeps", "Times that an operation's thread slept for the address space's lock, its core free for others.");
    public static readonly Counter LockHandoffs = Declare(
        "lockHandoffs", "hand-offs", "Times that the address space's lock was kept for an operation that had waited too long.");
    private static readonly LockCounters[] Locks = [.. LockKind.All.Select(Declare)];

    /// <summary>The counters of a kind of lock.</summary>
    public static LockCounters Of(LockKind kind)
    {
        ArgumentNullException.ThrowIfNull(kind);
        return Locks[kind.Index];
    }

    /// <summary>
    /// Counts a fault by what it turned out to be. Spurious and major faults, and those that fail, are counted by cores alone.
    /// </summary>
    internal void Count(FaultKind kind)
    {
        Counter? counter = kind switch
        {
            FaultKind.ZeroPage => ZeroPageFaults,
            FaultKind.Anonymous => AnonymousFaults,
            FaultKind.CopyOnWrite or FaultKind.FilePrivateCopy => CopyFaults,
            FaultKind.ReuseWrite => ReuseFaults,
            FaultKind.File or FaultKind.FileShared => FileFaults,
            FaultKind.Huge => HugeFaults,
            FaultKind.AccessedDirty => AccessedDirtyFaults,
            _ => null,
        };
        if (counter is { } counted)
        {
            this[counted]++;
        }
    }

    private static LockCounters Declare(LockKind kind) => new(
        Declare(kind.Name + "Acquisitions", "acquisitions", $"Acquisitions of {kind.Summary}."),
        Declare(kind.Name + "Waits", "acquisitions", $"Acquisitions of {kind.Summary} that waited for another holder."),
        Declare(kind.Name + "WaitCycles", "cycles", $"Cycles waited for other holders of {kind.Summary}, transfers apart."),
        Declare(kind.Name + "LocalTransfers", "transfers", $"Moves of the cache line of {kind.Summary} between cores of one socket."),
        Declare(kind.Name + "RemoteTransfers", "transfers", $"Moves of the cache line of {kind.Summary} between sockets."));
}
