using VmSim.Core.Machine;

namespace VmSim.Core.Memory;

/// <summary>What a page fault turned out to be. What follows from it stands in <see cref="FaultKinds"/>.</summary>
public enum FaultKind : byte
{
    /// <summary>The translation was there with sufficient rights: another thread was faster, or a TLB held an old one.</summary>
    Spurious,

    /// <summary>The translation was there with sufficient rights, but not accessed, or for a write clean: the fault set that.</summary>
    AccessedDirty,

    /// <summary>A first read of anonymous memory mapped the shared zero page.</summary>
    ZeroPage,

    /// <summary>A first touch of anonymous memory mapped a new frame.</summary>
    Anonymous,

    /// <summary>A write to a frame that others share, or to the zero page, mapped a copy in its place.</summary>
    CopyOnWrite,

    /// <summary>A write found that nobody shares the frame any more, or that a shared page is clean, and made it writable.</summary>
    ReuseWrite,

    /// <summary>A read mapped the file page and the cached pages around it.</summary>
    File,

    /// <summary>A write to a private file mapping mapped a copy of the file's page.</summary>
    FilePrivateCopy,

    /// <summary>A touch of a shared object (a write to a shared file mapping, or shared memory) mapped its frame.</summary>
    FileShared,

    /// <summary>A large page was mapped, or a written large page of zeros replaced.</summary>
    Huge,

    /// <summary>The file page had to be read from a device first; the thread sleeps meanwhile. A major fault.</summary>
    Major,

    /// <summary>No area allows the access; nothing changed.</summary>
    SegmentationFault,

    /// <summary>The object behind the area has no such page; nothing changed.</summary>
    BusError,

    /// <summary>No frame or table page was left; nothing changed.</summary>
    OutOfMemory,
}

/// <summary>What follows from the kind of a fault: one place to look at, and to extend, for a new kind.</summary>
public static class FaultKinds
{
    /// <summary>Whether the access cannot go on; a fault that fails changes nothing.</summary>
    public static bool IsFailure(this FaultKind kind) => kind is FaultKind.SegmentationFault or FaultKind.BusError or FaultKind.OutOfMemory;

    /// <summary>Whether the fault takes a 4 KiB page from the pool and puts it on the LRU lists.</summary>
    public static bool TakesNewPage(this FaultKind kind) =>
        kind is FaultKind.Anonymous or FaultKind.CopyOnWrite or FaultKind.FilePrivateCopy;

    /// <summary>Cycles of the fault handler under a kernel profile; table pages, device time and locks apart.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="kernel">The profile.</param>
    /// <param name="pagesMapped">Translations that became present or writable, the faulting one included.</param>
    /// <param name="work">Which pages cost other than plain ones.</param>
    public static long HandlerCycles(this FaultKind kind, KernelProfile kernel, long pagesMapped, in PageWork work = default)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        return kind switch
        {
            FaultKind.Huge when work.LargeZeros > 0 => kernel.HugeZeroFaultCycles,
            FaultKind.CopyOnWrite when work.ZerosReplaced > 0 => kernel.AnonymousFaultCycles,
            FaultKind.CopyOnWrite when work.LargeSplit > 0 => kernel.CopyFaultCycles + (work.LargeSplit * kernel.SplitSharedCycles),
            FaultKind.File or FaultKind.FileShared when work.NewShared > 0 => kernel.SharedFaultCycles,
            // both go the way of handle_pte_fault (mm/memory.c) to its end, and differ by a store to the entry
            FaultKind.Spurious or FaultKind.AccessedDirty => kernel.SpuriousFaultCycles,
            FaultKind.ZeroPage => kernel.ZeroFaultCycles,
            FaultKind.Anonymous => kernel.AnonymousFaultCycles,
            FaultKind.CopyOnWrite or FaultKind.FilePrivateCopy => kernel.CopyFaultCycles,
            FaultKind.ReuseWrite => kernel.ReuseFaultCycles,
            FaultKind.File or FaultKind.FileShared or FaultKind.Major =>
                kernel.FileFaultCycles + (Math.Max(0, pagesMapped - 1) * kernel.FileFaultPageCycles),
            FaultKind.Huge => kernel.HugeFaultCycles,
            _ => kernel.SegmentationFaultCycles,
        };
    }

    /// <summary>Why an access was refused, in words that go on after the page it was to.</summary>
    /// <param name="kind">A failure.</param>
    internal static string Refusal(this FaultKind kind) => kind switch
    {
        FaultKind.BusError => "beyond the end of its file",
        FaultKind.OutOfMemory => "found no memory left",
        _ => "not mapped so",
    };
}
