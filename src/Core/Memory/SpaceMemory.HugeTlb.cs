using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory;

/// <summary>Faults on huge pages that are never divided (Linux 6.18: hugetlb_fault, mm/hugetlb.c).</summary>
public sealed partial class SpaceMemory
{
    /// <summary>A first touch of private memory: a new huge page, for loads too, as there is no huge page of zeros.</summary>
    /// <returns>What happened: a huge page was mapped, or there was no memory.</returns>
    public FaultKind TouchWhole(in Fault fault, PageSize size) =>
        TryAllocateLarge(size, FrameKind.Anonymous, out PhysAddr frame)
        && MapFrame(StartOf(fault.Page, size), frame, size, PrivateFlags(fault.Flags))
            ? FaultKind.Huge
            : FaultKind.OutOfMemory;

    /// <summary>A store to a private huge page that forbids it: reused if nobody shares it, else copied whole (hugetlb_wp).</summary>
    /// <returns>What happened: the page was reused or copied, or there was no memory.</returns>
    public FaultKind WriteWhole(in Fault fault)
    {
        EntryInfo leaf = fault.Entry;
        if (Frames.IsUnshared(leaf.Frame, leaf.Size))
        {
            return WritePrivate(fault);
        }

        return ReplaceLarge(StartOf(fault.Page, leaf.Size), leaf, fault.Flags) ? FaultKind.CopyOnWrite : FaultKind.OutOfMemory;
    }

    /// <summary>A touch of a shared huge page: the object's, which it gets at the first touch by any space.</summary>
    /// <returns>What happened: a huge page was mapped, or there was no memory.</returns>
    public FaultKind TouchWholeObject(in Fault fault, Backing backing, PageSize size)
    {
        MemoryObject source = backing.Object!;
        VirtAddr start = StartOf(fault.Page, size);
        ulong first = backing.PageOf(start);
        bool isNew = !source.TryGetFrame(first, out PhysAddr frame);
        if (isNew)
        {
            if (!TryAllocateLarge(size, source.Kind, out frame))
            {
                return FaultKind.OutOfMemory;
            }

            for (ulong page = 0; page < size.BasePages(); page++)
            {
                NoteRead(frame + (page << PageSizes.BaseShift), source, first + page);
                source.Insert(first + page, frame + (page << PageSizes.BaseShift));
                LogObject(UndoKind.ObjectPageInserted, source, first + page);
            }
        }

        return TryShare(frame, size) && MapFrame(start, frame, size, EntryFlags(fault.Flags, writable: true) | DirtyIf(fault.IsStore))
            ? FaultKind.Huge
            : FaultKind.OutOfMemory;
    }

    private static PageFlags DirtyIf(bool isStore) => isStore ? PageFlags.Dirty : PageFlags.None;

    private static VirtAddr StartOf(VirtAddr page, PageSize size) => new(page.Value & ~(size.Bytes() - 1));
}
