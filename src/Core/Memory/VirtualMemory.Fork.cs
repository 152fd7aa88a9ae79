using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>The beginning and the end of a process: fork and exit.</summary>
public sealed partial class VirtualMemory
{
    /// <summary>
    /// Makes a copy of the space that shares its frames: private pages become read-only in both, shared ones stay shared.
    /// </summary>
    /// <param name="childTable">An empty page table for the child.</param>
    /// <param name="frames">The pool; the parent's.</param>
    /// <param name="parentEffect">What it did to the parent; its dead translations cover the whole space, because a kernel flushes it
    /// all (Linux: dup_mmap, mm/mmap.c, ends in flush_tlb_mm).</param>
    /// <returns>The child; null, with the error in <paramref name="parentEffect"/> and everything as before, when table pages or
    /// references run out.</returns>
    public VirtualMemory? Fork(PageTable childTable, FramePool frames, out MmResult parentEffect)
    {
        ArgumentNullException.ThrowIfNull(childTable);
        if (!ReferenceEquals(frames, _memory.Frames))
        {
            throw new ArgumentException("a child shares its parent's frames and so its pool", nameof(frames));
        }

        VirtualMemory child = new(this, childTable);
        _meetsPromises = false;
        _memory.Begin();
        child._memory.Begin();
        MappingError<VirtAddr>? error = null;
        foreach (AreaSet.Area area in _set)
        {
            if (!TryForkArea(area, child))
            {
                error = new MappingError<VirtAddr>(MappingErrorKind.NoMemory, area.Start, area.Size);
                break;
            }
        }

        if (error is not null)
        {
            child._memory.Rollback();
            _memory.Rollback();
            MemoryLimit limit = _meetsPromises ? MemoryLimit.Promises : MemoryLimit.None;
            parentEffect = new MmResult { Error = error, Errno = Errno.NoMemory, Limit = limit };
            return null;
        }

        Frames.Promised += child._promised;
        long shared = child._memory.Mapped;
        MmResult childEffect = child._memory.EndCall(1);
        _memory.NoteWholeSpace();
        parentEffect = _memory.EndCall(Math.Max(1, _set.Count), shared, childEffect.TablesAllocated);
        return child;
    }

    /// <summary>
    /// Gives a child its copy of an area: none of one that advice keeps from it, an empty one of one that it wipes. Locks are not inherited
    /// (Linux: dup_mmap, mm/mmap.c).
    /// </summary>
    private bool TryForkArea(in AreaSet.Area area, VirtualMemory child)
    {
        if ((area.Flags & AreaFlags.NotForked) != 0)
        {
            return true;
        }

        bool counts = (area.Flags & AreaFlags.Promised) != 0;
        if (counts && CannotPromise(child._promised + PagesOf(area.Size)))
        {
            return false;
        }

        child._promised += counts && CountsPromises ? PagesOf(area.Size) : 0;
        if ((area.Flags & AreaFlags.WipedOnFork) == 0)
        {
            if (!area.Backend.Fork(area.Start, area.Size, area.Flags, _memory, child._memory))
            {
                return false;
            }

            foreach ((ulong first, ulong last) in _memory.Guards.In(area.Start.PageNumber, area.Size >> PageSizes.BaseShift))
            {
                child._memory.Guards.Add(first, last - first + 1);
            }
        }

        child._set.Adopt(area with { Flags = area.Flags & ~AreaFlags.Locks });
        return true;
    }

    /// <summary>
    /// Removes every area, as the end of the process does. What died covers the whole space (Linux: exit_mmap, mm/mmap.c, gathers with
    /// tlb_gather_mmu_fullmm).
    /// </summary>
    public MmResult Clear()
    {
        _memory.Begin();
        _memory.Guards.Clear();
        int areas = Math.Max(1, _set.Count);
        _memory.FreeTablesIn(AddrRange.All<VirtAddr>(), default);
        _memory.NoteWholeSpace();
        if (_set.TryClear(_memory, out MappingError<VirtAddr> error))
        {
            Promise(-_promised);
            return _memory.EndCall(areas);
        }

        _memory.Rollback();
        return new MmResult { Error = error, Errno = AnswerOf(error.Kind) };
    }
}
