using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>The steps that faults are made of. A step that fails says so; the caller of the backend takes everything back.</summary>
public sealed partial class SpaceMemory
{
    /// <summary>
    /// A first touch of anonymous memory. A read gets the page of zeros, a store a new frame, and either a huge page where one is wanted
    /// and fits.
    /// </summary>
    public FaultKind TouchAnonymous(in Fault fault)
    {
        if (WantsHugePage(fault.Flags) && TryTouchLarge(fault, PageSize.Size2M))
        {
            return FaultKind.Huge;
        }

        if (!fault.IsStore && Options.ZeroPage)
        {
            return MapFrame(fault.Page, Frames.Zero, PageSize.Size4K, EntryFlags(fault.Flags, writable: false))
                ? FaultKind.ZeroPage
                : FaultKind.OutOfMemory;
        }

        return TryAllocate(FrameKind.Anonymous, out PhysAddr frame)
            && MapFrame(fault.Page, frame, PageSize.Size4K, PrivateFlags(fault.Flags))
            ? FaultKind.Anonymous
            : FaultKind.OutOfMemory;
    }

    /// <summary>
    /// Maps a new large page, or for a read the large page of zeros. The aligned region must lie in the area, with nothing of it mapped.
    /// </summary>
    /// <returns>False, and nothing changes, if that is not possible.</returns>
    public bool TryTouchLarge(in Fault fault, PageSize size)
    {
        VirtAddr start = new(fault.Page.Value & ~(size.Bytes() - 1));
        AddrRange<VirtAddr> region = AddrRange.Of(start, size.Bytes());
        if (!fault.Area.Contains(region) || HasLeaf(start, size) || IsGuarded(start, size.Bytes()))
        {
            return false;
        }

        if (!fault.IsStore && Options.ZeroPage && size == PageSize.Size2M)
        {
            _effects.Work.LargeZeros++;
            return MapFrame(start, Frames.Zero, size, EntryFlags(fault.Flags, writable: false));
        }

        int mark = MarkSteps();
        if (!TryAllocateLarge(size, FrameKind.Anonymous, out PhysAddr frame))
        {
            return false;
        }

        if (MapFrame(start, frame, size, PrivateFlags(fault.Flags)))
        {
            return true;
        }

        UndoTo(mark);
        return false;
    }

    /// <summary>
    /// A store to a present page of private memory that forbids it. The page becomes writable if nobody shares it, and is replaced by a
    /// copy otherwise.
    /// </summary>
    public FaultKind WritePrivate(in Fault fault, FaultKind copyKind = FaultKind.CopyOnWrite)
    {
        EntryInfo leaf = fault.Entry;
        bool zero = Frames.IsZero(leaf.Frame);
        VirtAddr start = new(fault.Page.Value & ~(leaf.Size.Bytes() - 1));
        if (!zero && Frames.KindOf(leaf.Frame) == FrameKind.Anonymous && Frames.IsUnshared(leaf.Frame, leaf.Size))
        {
            SetExclusive(leaf.Frame, leaf.Size, exclusive: true);
            Table.Set(start, leaf.Frame, MarkedAs(PrivateFlags(fault.Flags), leaf.Flags));
            _effects.MappedByFault++;
            return FaultKind.ReuseWrite;
        }

        if (leaf.Size == PageSize.Size4K)
        {
            return CopyPage(fault.Page, leaf, fault.Flags) ? zero ? FaultKind.CopyOnWrite : copyKind : FaultKind.OutOfMemory;
        }

        if (zero && ReplaceLarge(start, leaf, fault.Flags))
        {
            return FaultKind.Huge;
        }

        return Frames.Available > 0 && SplitToBase(fault.Page) && CopyPage(fault.Page, Table.Query(fault.Page), fault.Flags)
            ? FaultKind.CopyOnWrite
            : FaultKind.OutOfMemory;
    }

    /// <summary>Takes a fault in the course of a system call. A failure takes back what this fault did.</summary>
    /// <returns>What the fault turned out to be.</returns>
    public FaultKind PopulatePage(MemoryBackend backend, in Fault fault)
    {
        IUndoablePageTable undo = this;
        int mark = undo.Mark();
        long before = _effects.MappedByFault;
        FaultKind kind = backend.HandleFault(fault, this);
        if (kind.IsFailure())
        {
            undo.Rollback(mark);
            return kind;
        }

        undo.Commit(mark);
        _effects.Faults++;
        _effects.Populated += _effects.MappedByFault - before;
        _effects.Work.PopulatedFile += kind == FaultKind.File ? (int)(_effects.MappedByFault - before) : 0;
        return kind;
    }

    /// <summary>
    /// Makes one huge page of the small ones in an aligned region, at least one of which is there (Linux: collapse_huge_page,
    /// mm/khugepaged.c). What they hold is copied.
    /// </summary>
    /// <returns>What stands in the way; none if the region is one huge page now.</returns>
    internal Errno Collapse(VirtAddr start, AreaFlags flags)
    {
        const PageSize Size = PageSize.Size2M;
        EntryInfo leaf = Table.Query(start);
        if (leaf.Mapped && leaf.Size != PageSize.Size4K)
        {
            return Errno.None;
        }

        if (!HasLeaf(start, Size) || IsGuarded(start, Size.Bytes()))
        {
            return Errno.InvalidArgument;
        }

        IUndoablePageTable undo = this;
        int mark = undo.Mark();
        if (!TryAllocateLarge(Size, FrameKind.Anonymous, out PhysAddr frame))
        {
            undo.Rollback(mark);
            return Errno.NoMemory;
        }

        foreach (MappedLeaf small in Table.Leaves(start, Size.Bytes()))
        {
            NoteCopy(small.Entry.Frame, frame + (small.Address.Value - start.Value), small.Entry.Size);
        }

        if (!Unmap(start, Size.Bytes(), Backing.Anonymous) || !MapFrame(start, frame, Size, PrivateFlags(flags)))
        {
            undo.Rollback(mark);
            return Errno.NoMemory;
        }

        undo.Commit(mark);
        _effects.Collapsed++;
        return Errno.None;
    }

    /// <summary>Whether a page can get a translation: it has none, and it is no guard page.</summary>
    /// <param name="page">The first byte of a 4 KiB page.</param>
    public bool IsFree(VirtAddr page) => !Table.Query(page).Mapped && !IsGuarded(page, PageSizes.BaseBytes);

    /// <summary>Whether any page of a range is a guard page.</summary>
    internal bool IsGuarded(VirtAddr start, ulong bytes) =>
        !Guards.IsEmpty && Guards.Overlaps(start.PageNumber, bytes >> PageSizes.BaseShift);

    /// <summary>Maps a new frame to every page of a range.</summary>
    /// <returns>False when frames or table pages run out.</returns>
    public bool MapNewFrames(VirtAddr start, ulong size, AreaFlags flags)
    {
        PageFlags entry = PrivateFlags(flags);
        for (ulong offset = 0; offset < size; offset += PageSizes.BaseBytes)
        {
            if (!TryAllocate(FrameKind.Anonymous, out PhysAddr frame) || !MapFrame(start + offset, frame, PageSize.Size4K, entry))
            {
                return false;
            }
        }

        _effects.Populated += (long)(size >> PageSizes.BaseShift);
        return true;
    }

    /// <summary>Whether transparent huge pages are wanted in an area with these flags.</summary>
    public bool WantsHugePage(AreaFlags flags) => Options.TransparentHugePages switch
    {
        TransparentHugePages.Always => (flags & AreaFlags.NoHugePages) == 0,
        TransparentHugePages.Madvise => (flags & AreaFlags.HugePages) != 0,
        _ => false,
    };

    private bool HasLeaf(VirtAddr start, PageSize size)
    {
        foreach (MappedLeaf _ in Table.Leaves(start, size.Bytes()))
        {
            return true;
        }

        return false;
    }

    private static PageFlags PrivateFlags(AreaFlags flags) =>
        EntryFlags(flags, writable: true) | ((flags & AreaFlags.Write) != 0 ? PageFlags.Dirty : PageFlags.None);

    private bool CopyPage(VirtAddr page, in EntryInfo old, AreaFlags flags)
    {
        if (!TryAllocate(FrameKind.Anonymous, out PhysAddr copy))
        {
            return false;
        }

        Replace(page, old, copy, flags);
        return true;
    }

    /// <summary>A store to the large page of zeros (Linux: do_huge_zero_wp_pmd, mm/huge_memory.c).</summary>
    private bool ReplaceLarge(VirtAddr start, in EntryInfo zeros, AreaFlags flags)
    {
        if (!TryAllocateLarge(zeros.Size, FrameKind.Anonymous, out PhysAddr frame))
        {
            return false;
        }

        Replace(start, zeros, frame, flags);
        return true;
    }

    private void Replace(VirtAddr start, in EntryInfo old, PhysAddr frame, AreaFlags flags)
    {
        NoteCopy(old.Frame, frame, old.Size);
        Table.Set(start, frame, MarkedAs(PrivateFlags(flags), PageFlags.None));
        NoteDead(start, old);
        Count(old.Frame, -(long)old.Size.BasePages());
        Count(frame, (long)old.Size.BasePages());
        if (!Frames.IsZero(old.Frame))
        {
            Give(old.Frame, old.Size.BasePages());
        }
        else
        {
            _effects.Work.ZerosReplaced++;
        }

        _effects.MappedByFault++;
    }

    /// <summary>Splits the large page over an address until a 4 KiB page maps it.</summary>
    private bool SplitToBase(VirtAddr page)
    {
        for (EntryInfo leaf = Table.Query(page); leaf.Size != PageSize.Size4K; leaf = Table.Query(page))
        {
            VirtAddr start = new(page.Value & ~(leaf.Size.Bytes() - 1));
            if (!Table.SplitLeaf(start))
            {
                RanOut = true;
                return false;
            }

            NoteSplit(start, leaf);
        }

        return true;
    }
}
