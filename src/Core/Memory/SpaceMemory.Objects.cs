using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory;

/// <summary>Faults on files and shared objects: fault-around, private copies, stores to shared pages, reads from a device.</summary>
public sealed partial class SpaceMemory
{
    private const ulong TablePages = 512;

    /// <summary>A first touch of a page of an object.</summary>
    public FaultKind TouchObject(in Fault fault, Backing backing)
    {
        MemoryObject source = backing.Object!;
        ulong page = backing.PageOf(fault.Page);
        if (!source.HasPage(page))
        {
            return FaultKind.BusError;
        }

        bool major = !source.IsInMemory(page);
        if (major && !ReadAround(source, page, fault.Flags))
        {
            return FaultKind.OutOfMemory;
        }

        FaultKind kind = !fault.IsStore ? MapAround(fault, backing)
            : backing.IsPrivate ? MapCopy(fault, source, page)
            : MapForStore(fault, backing);
        return major && kind != FaultKind.OutOfMemory ? FaultKind.Major : kind;
    }

    /// <summary>A store to a present, clean page of a shared mapping: notes it and lets further stores pass.</summary>
    public FaultKind WriteShared(in Fault fault, Backing backing)
    {
        SetObjectDirty(backing.Object!, backing.PageOf(fault.Page), true);
        PageFlags flags = EntryFlags(fault.Flags, writable: true) | PageFlags.Dirty;
        Table.Set(fault.Page, fault.Entry.Frame, MarkedAs(flags, fault.Entry.Flags));
        _effects.MappedByFault++;
        return FaultKind.ReuseWrite;
    }

    /// <summary>Reads pages of an object into memory if they are not there.</summary>
    /// <returns>How many were read; fewer than asked for when frames run out.</returns>
    internal long ReadPages(MemoryObject source, ulong first, ulong count)
    {
        long read = 0;
        for (ulong page = first; page < first + count && source.HasPage(page); page++)
        {
            if (!source.IsInMemory(page))
            {
                if (!TryFillObjectPage(source, page, out _))
                {
                    break;
                }

                read++;
            }
        }

        _effects.ReadAhead += read;
        return read;
    }

    /// <summary>
    /// Makes stores to clean pages of a shared file mapping fault again, as writing them back does. The pages count as written back, and
    /// each translation is flushed by itself (Linux: ptep_clear_flush in page_vma_mkclean_one, mm/rmap.c).
    /// </summary>
    internal void WriteBack(VirtAddr start, ulong size, Backing backing)
    {
        WriteBackVisitor visitor = new(this, backing);
        Table.ProtectRange(start, size, ref visitor);
    }

    /// <summary>
    /// Takes clean pages of a file out of memory that only its cache and one mapping in the range hold. Their frames wait for the release.
    /// </summary>
    internal void Reclaim(VirtAddr start, ulong size, Backing backing)
    {
        MemoryObject source = backing.Object!;
        List<VirtAddr> reclaimed = [];
        foreach (MappedLeaf leaf in Table.Leaves(start, size))
        {
            ulong page = backing.PageOf(leaf.Address);
            bool clean = (leaf.Entry.Flags & (PageFlags.Write | PageFlags.Dirty)) == 0 && !source.IsDirty(page);
            if (clean && source.TryGetFrame(page, out PhysAddr frame) && frame == leaf.Entry.Frame && Frames.References(frame) == 2)
            {
                reclaimed.Add(leaf.Address);
            }
        }

        foreach (VirtAddr page in reclaimed)
        {
            Unmap(page, PageSizes.BaseBytes, backing);
            PhysAddr frame = source.Remove(backing.PageOf(page));
            Give(frame, 1);
            LogObject(UndoKind.ObjectPageRemoved, source, backing.PageOf(page), frame);
        }
    }

    /// <summary>
    /// Takes pages out of an object for good, those apart that other spaces map or that stores of an earlier operation still hold
    /// (Linux: shmem_fallocate and truncate_pagecache_range, which drop them everywhere). Mappings of the space are gone already.
    /// </summary>
    /// <param name="source">The object.</param>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many.</param>
    /// <param name="unmapped">Mappings that the operation has taken away from each frame.</param>
    internal void PunchHole(MemoryObject source, ulong first, ulong count, Dictionary<PhysAddr, int> unmapped)
    {
        foreach (ulong page in source.PagesFrom(first))
        {
            if (page >= first + count)
            {
                break;
            }

            if (source.TryGetFrame(page, out PhysAddr frame) && Frames.References(frame) == 1 + unmapped.GetValueOrDefault(frame))
            {
                SetObjectDirty(source, page, false);
                Give(source.Remove(page), 1);
                LogObject(UndoKind.ObjectPageRemoved, source, page, frame);
            }
        }
    }

    /// <summary>Unmaps the pages of a range that are an object's own, and leaves private copies of them.</summary>
    /// <param name="start">The first page.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="backing">The object, and which of its pages lie where.</param>
    /// <param name="unmapped">Gets one more for each frame.</param>
    internal void UnmapObjectPages(VirtAddr start, ulong size, Backing backing, Dictionary<PhysAddr, int> unmapped)
    {
        MemoryObject source = backing.Object!;
        List<VirtAddr> pages = [];
        foreach (MappedLeaf leaf in Table.Leaves(start, size))
        {
            if (source.TryGetFrame(backing.PageOf(leaf.Address), out PhysAddr frame) && frame == leaf.Entry.Frame)
            {
                pages.Add(leaf.Address);
                unmapped[frame] = unmapped.GetValueOrDefault(frame) + 1;
            }
        }

        EndForced();
        foreach (VirtAddr page in pages)
        {
            UnmapMore(page, PageSizes.BaseBytes, backing);
        }
    }

    /// <summary>Reads the window around a page that is not in memory (Linux: do_sync_mmap_readahead, mm/filemap.c).</summary>
    private bool ReadAround(MemoryObject source, ulong page, AreaFlags flags)
    {
        ulong window = Options.ReadAheadBytes >> PageSizes.BaseShift;
        if (!TryFillObjectPage(source, page, out _))
        {
            return false;
        }

        _effects.ReadAhead++;
        if ((flags & AreaFlags.RandomReads) == 0)
        {
            ulong before = (flags & AreaFlags.SequentialReads) != 0 ? 0 : Math.Min(page, window / 2);
            ReadPages(source, page - before, window);
        }

        return true;
    }

    private FaultKind MapCopy(in Fault fault, MemoryObject source, ulong page)
    {
        if (!TryAllocate(FrameKind.Anonymous, out PhysAddr frame)
            || !MapFrame(fault.Page, frame, PageSize.Size4K, PrivateFlags(fault.Flags)))
        {
            return FaultKind.OutOfMemory;
        }

        NoteRead(frame, source, page);
        return FaultKind.FilePrivateCopy;
    }

    /// <summary>
    /// A first store to a shared page: its folio is mapped for stores, and dirty, as a whole, unless a page of it is mapped already
    /// (Linux 6.18: finish_fault, mm/memory.c).
    /// </summary>
    private FaultKind MapForStore(in Fault fault, Backing backing)
    {
        PageFlags flags = EntryFlags(fault.Flags, writable: true) | PageFlags.Dirty;
        (ulong first, ulong end) = FolioOf(fault.Area, backing, fault.Page.PageNumber);
        if (!AreFree(first, end))
        {
            (first, end) = (fault.Page.PageNumber, fault.Page.PageNumber + 1);
        }

        if (!MapObjectPage(fault.Page, backing, flags))
        {
            return FaultKind.OutOfMemory;
        }

        MemoryObject source = backing.Object!;
        MapFreePages(first, end, backing, flags);
        for (ulong page = first; page < end && source.TracksDirtyPages; page++)
        {
            SetObjectDirty(source, backing.PageOf(VirtAddr.OfPage(page)), true);
        }

        return FaultKind.FileShared;
    }

    /// <summary>Maps a page for a read, and the pages around it that are in memory.</summary>
    /// <remarks>
    /// The window as in Linux's do_fault_around (mm/memory.c). It begins at the aligned boundary or at the area's first page, whichever is
    /// higher. It is as long as the option says, and ends with the area, the object and the page-table page.
    /// </remarks>
    private FaultKind MapAround(in Fault fault, Backing backing)
    {
        MemoryObject source = backing.Object!;
        bool isNew = !source.TryGetFrame(backing.PageOf(fault.Page), out _) && source.Kind == FrameKind.SharedMemory;
        PageFlags flags = EntryFlags(fault.Flags, writable: !backing.IsPrivate && !source.TracksDirtyPages);
        if (!MapObjectPage(fault.Page, backing, flags))
        {
            return FaultKind.OutOfMemory;
        }

        ulong window = Options.FaultAroundBytes >> PageSizes.BaseShift;
        ulong number = fault.Page.PageNumber;
        ulong slot = number & (TablePages - 1);
        ulong inArea = number - fault.Area.Start.PageNumber;
        ulong from = Math.Max(slot & ~(window - 1), slot - Math.Min(slot, inArea));
        ulong to = Math.Min(Math.Min(from + window, TablePages), slot + ((fault.Area.Size >> PageSizes.BaseShift) - inArea));
        ulong end = number - slot + to;
        for (ulong each = number - slot + from; each < end;)
        {
            (ulong first, ulong after) = FolioOf(fault.Area, backing, each);
            MapFreePages(first, after, backing, flags);
            each = after;
        }

        return isNew ? FaultKind.FileShared : FaultKind.File;
    }

    /// <summary>
    /// The pages that are mapped with a page of an object: those of its folio if that lies within the area and the page-table page and is
    /// in memory, else the page alone (Linux 6.18: filemap_map_folio_range, mm/filemap.c).
    /// </summary>
    private static (ulong First, ulong End) FolioOf(AddrRange<VirtAddr> area, Backing backing, ulong page)
    {
        MemoryObject source = backing.Object!;
        ulong inFile = backing.PageOf(VirtAddr.OfPage(page));
        (ulong start, ulong pages) = source.FolioOf(inFile);
        ulong before = inFile - start;
        ulong first = page - before;
        ulong last = first + pages - 1;
        bool isWhole = pages > 1 && before <= page - area.Start.PageNumber && last < (area.Start + area.Size).PageNumber
            && first / TablePages == last / TablePages && (source.IsWarm || HasAll(source, start, pages));
        return isWhole ? (first, last + 1) : (page, page + 1);
    }

    private static bool HasAll(MemoryObject source, ulong first, ulong pages)
    {
        for (ulong page = first; page < first + pages; page++)
        {
            if (!source.IsInMemory(page))
            {
                return false;
            }
        }

        return true;
    }

    private bool AreFree(ulong first, ulong end)
    {
        for (ulong page = first; page < end; page++)
        {
            if (!IsFree(VirtAddr.OfPage(page)))
            {
                return false;
            }
        }

        return true;
    }

    private void MapFreePages(ulong first, ulong end, Backing backing, PageFlags flags)
    {
        for (ulong each = first; each < end; each++)
        {
            VirtAddr page = VirtAddr.OfPage(each);
            if (CanMapAround(backing.Object!, backing.PageOf(page)) && IsFree(page))
            {
                MapObjectPage(page, backing, flags);
            }
        }
    }

    /// <summary>Whether fault-around may map a page: one in memory, but never a new page of shared memory, nor the last frame.</summary>
    private bool CanMapAround(MemoryObject source, ulong page) => source.HasPage(page)
        && (source.TryGetFrame(page, out _) || (source is { IsWarm: true, Kind: FrameKind.File } && Frames.Available > 0));

    private bool MapObjectPage(VirtAddr page, Backing backing, PageFlags flags)
    {
        if (!TryGetObjectFrame(backing.Object!, backing.PageOf(page), out PhysAddr frame) || !TryShare(frame))
        {
            return false;
        }

        bool mapped = MapFrame(page, frame, PageSize.Size4K, flags);
        Debug.Assert(mapped || !Table.Query(page).Mapped, "only untouched pages are mapped");
        return mapped;
    }

    /// <summary>Takes the right to store, and the dirty flag, away from each leaf.</summary>
    private readonly struct WriteBackVisitor(SpaceMemory memory, Backing backing) : IProtectVisitor
    {
        public PageFlags OnProtect(VirtAddr address, in EntryInfo entry)
        {
            const PageFlags Cleared = PageFlags.Write | PageFlags.Dirty;
            memory._effects.WrittenBack += memory.SetObjectDirty(backing.Object!, backing.PageOf(address), false) ? 1 : 0;
            if ((entry.Flags & Cleared) == 0)
            {
                return entry.Flags;
            }

            memory._effects.Protected++;
            memory.NoteChange(address, entry);
            memory.FlushNow(frees: false);
            return entry.Flags & ~Cleared;
        }
    }
}
