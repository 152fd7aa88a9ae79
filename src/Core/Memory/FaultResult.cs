using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;

namespace VmSim.Core.Memory;

/// <summary>What a page fault turned out to be. Every kind up to <see cref="Huge"/> is one minor fault of the process.</summary>
public enum FaultKind : byte
{
    /// <summary>The translation was there with sufficient rights: another thread was faster, or a TLB held an old one.</summary>
    Spurious,

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

/// <summary>What a page fault did.</summary>
public readonly record struct FaultResult
{
    /// <summary>What it turned out to be.</summary>
    public FaultKind Kind { get; init; }

    /// <summary>Translations that became present or writable, the faulting one included.</summary>
    public long PagesMapped { get; init; }

    /// <summary>Table pages that were allocated for them.</summary>
    public int TablesAllocated { get; init; }

    /// <summary>The translation that a copy replaced; null when nothing was present.</summary>
    public DeadTranslations? Dead { get; init; }

    /// <summary>What can be freed once no core can reach it through <see cref="Dead"/>; null for nothing.</summary>
    public ReleaseBatch? Release { get; init; }

    /// <summary>Pages that a <see cref="FaultKind.Major"/> fault reads from the device, the faulting one included.</summary>
    public long ReadAheadPages { get; init; }

    /// <summary>Where the area that the address lies in begins; null when no area allows the access.</summary>
    public VirtAddr? AreaStart { get; init; }

    /// <summary>Whether the access can go on.</summary>
    public bool Succeeded => Kind < FaultKind.SegmentationFault;
}
