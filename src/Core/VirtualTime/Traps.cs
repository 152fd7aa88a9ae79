using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>A core's thread has faulted.</summary>
/// <param name="Thread">The thread.</param>
/// <param name="Address">The address it accessed.</param>
/// <param name="Access">What the access does.</param>
/// <param name="IsKernel">Whether the kernel made the access on the thread's behalf.</param>
/// <param name="Word">The shootdown protocol's word; 0 for none.</param>
public readonly record struct PageFault(ThreadId Thread, VirtAddr Address, AccessKind Access, bool IsKernel = false, long Word = 0);

/// <summary>A core's thread has made a system call.</summary>
/// <param name="Thread">The thread.</param>
/// <param name="Call">The call's index among those of the thread's program.</param>
/// <param name="Word">The shootdown protocol's word; 0 for none.</param>
public readonly record struct SystemCallEntry(ThreadId Thread, int Call, long Word = 0);

/// <summary>A core's thread forks.</summary>
/// <param name="Thread">The thread.</param>
/// <param name="Child">The child's number among those of the process.</param>
public readonly record struct ForkEntry(ThreadId Thread, int Child);

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

/// <summary>A thread goes on: its trap is over, or it was made runnable.</summary>
/// <param name="Thread">The thread.</param>
/// <param name="Result">How the trap ended.</param>
/// <param name="ShootdownWait">How much of the trap was spent waiting for invalidations.</param>
/// <param name="Word">The shootdown protocol's word; 0 for none.</param>
/// <param name="Faults">Faults that the kernel took on the thread's behalf in the trap, besides its own; from 0.</param>
/// <param name="Primes">
/// The size of the translation that the fault has made, which the core puts into its TLB before its thread goes on; null for none.
/// </param>
public readonly record struct TrapReturn(
    ThreadId Thread,
    TrapResult Result = TrapResult.Done,
    Cycles ShootdownWait = default,
    long Word = 0,
    int Faults = 0,
    PageSize? Primes = null);

/// <summary>A thread sleeps in its trap, and its core is free for others.</summary>
/// <param name="Thread">The thread.</param>
public readonly record struct TrapSleep(ThreadId Thread);

/// <summary>A thread that was woken in the kernel is due on a core: who spins there leaves (need_resched in Linux).</summary>
/// <param name="Thread">The thread that holds the core in its trap.</param>
public readonly record struct NeedResched(ThreadId Thread);

/// <summary>A thread that slept in its trap goes on in it.</summary>
/// <param name="Thread">The thread.</param>
/// <param name="Operation">The number of its operation within the space, from 1.</param>
public readonly record struct TrapResumption(ThreadId Thread, long Operation);

/// <summary>A walk of a core found bits of an entry clear, and set them.</summary>
/// <param name="Address">The address it accessed.</param>
/// <param name="Bits">The bits: accessed, dirty or both.</param>
/// <param name="IsPrompt">
/// Whether the notice comes a notice's delay after the walk began, whatever else is late: hardware sets the bits as a part of the walk,
/// and somebody relies on it.
/// </param>
public readonly record struct AccessedDirty(VirtAddr Address, Paging.PageFlags Bits, bool IsPrompt = false);
