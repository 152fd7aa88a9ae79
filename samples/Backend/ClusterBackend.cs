using System.Numerics;
using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Settings;

namespace Samples;

// docs/backends.md shows this class, and tests of plug-ins compile it, too.

/// <summary>Anonymous memory that is mapped some pages at a time.</summary>
public sealed class ClusterBackend : MemoryBackend
{
    [Setting("Pages that the first touch of any of them maps: a power of two.", Unit = SettingUnit.Pages, Min = 1, Max = 512)]
    public ulong Pages
    {
        get;
        init => field = BitOperations.IsPow2(value) ? value : throw new ScenarioException("a power of two is needed");
    } = 4;

    public override string Name => "cluster";

    public override string Summary => "anonymous memory, mapped some pages at a time at the first touch of any of them";

    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        if (fault.Entry.Mapped)
        {
            return memory.WritePrivate(fault); // a store to a page shared by a fork
        }

        PageFlags flags = SpaceMemory.EntryFlags(fault.Flags, writable: true);
        ulong first = fault.Page.PageNumber & ~(Pages - 1);
        for (ulong number = first; number < first + Pages; number++)
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
