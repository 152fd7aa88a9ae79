using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>madvise, msync and what fills or empties ranges without changing areas.</summary>
public sealed partial class VirtualMemory
{
    /// <summary>Drops this space's translations of an object's pages past a new end. Then comes <see cref="PageCache.SetLength"/>, once
    /// every space that maps the object has done this. Private copies past the end go as well (Linux: unmap_mapping_range with
    /// even_cows, truncate_pagecache, mm/truncate.c).</summary>
    /// <param name="source">The file.</param>
    /// <param name="bytes">Its new length.</param>
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
                _memory.Unmap(area.Start + keep, area.Size - keep, backing);
            }
        }

        return _memory.EndCall(1);
    }

    private bool TryAdvise(SystemCall call, out MappingError<VirtAddr> error)
    {
        error = default;
        if (call.Length == 0 && IsPageAligned(call.Start))
        {
            return true;
        }

        if (!TryRange(call.Start, call.Length, out ulong size))
        {
            return Fails(MappingErrorKind.InvalidParam, call.Start, call.Length, out error);
        }

        return call.Advice switch
        {
            Advice.DontNeed => TryEachPiece(call.Start, size, DontNeed, out error),
            Advice.Free => TryEachPiece(call.Start, size, FreeLazily, out error),
            Advice.PageOut => TryEachPiece(call.Start, size, PageOut, out error),
            Advice.WillNeed => TryEachPiece(call.Start, size, WillNeed, out error),
            Advice.PopulateRead => TryPopulate(call.Start, size, write: false, out error),
            Advice.PopulateWrite => TryPopulate(call.Start, size, write: true, out error),
            Advice.HugePage => TryChangeFlags(call.Start, size, AreaFlags.NoHugePages, AreaFlags.HugePages, out error),
            Advice.NoHugePage => TryChangeFlags(call.Start, size, AreaFlags.HugePages, AreaFlags.NoHugePages, out error),
            Advice.Random => TryChangeFlags(call.Start, size, AreaFlags.SequentialReads, AreaFlags.RandomReads, out error),
            Advice.Sequential => TryChangeFlags(call.Start, size, AreaFlags.RandomReads, AreaFlags.SequentialReads, out error),
            Advice.Normal => TryChangeFlags(call.Start, size, AreaFlags.RandomReads | AreaFlags.SequentialReads, AreaFlags.None, out error),
            _ => Fails(MappingErrorKind.InvalidParam, call.Start, size, out error),
        };
    }

    private bool TrySync(SystemCall call, out MappingError<VirtAddr> error)
    {
        error = default;
        if (!TryRange(call.Start, call.Length, out ulong size))
        {
            return (call.Length == 0 && IsPageAligned(call.Start))
                || Fails(MappingErrorKind.InvalidParam, call.Start, call.Length, out error);
        }

        return TryEachPiece(call.Start, size, WriteBack, out error);
    }

    private bool WriteBack(in AreaSet.Area piece)
    {
        if (piece.Backend.Backing is { IsPrivate: false, Object: { TracksDirtyPages: true } } backing)
        {
            _memory.WriteBack(piece.Start, piece.Size, backing);
        }

        return true;
    }

    private delegate bool PieceAction(in AreaSet.Area piece);

    /// <summary>Does something to the part of each area that lies in a range. Holes are passed over.</summary>
    private bool TryEachPiece(VirtAddr start, ulong size, PieceAction action, out MappingError<VirtAddr> error)
    {
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            if (!action(piece))
            {
                return Fails(MappingErrorKind.InvalidParam, piece.Start, piece.Size, out error);
            }
        }

        error = default;
        return true;
    }

    private bool DontNeed(in AreaSet.Area piece) =>
        piece.Backend.TakesAdvice && _memory.Unmap(piece.Start, piece.Size, piece.Backend.Backing);

    /// <summary>MADV_FREE: clean, old pages whose next store is noticed by the hardware's dirty bit. They stay until memory is short,
    /// which never takes them here.</summary>
    private bool FreeLazily(in AreaSet.Area piece)
    {
        if (!piece.Backend.TakesAdvice || piece.Backend.Backing is not { IsPrivate: true, Object: null })
        {
            return false;
        }

        return _memory.ClearAccessedDirty(piece.Start, piece.Size);
    }

    /// <summary>
    /// MADV_PAGEOUT (Linux: madvise_cold_or_pageout_pte_range, mm/madvise.c). There is no swap, so anonymous pages stay; so do dirty ones.
    /// </summary>
    private bool PageOut(in AreaSet.Area piece)
    {
        if (piece.Backend.Backing is { Object.Kind: FrameKind.File } backing)
        {
            _memory.Reclaim(piece.Start, piece.Size, backing);
        }

        return true;
    }

    private bool WillNeed(in AreaSet.Area piece)
    {
        if (piece.Backend.Backing is { Object: { } source } backing)
        {
            _memory.ReadPages(source, backing.PageOf(piece.Start), piece.Size >> PageSizes.BaseShift);
        }

        return true;
    }

    private bool TryChangeFlags(VirtAddr start, ulong size, AreaFlags remove, AreaFlags add, out MappingError<VirtAddr> error) =>
        _set.TryProtect(start, size, old => (old & ~remove) | add, _memory, out error);

    private bool TryPopulate(VirtAddr start, ulong size, bool write, out MappingError<VirtAddr> error)
    {
        error = default;
        return (_set.Covers(start, size) && Populate(start, size, write)) || Fails(MappingErrorKind.NoMemory, start, size, out error);
    }

    /// <summary>Takes the faults that accesses to every page would take; stops at the first that fails.</summary>
    private bool Populate(VirtAddr start, ulong size, bool write)
    {
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            AccessKind kind = write ? AccessKind.Store : AccessKind.Load;
            if (!Allows(piece.Flags, kind) || !_set.TryFind(piece.Start, out AreaSet.Area area) || !PopulatePiece(piece, area, kind))
            {
                return false;
            }
        }

        return true;
    }

    private bool PopulatePiece(in AreaSet.Area piece, in AreaSet.Area area, AccessKind kind)
    {
        ulong offset = 0;
        while (offset < piece.Size)
        {
            VirtAddr page = piece.Start + offset;
            EntryInfo leaf = _memory.Table.Query(page);
            if (!leaf.Mapped || (kind == AccessKind.Store && (leaf.Flags & PageFlags.Write) == 0))
            {
                if (!_memory.PopulatePage(area.Backend, new Fault(page, kind, area.Range, area.Flags, leaf)))
                {
                    return false;
                }

                leaf = _memory.Table.Query(page);
            }

            ulong bytes = leaf.Size.Bytes();
            offset += bytes - (page.Value & (bytes - 1));
        }

        return true;
    }
}
