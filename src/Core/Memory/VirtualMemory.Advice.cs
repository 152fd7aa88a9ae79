using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using Area = VmSim.Core.Mapping.MemoryArea<VmSim.Core.Addresses.VirtAddr, VmSim.Core.Memory.Backends.AreaFlags, VmSim.Core.Memory.Backends.MemoryBackend>;

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
        foreach (Area area in _set)
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

    private MappingError? Advise(SystemCall call)
    {
        if (call.Length == 0 && IsPageAligned(call.Start))
        {
            return null;
        }

        if (!TryRange(call.Start, call.Length, out ulong size))
        {
            return Invalid(call.Start, call.Length);
        }

        return call.Advice switch
        {
            Advice.DontNeed => ForEachPiece(call.Start, size, DontNeed),
            Advice.Free => ForEachPiece(call.Start, size, FreeLazily),
            Advice.PageOut => ForEachPiece(call.Start, size, PageOut),
            Advice.WillNeed => ForEachPiece(call.Start, size, WillNeed),
            Advice.PopulateRead => PopulateOrFail(call.Start, size, write: false),
            Advice.PopulateWrite => PopulateOrFail(call.Start, size, write: true),
            Advice.HugePage => ChangeFlags(call.Start, size, AreaFlags.NoHugePages, AreaFlags.HugePages),
            Advice.NoHugePage => ChangeFlags(call.Start, size, AreaFlags.HugePages, AreaFlags.NoHugePages),
            Advice.Random => ChangeFlags(call.Start, size, AreaFlags.SequentialReads, AreaFlags.RandomReads),
            Advice.Sequential => ChangeFlags(call.Start, size, AreaFlags.RandomReads, AreaFlags.SequentialReads),
            Advice.Normal => ChangeFlags(call.Start, size, AreaFlags.RandomReads | AreaFlags.SequentialReads, AreaFlags.None),
            _ => Invalid(call.Start, size),
        };
    }

    private MappingError? Sync(SystemCall call)
    {
        if (!TryRange(call.Start, call.Length, out ulong size))
        {
            return call.Length == 0 && IsPageAligned(call.Start) ? null : Invalid(call.Start, call.Length);
        }

        return ForEachPiece(call.Start, size, (in Area piece) =>
        {
            if (piece.Backend.Backing is { IsPrivate: false, Object: { TracksDirtyPages: true } } backing)
            {
                _memory.WriteBack(piece.Start, piece.Size, backing);
            }

            return true;
        });
    }

    private delegate bool PieceAction(in Area piece);

    /// <summary>Does something to the part of each area that lies in a range. Holes are passed over.</summary>
    private MappingError? ForEachPiece(VirtAddr start, ulong size, PieceAction action)
    {
        foreach (Area piece in _set.Pieces(start, size))
        {
            if (!action(piece))
            {
                return Invalid(piece.Start, piece.Size);
            }
        }

        return null;
    }

    private bool DontNeed(in Area piece) =>
        piece.Backend.TakesAdvice && _memory.Unmap(piece.Start, piece.Size, piece.Backend.Backing);

    /// <summary>MADV_FREE: clean, old pages whose next store is noticed by the hardware's dirty bit. They stay until memory is short,
    /// which never takes them here.</summary>
    private bool FreeLazily(in Area piece)
    {
        if (!piece.Backend.TakesAdvice || piece.Backend.Backing is not { IsPrivate: true, Object: null })
        {
            return false;
        }

        return _memory.ClearAccessedDirty(piece.Start, piece.Size);
    }

    /// <summary>MADV_PAGEOUT (Linux: madvise_cold_or_pageout_pte_range, mm/madvise.c). There is no swap, so anonymous pages stay; so do dirty ones.</summary>
    private bool PageOut(in Area piece)
    {
        if (piece.Backend.Backing is { Object.Kind: FrameKind.File } backing)
        {
            _memory.Reclaim(piece.Start, piece.Size, backing);
        }

        return true;
    }

    private bool WillNeed(in Area piece)
    {
        if (piece.Backend.Backing is { Object: { } source } backing)
        {
            _memory.ReadPages(source, backing.PageOf(piece.Start), piece.Size >> PageSizes.BaseShift);
        }

        return true;
    }

    private MappingError? ChangeFlags(VirtAddr start, ulong size, AreaFlags remove, AreaFlags add) =>
        _set.Protect(start, size, old => (old & ~remove) | add, _memory);

    private MappingError? PopulateOrFail(VirtAddr start, ulong size, bool write)
    {
        if (!_set.Covers(start, size))
        {
            return MappingError.Of(MappingErrorKind.NoMemory, start, size);
        }

        return Populate(start, size, write) ? null : MappingError.Of(MappingErrorKind.NoMemory, start, size);
    }

    /// <summary>Takes the faults that accesses to every page would take; stops at the first that fails.</summary>
    private bool Populate(VirtAddr start, ulong size, bool write)
    {
        foreach (Area piece in _set.Pieces(start, size))
        {
            AccessKind kind = write ? AccessKind.Store : AccessKind.Load;
            if (!Allows(piece.Flags, kind) || !_set.TryFind(piece.Start, out Area area) || !PopulatePiece(piece, area, kind))
            {
                return false;
            }
        }

        return true;
    }

    private bool PopulatePiece(in Area piece, in Area area, AccessKind kind)
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
