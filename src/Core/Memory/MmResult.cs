using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>
/// What a memory-management system call did. After an error everything is as before, and every number is 0. A call may also do a part and
/// answer that the rest was not possible, as madvise does over a hole; then <see cref="Errno"/> says so and there is no error.
/// </summary>
public sealed class MmResult
{
    /// <summary>Why nothing was done; null when the call succeeded.</summary>
    public MappingError<VirtAddr>? Error { get; init; }

    /// <summary>What the call answers, by the kernel's names; none when it did all that it was asked.</summary>
    public Errno Errno { get; init; }

    /// <summary>The limit that it met; none if it met none.</summary>
    public MemoryLimit Limit { get; init; }

    /// <summary>The translations that died or changed; null when no core can hold one.</summary>
    public DeadTranslations? Dead { get; init; }

    /// <summary>
    /// Those of <see cref="Dead"/> that are flushed before the call goes on, one flush each, in their order: those of a table page in which
    /// dirty pages of shared mappings are unmapped, and each page that is written back. Mostly empty.
    /// </summary>
    public IReadOnlyList<DeadTranslations> Forced { get; init; } = [];

    /// <summary>The rest of <see cref="Dead"/>, which is flushed at the call's end; null when nothing is left.</summary>
    public DeadTranslations? DeadAtEnd { get; init; }

    /// <summary>Whether table pages became free; paging-structure caches may still refer to them.</summary>
    public bool TablesFreed => TablesReleased > 0;

    /// <summary>What can be freed once no core can reach it through <see cref="Dead"/>; null for nothing.</summary>
    public ReleaseBatch? Release { get; init; }

    /// <summary>Areas that the call made, removed, split off, joined or changed; at least 1 when it succeeded.</summary>
    public int Areas { get; init; }

    /// <summary>Translations that were removed; a large page counts once.</summary>
    public long PagesZapped { get; init; }

    /// <summary>Translations whose rights were looked at and changed where they had to; a large page counts once.</summary>
    public long PagesProtected { get; init; }

    /// <summary>Translations that the call made, by faults on its own behalf or at mapping time; a large page counts once.</summary>
    public long PagesPopulated { get; init; }

    /// <summary>Faults that the kernel took on its own behalf to map them: each is a minor fault of the process.</summary>
    public long PopulateFaults { get; init; }

    /// <summary>Pages of the range that are in memory, of a call that asks for them (mincore), in pages of 4 KiB.</summary>
    public long PagesResident { get; init; }

    /// <summary>Huge pages that the call made of small ones (MADV_COLLAPSE).</summary>
    public long PagesCollapsed { get; init; }

    /// <summary>Translations that moved to another address; a large page counts once.</summary>
    public long PagesMoved { get; init; }

    /// <summary>Translations that the child of a fork got; a large page counts once.</summary>
    public long PagesShared { get; init; }

    /// <summary>Which of its pages cost other than plain ones.</summary>
    public PageWork Work { get; init; }

    /// <summary>Pages that must be read from a device before the call is done.</summary>
    public long ReadAheadPages { get; init; }

    /// <summary>File pages that were dirty and are written back.</summary>
    public long PagesWrittenBack { get; init; }

    /// <summary>Table pages that the call allocated.</summary>
    public int TablesAllocated { get; init; }

    /// <summary>Table pages that became empty and wait for the release.</summary>
    public int TablesReleased { get; init; }
}
