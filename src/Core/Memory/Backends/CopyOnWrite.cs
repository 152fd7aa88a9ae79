using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory.Backends;

/// <summary>
/// What fork does to an area of private memory: parent and child share every frame, read-only, until one of them writes
/// (<see cref="SpaceMemory.WritePrivate"/>).
/// </summary>
internal static class CopyOnWrite
{
    /// <summary>Shares an area's frames with a child.</summary>
    /// <remarks>As in Linux (vma_needs_copy and copy_present_ptes, mm/memory.c), an area without a private page is not copied: the child
    /// takes its own faults. The child's entries begin as not accessed.</remarks>
    /// <returns>False when table pages or references run out.</returns>
    internal static bool Share(VirtAddr start, ulong size, SpaceMemory parent, SpaceMemory child)
    {
        if (!HasPrivatePage(start, size, parent))
        {
            return true;
        }

        foreach (MappedLeaf leaf in parent.Table.Leaves(start, size))
        {
            if (!ShareLeaf(leaf.Address, leaf.Entry, parent, child))
            {
                return false;
            }
        }

        return true;
    }

    private static bool HasPrivatePage(VirtAddr start, ulong size, SpaceMemory memory)
    {
        foreach (MappedLeaf leaf in memory.Table.Leaves(start, size))
        {
            PhysAddr frame = leaf.Entry.Frame;
            if (!memory.Frames.IsZero(frame) && memory.Frames.KindOf(frame) == FrameKind.Anonymous)
            {
                return true;
            }
        }

        return false;
    }

    private static bool ShareLeaf(VirtAddr page, in EntryInfo leaf, SpaceMemory parent, SpaceMemory child)
    {
        if (!parent.Frames.IsZero(leaf.Frame))
        {
            if (!child.TryShare(leaf.Frame, leaf.Size))
            {
                return false;
            }

            if (parent.Frames.KindOf(leaf.Frame) == FrameKind.Anonymous)
            {
                parent.ForbidStores(page, leaf);
            }
        }

        return child.MapFrame(page, leaf.Frame, leaf.Size, leaf.Flags & ~(PageFlags.Write | PageFlags.Accessed));
    }
}
