using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>madvise and process_madvise (Linux 6.18: mm/madvise.c), and truncation.</summary>
public sealed partial class VirtualMemory
{
    /// <summary>Drops this space's translations of an object's pages past a new end. Then comes <see cref="PageCache.SetLength"/>, once
    /// every space that maps the object has done this. Private copies past the end go as well (Linux: unmap_mapping_range with
    /// even_cows, truncate_pagecache, mm/truncate.c).</summary>
    /// <param name="source">The file.</param>
    /// <param name="bytes">Its new length.</param>
    /// <returns>What it did; with an error, and everything as before, when no table page is left to split a large page.</returns>
    public MmResult Truncate(MemoryObject source, ulong bytes)
    {
        ArgumentNullException.ThrowIfNull(source);
        _memory.Begin();
        ulong firstGone = (bytes >> PageSizes.BaseShift) + ((bytes & (PageSizes.BaseBytes - 1)) == 0 ? 0UL : 1UL);
        foreach (AreaSet.Area area in _set)
        {
            Backing backing = area.Backend.Backing;
            if (!ReferenceEquals(backing.Object, source))
            {
                continue;
            }

            ulong first = backing.PageOf(area.Start);
            ulong keep = Math.Min(firstGone > first ? firstGone - first : 0, area.Size >> PageSizes.BaseShift) << PageSizes.BaseShift;
            if (keep < area.Size)
            {
                if (!_memory.Unmap(area.Start + keep, area.Size - keep, backing))
                {
                    _memory.Rollback();
                    return new MmResult
                    {
                        Error = new MappingError<VirtAddr>(MappingErrorKind.NoMemory, area.Start + keep, area.Size - keep),
                        Errno = Errno.NoMemory,
                        Limit = MemoryLimit.Frames,
                    };
                }
            }
        }

        return _memory.EndCall(1);
    }

    /// <summary>
    /// madvise, or process_madvise with several ranges: it stops at the first range that fails, and answers so only if that is the first of
    /// all; otherwise it answers how many bytes it has advised (vector_madvise).
    /// </summary>
    private bool TryAdvise(SystemCall call, out MappingError<VirtAddr> error)
    {
        Progress progress = Advise(call.Start, call.Length, call.Advice);
        for (int index = 0; index < call.MoreRanges.Count && progress.Errno == Errno.None; index++)
        {
            AddrRange<VirtAddr> range = call.MoreRanges[index];
            Progress next = Advise(range.Start, range.Size, call.Advice);
            if (next.Errno != Errno.None)
            {
                return Ends(next.MustUndo ? next : default, out error);
            }
        }

        return Ends(progress, out error);
    }

    private Progress Advise(VirtAddr start, ulong length, Advice advice)
    {
        Errno refusal = AdviceRules.AnswerAtOnce(advice);
        if (refusal != Errno.None)
        {
            return new Progress(refusal, start, length);
        }

        if (length == 0 && IsPageAligned(start))
        {
            return default;
        }

        refusal = RangeError(start, length, out ulong size);
        if (refusal != Errno.None)
        {
            return new Progress(refusal, start, length);
        }

        return advice switch
        {
            Advice.PopulateRead => PopulateRange(start, size, AccessKind.Load),
            Advice.PopulateWrite => PopulateRange(start, size, AccessKind.Store),
            _ when AdviceRules.FlagsOf(advice) is { } flags => ChangeFlags(start, size, advice, flags.Remove, flags.Add),
            _ => AdvisePieces(start, size, advice),
        };
    }

    /// <summary>
    /// Does what advice asks to the part of each area in a range. Holes are passed over and answered in the end; an area that does not take
    /// the advice ends the walk, and what was done before it stays (madvise_walk_vmas).
    /// </summary>
    private Progress AdvisePieces(VirtAddr start, ulong size, Advice advice)
    {
        ulong next = start.Value;
        bool hasHole = false;
        bool isPartial = false;
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            hasHole |= piece.Start.Value != next;
            Errno refusal = AdviceRules.Refusal(advice, piece);
            if (refusal == Errno.None && advice == Advice.Collapse)
            {
                refusal = Collapse(piece, ref isPartial);
            }
            else if (refusal == Errno.None && !TryAdvisePiece(piece, advice))
            {
                return new Progress(Errno.NoMemory, piece.Start, piece.Size, MustUndo: true);
            }

            if (refusal != Errno.None)
            {
                return new Progress(refusal, piece.Start, piece.Size, isPartial);
            }

            isPartial = true;
            next = unchecked(piece.Last.Value + 1);
        }

        hasHole |= next != unchecked(start.Value + size);
        return hasHole ? new Progress(Errno.NoMemory, start, size, isPartial) : default;
    }

    /// <summary>Does what advice asks to a part of an area.</summary>
    /// <returns>False when table pages ran out; then everything must be taken back.</returns>
    private bool TryAdvisePiece(in AreaSet.Area piece, Advice advice)
    {
        ulong first = piece.Start.PageNumber;
        ulong pages = piece.Size >> PageSizes.BaseShift;
        switch (advice)
        {
            case Advice.DontNeed or Advice.DontNeedLocked:
                return Unmap(piece, piece.Size & ~(piece.Backend.Granule.Bytes() - 1));
            case Advice.Free:
                // Clean, old pages whose next store sets the hardware's dirty bit. They stay: memory is never short here.
                return _memory.ClearAccessedDirty(piece.Start, piece.Size);
            case Advice.Cold:
                return _memory.ClearAccessed(piece.Start, piece.Size);
            case Advice.PageOut:
                return PageOut(piece);
            case Advice.WillNeed when piece.Backend.Backing is { Object: { } source } backing:
                _memory.ReadPages(source, backing.PageOf(piece.Start), pages);
                break;
            case Advice.Remove:
                RemoveFromObject(piece.Backend.Backing.Object!, piece.Backend.Backing.PageOf(piece.Start), pages);
                break;
            case Advice.GuardInstall:
                _memory.Guards.Add(first, pages);
                return _memory.Unmap(piece.Start, piece.Size, piece.Backend.Backing);
            case Advice.GuardRemove:
                _memory.Guards.Remove(first, pages);
                break;
            default:
                break;
        }

        return true;
    }

    private bool Unmap(in AreaSet.Area piece, ulong size) => size == 0 || _memory.Unmap(piece.Start, size, piece.Backend.Backing);

    /// <summary>There is no swap, so anonymous pages stay; so do dirty ones. Those that stay count as old.</summary>
    private bool PageOut(in AreaSet.Area piece)
    {
        if (piece.Backend.Backing is { Object.Kind: FrameKind.File } backing)
        {
            _memory.Reclaim(piece.Start, piece.Size, backing);
        }

        return _memory.ClearAccessed(piece.Start, piece.Size);
    }

    /// <summary>Unmaps an object's pages wherever the space maps them, and has the object forget them.</summary>
    private void RemoveFromObject(MemoryObject source, ulong first, ulong count)
    {
        Dictionary<PhysAddr, int> unmapped = [];
        foreach (AreaSet.Area area in _set)
        {
            if (area.Backend.Backing is not { Object: { } other } backing || !ReferenceEquals(other, source))
            {
                continue;
            }

            ulong areaFirst = backing.PageOf(area.Start);
            ulong from = Math.Max(areaFirst, first);
            ulong end = Math.Min(areaFirst + (area.Size >> PageSizes.BaseShift), first + count);
            if (from < end)
            {
                VirtAddr start = area.Start + ((from - areaFirst) << PageSizes.BaseShift);
                _memory.UnmapObjectPages(start, (end - from) << PageSizes.BaseShift, backing, unmapped);
            }
        }

        _memory.PunchHole(source, first, count, unmapped);
    }

    /// <summary>
    /// Collapses each aligned 2 MiB in a part of an area (madvise_collapse, mm/khugepaged.c). It goes on behind a region that cannot be
    /// collapsed, unless frames have run out.
    /// </summary>
    /// <param name="piece">The part of an area.</param>
    /// <param name="collapsed">Becomes true if any region is a huge page now.</param>
    private Errno Collapse(in AreaSet.Area piece, ref bool collapsed)
    {
        ulong bytes = PageSize.Size2M.Bytes();
        ulong first = (piece.Start.Value + (bytes - 1)) & ~(bytes - 1);
        ulong end = unchecked(piece.Last.Value + 1) & ~(bytes - 1);
        if (first >= end)
        {
            return Errno.InvalidArgument;
        }

        Errno last = Errno.None;
        for (ulong start = first; start < end && last != Errno.NoMemory; start += bytes)
        {
            Errno result = _memory.Collapse(new VirtAddr(start), piece.Flags);
            last = result == Errno.None ? last : result;
            collapsed |= result == Errno.None;
        }

        return last;
    }

    /// <summary>Changes flags that pages do not show, up to the first area that does not take the advice.</summary>
    private Progress ChangeFlags(VirtAddr start, ulong size, Advice advice, AreaFlags remove, AreaFlags add)
    {
        ulong next = start.Value;
        bool hasHole = false;
        bool isPartial = false;
        ulong taken = size;
        Errno refusal = Errno.None;
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            hasHole |= piece.Start.Value != next;
            next = unchecked(piece.Last.Value + 1);
            refusal = AdviceRules.Refusal(advice, piece);
            if (refusal != Errno.None)
            {
                taken = piece.Start.Value - start.Value;
                break;
            }

            isPartial = true;
        }

        if (!TrySetFlags(start, taken, new FlagChange(remove, add), out MappingError<VirtAddr> error))
        {
            // madvise_vma_behavior turns ENOMEM into EAGAIN.
            Errno answer = error.Kind == MappingErrorKind.NoMemory ? Errno.TryAgain : Errno.InvalidArgument;
            return new Progress(answer, error.Start, error.Size, MustUndo: _memory.RanOut);
        }

        if (refusal != Errno.None)
        {
            return new Progress(refusal, start + taken, size - taken, isPartial);
        }

        hasHole |= next != unchecked(start.Value + size);
        return hasHole ? new Progress(Errno.NoMemory, start, size, isPartial) : default;
    }

    /// <summary>
    /// Takes the faults that accesses to every page would take; stops at the first that fails, and keeps what was mapped before
    /// (madvise_populate).
    /// </summary>
    private Progress PopulateRange(VirtAddr start, ulong size, AccessKind kind)
    {
        ulong next = start.Value;
        bool isPartial = false;
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            if (piece.Start.Value != next)
            {
                break;
            }

            if (!Allows(piece.Flags, kind) || !piece.Backend.TakesAdvice)
            {
                return new Progress(Errno.InvalidArgument, piece.Start, piece.Size, isPartial);
            }

            isPartial = true;
            Errno refusal = PopulatePiece(piece, kind);
            if (refusal != Errno.None)
            {
                return new Progress(refusal, piece.Start, piece.Size, isPartial);
            }

            next = unchecked(piece.Last.Value + 1);
        }

        return next != unchecked(start.Value + size) ? new Progress(Errno.NoMemory, start, size, isPartial) : default;
    }

    /// <summary>
    /// Makes the pages of a range as mmap and mlock do (Linux: __mm_populate, mm/gup.c): private memory that may be written by stores,
    /// other memory by loads. An area that fails is left as far as it came, and the next one follows.
    /// </summary>
    /// <returns>The first failure; none for none.</returns>
    private Errno Populate(VirtAddr start, ulong size)
    {
        Errno first = Errno.None;
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            if ((piece.Flags & AreaFlags.LockedOnFault) != 0 || !piece.Backend.TakesAdvice)
            {
                continue;
            }

            bool stores = (piece.Flags & (AreaFlags.Write | AreaFlags.Shared)) == AreaFlags.Write;
            Errno refusal = (piece.Flags & AreaFlags.Rights) == 0
                ? Errno.BadAddress
                : PopulatePiece(piece, stores ? AccessKind.Store : AccessKind.Load);
            first = first == Errno.None ? refusal : first;
        }

        return first;
    }

    private Errno PopulatePiece(in AreaSet.Area piece, AccessKind kind)
    {
        _set.TryFind(piece.Start, out AreaSet.Area area);
        ulong offset = 0;
        while (offset < piece.Size)
        {
            VirtAddr page = piece.Start + offset;
            EntryInfo leaf = _memory.Table.Query(page);
            if (!leaf.Mapped || (kind == AccessKind.Store && (leaf.Flags & PageFlags.Write) == 0))
            {
                FaultKind fault = _memory.IsGuarded(page, PageSizes.BaseBytes)
                    ? FaultKind.SegmentationFault
                    : _memory.PopulatePage(area.Backend, new Fault(page, kind, area.Range, area.Flags, leaf));
                if (fault.IsFailure())
                {
                    return fault == FaultKind.OutOfMemory ? Errno.NoMemory : Errno.BadAddress;
                }

                leaf = _memory.Table.Query(page);
            }

            ulong bytes = leaf.Size.Bytes();
            offset += bytes - (page.Value & (bytes - 1));
        }

        return Errno.None;
    }
}
