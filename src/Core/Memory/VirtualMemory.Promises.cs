using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>
/// Promised memory: pages that private writable mappings and shared anonymous ones may come to need, and which calls are refused because
/// they ask for more of them than there may be (Linux: __vm_enough_memory, mm/util.c; accountable_mapping, mm/vma.c). Swap is 0, and
/// nothing is kept back for root or other programs.
/// </summary>
public sealed partial class VirtualMemory
{
    private bool _isInitial;
    private bool _meetsPromises;
    private long _promised;

    /// <summary>
    /// Maps what is there before the first instruction: it counts as promised, and is never too much, since the process runs.
    /// </summary>
    /// <inheritdoc cref="Apply"/>
    internal MmResult ApplyInitial(SystemCall call)
    {
        _isInitial = true;
        try
        {
            return Apply(call);
        }
        finally
        {
            _isInitial = false;
        }
    }

    private bool CountsPromises => _memory.Options.Overcommit == Overcommit.Never;

    /// <summary>Whether so many pages more may not be promised.</summary>
    private bool CannotPromise(long pages)
    {
        bool cannot = pages > 0 && !_isInitial && _memory.Options.Overcommit switch
        {
            Overcommit.Always => false,
            Overcommit.Heuristic => pages > Frames.Capacity,
            _ => Frames.Promised + pages >= Frames.Capacity * _memory.Options.OvercommitRatio / 100,
        };
        _meetsPromises |= cannot;
        return cannot;
    }

    /// <summary>
    /// Flags that say whether an area counts, or never does. They are there whether anybody counts or not, since areas that differ in them
    /// stay apart (VM_ACCOUNT).
    /// </summary>
    private AreaFlags PromiseFlags(SystemCall call)
    {
        bool mayBeReserved = (call.MappingFlags & MappingFlags.NoReserve) == 0 || CountsPromises;
        return !mayBeReserved ? AreaFlags.NotReserved
            : !call.Shared && IsPromise(call) ? AreaFlags.Promised
            : AreaFlags.None;
    }

    /// <summary>Counts the pages of a new object without a file: once, however often and by whom it is mapped.</summary>
    private void PromiseObject(SystemCall call, MemoryBackend backend, ulong size)
    {
        if (CountsPromises && call.Shared && IsPromise(call) && backend.Backing.Object is { IsCached: false } made)
        {
            made.PromisedPages = PagesOf(size);
            Frames.Promised += made.PromisedPages;
        }
    }

    /// <summary>Whether the pages of a mapping count, if it does not ask for the contrary.</summary>
    private static bool IsPromise(SystemCall call) => !IsHugeTlb(call)
        && (call.Shared ? call.Source == MappingSource.Anonymous : (call.Protection & Protection.Write) != 0);

    /// <summary>Whether mmap asks for more than may be promised; what it maps over is given back.</summary>
    private bool MapsTooMuch(SystemCall call, ulong size) => IsPromise(call)
        && ((call.MappingFlags & MappingFlags.NoReserve) == 0 || CountsPromises)
        && CannotPromise(PagesOf(size) - PromisedIn(call.Start, size));

    /// <summary>Whether the right to store makes more pages count than may be promised (mprotect_fixup, mm/mprotect.c).</summary>
    private bool ProtectsTooMuch(VirtAddr start, ulong size, AreaFlags rights)
    {
        if ((rights & AreaFlags.Write) == 0 || (!CountsPromises && PagesOf(size) <= Frames.Capacity))
        {
            return false;
        }

        long pages = 0;
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            pages += (piece.Flags & FlagChange.Settled) == 0 ? PagesOf(piece.Size) : 0;
        }

        return CannotPromise(pages);
    }

    /// <summary>Whether an area that counts may not become longer, or be there twice (vrm_calc_charge, mm/mremap.c).</summary>
    private bool RemapsTooMuch(in AreaSet.Area area, SystemCall call, ulong oldSize, ulong newSize)
    {
        bool counts = (area.Flags & AreaFlags.Promised) != 0;
        bool staysToo = (call.RemapFlags & RemapFlags.DontUnmap) != 0;
        return counts && CannotPromise(PagesOf(newSize) - (staysToo ? 0 : PagesOf(oldSize)));
    }

    /// <summary>Does a call and counts what it promised or gave back.</summary>
    private bool TryDispatchCounted(SystemCall call, out Mapping.MappingError<VirtAddr> error)
    {
        VirtAddr oldBreak = Break;
        long before = PromisedBy(call, oldBreak);
        if (!TryDispatch(call, out error))
        {
            return false;
        }

        Promise(PromisedBy(call, oldBreak) - before);
        return true;
    }

    /// <summary>Pages that count where a call changes areas.</summary>
    private long PromisedBy(SystemCall call, VirtAddr oldBreak)
    {
        switch (call.Kind)
        {
            case SystemCallKind.Map or SystemCallKind.Unmap or SystemCallKind.Protect or SystemCallKind.Detach:
                return PromisedIn(call.Start, call.Length);
            case SystemCallKind.SetBreak:
                VirtAddr low = call.Start < oldBreak ? call.Start : oldBreak;
                return PromisedIn(low, Math.Max(call.Start.Value, oldBreak.Value) - low.Value);
            case SystemCallKind.Remap when call.NewStart == call.Start:
                return PromisedIn(call.Start, Math.Max(call.Length, call.NewLength));
            case SystemCallKind.Remap:
                return PromisedIn(call.Start, call.Length) + PromisedIn(call.NewStart, call.NewLength);
            default:
                return 0;
        }
    }

    /// <summary>Pages that count in a range, whose ends are rounded outwards; 0 for a range that is none.</summary>
    private long PromisedIn(VirtAddr start, ulong bytes)
    {
        ulong first = start.Value & ~(PageSizes.BaseBytes - 1);
        ulong size = (start.Value - first + bytes + (PageSizes.BaseBytes - 1)) & ~(PageSizes.BaseBytes - 1);
        if (!CountsPromises || bytes == 0 || size < bytes || first > ulong.MaxValue - size)
        {
            return 0;
        }

        long pages = 0;
        foreach (AreaSet.Area piece in _set.Pieces(new VirtAddr(first), size))
        {
            pages += (piece.Flags & AreaFlags.Promised) != 0 ? PagesOf(piece.Size) : 0;
        }

        return pages;
    }

    /// <summary>Counts pages that are promised or given back, where anybody counts.</summary>
    private void Promise(long pages)
    {
        if (CountsPromises)
        {
            _promised += pages;
            Frames.Promised += pages;
        }
    }

    private static long PagesOf(ulong bytes) => (long)(bytes >> PageSizes.BaseShift);
}
