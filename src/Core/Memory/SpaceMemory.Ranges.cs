using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory;

/// <summary>What backends do to ranges: unmap, change rights, map adjacent frames.</summary>
public sealed partial class SpaceMemory
{
    /// <summary>Removes every translation of a range. Frames of the pool lose their reference at the release.</summary>
    /// <param name="start">A multiple of 4 KiB.</param>
    /// <param name="size">A multiple of 4 KiB.</param>
    /// <param name="backing">What stands behind the pages.</param>
    /// <returns>False when a large page at an end could not be split for want of a table page.</returns>
    public bool Unmap(VirtAddr start, ulong size, Backing backing)
    {
        EndForced();
        return UnmapMore(start, size, backing);
    }

    /// <summary>Goes on removing translations of an area.</summary>
    private bool UnmapMore(VirtAddr start, ulong size, Backing backing)
    {
        if (!SplitEnds(start, size))
        {
            return false;
        }

        UnmapVisitor visitor = new(this, backing);
        TableFreeing freeing = _gapStart is null ? TableFreeing.Within(AddrRange.Of(start, size)) : _freeing;
        Table.UnmapRange(start, size, ref visitor, freeing);
        return true;
    }

    /// <summary>Gives every translation of a range the rights that its area has now.</summary>
    /// <returns>False when a large page at an end could not be split for want of a table page.</returns>
    public bool Protect(VirtAddr start, ulong size, AreaFlags flags, Backing backing)
    {
        if (!SplitEnds(start, size))
        {
            return false;
        }

        RightsVisitor visitor = new(this, flags, backing);
        Table.ProtectRange(start, size, ref visitor);
        return true;
    }

    /// <summary>Makes the translations of a range clean and not accessed. Those that were neither stay as they are.</summary>
    /// <returns>False when a large page at an end could not be split for want of a table page.</returns>
    internal bool ClearAccessedDirty(VirtAddr start, ulong size)
    {
        if (!SplitEnds(start, size))
        {
            return false;
        }

        ClearVisitor visitor = new(this, PageFlags.Accessed | PageFlags.Dirty);
        Table.ProtectRange(start, size, ref visitor);
        return true;
    }

    /// <summary>Counts the pages of a range that are in memory: those that are mapped, and those that their object has.</summary>
    internal void CountResident(VirtAddr start, ulong size, Backing backing)
    {
        foreach (MappedLeaf leaf in Table.Leaves(start, size))
        {
            ulong first = Math.Max(start.Value, leaf.Address.Value);
            ulong last = Math.Min(start.Value + (size - 1), leaf.Address.Value + (leaf.Entry.Size.Bytes() - 1));
            _effects.Resident += (long)((last - first + 1) >> PageSizes.BaseShift);
        }

        if (backing.Object is not { } source)
        {
            return;
        }

        for (ulong offset = 0; offset < size; offset += PageSizes.BaseBytes)
        {
            bool isCached = source.TryGetFrame(backing.PageOf(start + offset), out _);
            _effects.Resident += isCached && !Table.Query(start + offset).Mapped ? 1 : 0;
        }
    }

    /// <summary>
    /// Makes the pages of a range that this space alone maps count as not accessed (Linux: madvise_cold_or_pageout_pte_range,
    /// mm/madvise.c).
    /// </summary>
    /// <returns>False when a large page at an end could not be split for want of a table page.</returns>
    internal bool ClearAccessed(VirtAddr start, ulong size)
    {
        if (!SplitEnds(start, size))
        {
            return false;
        }

        ColdVisitor visitor = new(this);
        Table.ProtectRange(start, size, ref visitor);
        return true;
    }

    /// <summary>Maps a range to adjacent physical memory that is not of the pool.</summary>
    /// <returns>False when a page of the range is mapped already or no table page is left.</returns>
    public bool MapOutside(VirtAddr start, PhysAddr target, ulong size, PageFlags flags)
    {
        if ((ulong)Table.MapRange(start, target, size, flags) != size >> PageSizes.BaseShift)
        {
            RanOut = true;
            return false;
        }

        _resident = _resident with { Device = _resident.Device + (long)(size >> PageSizes.BaseShift) };
        return true;
    }

    /// <summary>Maps a page to a frame of the pool whose reference the mapping takes over, or to the page of zeros.</summary>
    /// <returns>False when something is mapped there or no table page is left.</returns>
    public bool MapFrame(VirtAddr page, PhysAddr frame, PageSize size, PageFlags flags)
    {
        if (!Table.Map(page, frame, size, MarkedAs(flags, PageFlags.None)))
        {
            RanOut = true;
            return false;
        }

        Count(frame, (long)size.BasePages());
        _effects.MappedByFault++;
        return true;
    }

    /// <summary>Moves the translations of a range to an empty one; frames, rights and counts stay.</summary>
    /// <returns>False when table pages run out; a part may have moved, which the caller takes back.</returns>
    internal bool Move(VirtAddr from, VirtAddr to, ulong size)
    {
        MoveVisitor visitor = new(this);
        if (!SplitEnds(from, size) || Table.Move(from, to, size, ref visitor) < 0)
        {
            RanOut = true;
            return false;
        }

        return true;
    }

    /// <summary>Ends the exclusive use of a private page: the next store to it faults.</summary>
    public void ForbidStores(VirtAddr page, in EntryInfo leaf)
    {
        SetExclusive(leaf.Frame, leaf.Size, exclusive: false);
        if ((leaf.Flags & PageFlags.Write) != 0)
        {
            Table.Set(page, leaf.Frame, leaf.Flags & ~PageFlags.Write);
            NoteDead(page, leaf);
        }
    }

    /// <summary>The entry flags of a page of an area: what the area allows, less stores that must be noticed first.</summary>
    /// <param name="flags">The area's flags.</param>
    /// <param name="writable">Whether a store may go straight to the frame.</param>
    /// <remarks>Linux on x86 maps with the accessed bit set (PAGE_* of arch/x86/include/asm/pgtable_types.h), and with the dirty bit for
    /// a store. A page without any right keeps its frame; its entry is not present.</remarks>
    public static PageFlags EntryFlags(AreaFlags flags, bool writable)
    {
        if ((flags & AreaFlags.Rights) == 0)
        {
            return PageFlags.User | PageFlags.Accessed;
        }

        PageFlags rights = PageFlags.Read | PageFlags.User | PageFlags.Accessed;
        rights |= writable && (flags & AreaFlags.Write) != 0 ? PageFlags.Write : PageFlags.None;
        return rights | ((flags & AreaFlags.Execute) != 0 ? PageFlags.Execute : PageFlags.None);
    }

    /// <summary>Splits a large page that covers <paramref name="address"/> and begins below it.</summary>
    /// <returns>False when no table page is left.</returns>
    internal bool SplitAt(VirtAddr address)
    {
        EntryInfo leaf = Table.Query(address);
        while (leaf.Mapped && leaf.Size != PageSize.Size4K && (address.Value & (leaf.Size.Bytes() - 1)) != 0)
        {
            VirtAddr start = new(address.Value & ~(leaf.Size.Bytes() - 1));
            if (!Table.SplitLeaf(start))
            {
                RanOut = true;
                return false;
            }

            NoteSplit(start, leaf);
            leaf = Table.Query(address);
        }

        return true;
    }

    private bool SplitEnds(VirtAddr start, ulong size) => SplitAt(start) && SplitAt(start + size);

    private PageFlags Rights(AreaFlags flags, Backing backing, in EntryInfo leaf)
    {
        const PageFlags Kept = PageFlags.Accessed | PageFlags.Dirty | PageFlags.Device | PageFlags.Uncached | PageFlags.Global;
        bool writable = backing switch
        {
            { IsOutside: true } => true,
            { IsPrivate: true } =>
                !Frames.IsZero(leaf.Frame) && Frames.KindOf(leaf.Frame) == FrameKind.Anonymous && Frames.IsExclusive(leaf.Frame),
            _ => !backing.Object!.TracksDirtyPages || (leaf.Flags & PageFlags.Dirty) != 0,
        };
        return (EntryFlags(flags, writable) & ~PageFlags.Accessed) | (leaf.Flags & Kept);
    }

    private void Count(PhysAddr frame, long pages) =>
        _resident = Frames.IsZero(frame) ? _resident with { Zero = _resident.Zero + pages } : _resident.Plus(Frames.KindOf(frame), pages);

    /// <summary>Notes an entry whose flags change; hardware does not cache one that is not present.</summary>
    private void NoteChange(VirtAddr address, in EntryInfo leaf)
    {
        if (leaf.Present)
        {
            NoteDead(address, leaf);
        }
    }

    /// <summary>The accessed flag of a leaf is cleared, while any core may hold its translation.</summary>
    private void NoteCleared(VirtAddr address, in EntryInfo leaf)
    {
        if ((leaf.Flags & PageFlags.Accessed) != 0)
        {
            Holders?.Clear(address.PageNumber, Table.VisibleAt);
        }
    }

    /// <summary>What is removed apart from plain anonymous pages costs more or less than they do.</summary>
    private void NoteKindOfZap(VirtAddr address, in EntryInfo entry, Backing backing)
    {
        bool unowned = backing.IsOutside || Frames.IsZero(entry.Frame);
        bool shared = !unowned && Frames.KindOf(entry.Frame) != FrameKind.Anonymous;
        if (shared && !backing.IsPrivate && (entry.Flags & PageFlags.Dirty) != 0)
        {
            _effects.Work.ZappedDirtyShared++;
            if (entry.Size == PageSize.Size4K)
            {
                ForceFlush(address);
            }
        }
        else if (unowned || shared)
        {
            _effects.Work.ZappedUnowned++;
        }
        else if (entry.Size != PageSize.Size4K)
        {
            _effects.Work.ZappedLarge++;
        }
    }

    /// <summary>Takes note of each leaf that goes.</summary>
    private readonly struct UnmapVisitor(SpaceMemory memory, Backing backing) : IUnmapVisitor
    {
        public void OnUnmapped(VirtAddr address, in EntryInfo entry)
        {
            long pages = (long)entry.Size.BasePages();
            memory.LeaveTable(address);
            memory.NoteChange(address, entry);
            memory._effects.Zapped++;
            memory.NoteKindOfZap(address, entry, backing);
            if (backing.IsOutside)
            {
                memory._resident = memory._resident with { Device = memory._resident.Device - pages };
                return;
            }

            memory.Count(entry.Frame, -pages);
            if (memory.Frames.IsZero(entry.Frame))
            {
                return;
            }

            if ((entry.Flags & PageFlags.Dirty) != 0 && backing is { IsPrivate: false, Object: { TracksDirtyPages: true } file })
            {
                memory.SetObjectDirty(file, backing.PageOf(address), true);
            }

            memory.Give(entry.Frame, entry.Size.BasePages());
        }
    }

    /// <summary>Takes note of each leaf that moves.</summary>
    private readonly struct MoveVisitor(SpaceMemory memory) : IUnmapVisitor
    {
        public void OnUnmapped(VirtAddr address, in EntryInfo entry)
        {
            memory._effects.Moved++;
            memory.NoteChange(address, entry);
        }
    }

    /// <summary>Gives each leaf the rights of its area.</summary>
    private readonly struct RightsVisitor(SpaceMemory memory, AreaFlags flags, Backing backing) : IProtectVisitor
    {
        private readonly PageTableFormat _format = memory.Table.Format;

        public PageFlags OnProtect(VirtAddr address, in EntryInfo entry)
        {
            PageFlags rights = _format.Effective(memory.Rights(flags, backing, entry));
            memory._effects.Protected++;
            if (rights != entry.Flags)
            {
                memory.NoteChange(address, entry);
            }

            return rights;
        }
    }

    /// <summary>Takes the accessed flag away from each leaf whose frame has one mapping.</summary>
    private readonly struct ColdVisitor(SpaceMemory memory) : IProtectVisitor
    {
        public PageFlags OnProtect(VirtAddr address, in EntryInfo entry)
        {
            if ((entry.Flags & PageFlags.Accessed) == 0 || memory.Frames.IsZero(entry.Frame))
            {
                return entry.Flags;
            }

            int mappings = memory.Frames.References(entry.Frame) - (memory.Frames.KindOf(entry.Frame) == FrameKind.Anonymous ? 0 : 1);
            if (mappings != 1)
            {
                return entry.Flags;
            }

            memory.NoteChange(address, entry);
            memory.NoteCleared(address, entry);
            return entry.Flags & ~PageFlags.Accessed;
        }
    }

    /// <summary>Takes flags away from each leaf that has them.</summary>
    private readonly struct ClearVisitor(SpaceMemory memory, PageFlags cleared) : IProtectVisitor
    {
        public PageFlags OnProtect(VirtAddr address, in EntryInfo entry)
        {
            if ((entry.Flags & cleared) == 0 || memory.Frames.IsZero(entry.Frame))
            {
                return entry.Flags;
            }

            memory.NoteChange(address, entry);
            memory.NoteCleared(address, entry);
            memory._effects.Work.Cleared++;
            return entry.Flags & ~cleared;
        }
    }
}
