using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;

namespace Samples.Backend;

/// <summary>Anonymous memory of which the first touch of a page maps all four pages of its cluster: a quarter of the faults.</summary>
public sealed class ClusterBackend : MemoryBackend
{
    private const ulong ClusterPages = 4;

    public override string Name => "cluster";

    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        if (fault.Entry.Mapped)
        {
            return memory.WritePrivate(fault); // a store to a page shared by a fork
        }

        PageFlags flags = SpaceMemory.EntryFlags(fault.Flags, writable: true);
        ulong first = fault.Page.PageNumber & ~(ClusterPages - 1);
        for (ulong number = first; number < first + ClusterPages; number++)
        {
            VirtAddr page = VirtAddr.OfPage(number);
            if (!fault.Area.Contains(page) || !memory.IsFree(page))
            {
                continue;
            }

            if (!memory.TryAllocate(FrameKind.Anonymous, out PhysAddr frame) || !memory.MapFrame(page, frame, PageSize.Size4K, flags))
            {
                return FaultKind.OutOfMemory; // everything done so far is taken back
            }
        }

        return FaultKind.Anonymous;
    }
}
