using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>The same memory on every page-table format.</summary>
public sealed class FormatTests
{
    private const ulong Start = 0x10_0000_0000;

    public static TheoryData<string> Formats => [.. PageTableFormats.All.Names];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Memory_OnEveryFormat_BehavesAlike(string name)
    {
        PageTableFormat format = PageTableFormats.All.Require(name, "format");
        FramePool pool = new(1 << 24);
        VirtualMemory memory = new(new PageTable(format), pool, new PageCache(pool), new VirtualMemoryOptions(), []);
        Apply(memory, SystemCallKind.Map, Protection.Read | Protection.Write);
        Assert.Equal(FaultKind.Anonymous, Fault(memory, AccessKind.Store));
        Assert.Equal(1, Apply(memory, SystemCallKind.Protect, Protection.None).Dead!.Value.Count);
        Assert.Equal(FaultKind.SegmentationFault, Fault(memory, AccessKind.Load));
        Assert.Null(Apply(memory, SystemCallKind.Protect, Protection.Read | Protection.Write).Dead);
        Assert.Null(Apply(memory, SystemCallKind.Protect, Protection.Read | Protection.Write).Dead);
        Assert.True((memory.Table.Query(new VirtAddr(Start)).Flags & PageFlags.Write) != 0);

        VirtualMemory? child = memory.Fork(new PageTable(format), pool, out MmResult effect);
        Assert.NotNull(child);
        Assert.Equal(1, effect.Dead!.Value.Count);
        Assert.Equal(FaultKind.AccessedDirty, Fault(child, AccessKind.Load));
        Assert.True((child.Table.Query(new VirtAddr(Start)).Flags & PageFlags.Accessed) != 0);
        Assert.Equal(FaultKind.CopyOnWrite, Fault(child, AccessKind.Store));
        child.Release(child.Clear().Release!);
        Assert.Equal(FaultKind.ReuseWrite, Fault(memory, AccessKind.Store));
        MmResult end = Apply(memory, SystemCallKind.Unmap, Protection.None);
        Assert.Equal(format.Levels - 1, end.TablesReleased);
        memory.Release(end.Release!);
        Assert.Equal(0, pool.Allocated);
    }

    private static MmResult Apply(VirtualMemory memory, SystemCallKind kind, Protection rights)
    {
        MmResult result = memory.Apply(new SystemCall { Kind = kind, Start = new VirtAddr(Start), Length = 8 << 12, Protection = rights });
        Assert.Null(result.Error);
        return result;
    }

    private static FaultKind Fault(VirtualMemory memory, AccessKind kind)
    {
        FaultResult result = memory.HandleFault(new VirtAddr(Start), kind);
        if (result.Release is not null)
        {
            memory.Release(result.Release);
        }

        return result.Kind;
    }
}
