using Samples;
using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Tests.Memory.Backends;

public sealed class BackendTests
{
    private const Protection ReadWrite = Protection.Read | Protection.Write;

    [Fact]
    public void PlugIn_ByTypeName_ServesItsMapping()
    {
        TestSpace space = new(poolBytes: 11 << 12);
        space.Ok(Call(0, 10) with { Backend = typeof(ClusterBackend).AssemblyQualifiedName });
        Assert.Equal(4, space.Fault(1, AccessKind.Store).PagesMapped);
        Assert.Equal(2, space.Fault(9, AccessKind.Store).PagesMapped);
        space.Map(100, 4);
        space.Touch(100, 3, AccessKind.Store);
        Assert.Equal(FaultKind.OutOfMemory, space.Fault(5, AccessKind.Store).Kind);
        Assert.Equal((9L, 9L), (space.Pool.Allocated, space.Memory.MappedPages));
        Assert.False(space.Memory.Table.Query(TestSpace.At(4)).Mapped);
        TestSpace child = space.Fork(out _);
        Assert.Equal(FaultKind.CopyOnWrite, child.Fault(0, AccessKind.Store).Kind);
        Assert.Equal("cluster", space.Memory.Areas.First().Backend);
    }

    [Fact]
    public void PlugIn_ByRegisteredName_IsFound()
    {
        Registry<BackendKind> registry = MemoryBackends.All.With(new("cluster", "four pages at a touch", new ClusterBackend()));
        TestSpace space = new(new VirtualMemoryOptions { Backends = registry });
        space.Ok(Call(0, 10) with { Backend = "cluster" });
        Assert.Equal(4, space.Fault(1, AccessKind.Load).PagesMapped);
        Assert.Contains("cluster", registry.Names);
    }

    [Theory]
    [InlineData("nonsense", "there is no backend")]
    [InlineData("System.String, System.Private.CoreLib", "does not derive")]
    public void PlugIn_ThatIsNone_IsRefusedWithAReason(string name, string reason)
    {
        TestSpace space = new();
        ScenarioException error = Assert.Throws<ScenarioException>(() => space.Memory.Apply(Call(0, 1) with { Backend = name }));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, space.Memory.AreaCount);
        space.Map(0, 1);
    }

    [Fact]
    public void Linear_MapsEverythingAtOnce()
    {
        TestSpace space = new();
        MmResult map = space.Ok(Call(0, 2000) with { Source = MappingSource.Linear, Offset = 1UL << 30 });
        Assert.Null(map.Dead);
        EntryInfo leaf = space.Memory.Table.Query(TestSpace.At(1999));
        Assert.Equal(TestSpace.At(1999).Value + (1UL << 30), leaf.Frame.Value);
        Assert.Equal((2000, 0), (space.Memory.Resident.Device, space.Pool.Allocated));
        Assert.Equal(FaultKind.AccessedDirty, space.Fault(5, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.Spurious, space.Fault(5, AccessKind.Store).Kind);
        Assert.Equal(10, space.Protect(0, 10, Protection.Read).Dead!.Value.Count);
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(5, AccessKind.Store).Kind);
        space.Fork(out MmResult effect);
        Assert.Null(effect.Dead);
        Assert.Equal(2000, space.Unmap(0, 2000).PagesZapped);
        Assert.Equal(0, space.Memory.MappedPages);
    }

    [Fact]
    public void Linear_ShortOfTablePages_IsOutOfMemory()
    {
        TestSpace space = new();
        space.Memory.Table.TablePagesMax = 5;
        MmResult map = space.Memory.Apply(Call(0, 2000) with { Source = MappingSource.Linear, Offset = 1UL << 30 });
        Assert.Equal(MappingErrorKind.NoMemory, map.Error!.Value.Kind);
        Assert.Equal((0, 0L, 1), (space.Memory.AreaCount, space.Memory.MappedPages, space.Memory.Table.TablePages));
    }

    [Fact]
    public void Device_IsUncacheableAtThePhysicalAddressGiven()
    {
        TestSpace space = new();
        space.Ok(Call(0, 4) with { Source = MappingSource.Device, Offset = 0xfee0_0000 });
        EntryInfo leaf = space.Memory.Table.Query(TestSpace.At(2));
        Assert.Equal(0xfee0_2000UL, leaf.Frame.Value);
        Assert.True((leaf.Flags & PageFlags.Device) != 0);
        Assert.Equal(
            MappingErrorKind.InvalidParam,
            space.Memory.Apply(
                new SystemCall
                {
                    Kind = SystemCallKind.Advise,
                    Start = TestSpace.At(0),
                    Length = 4096,
                    Advice = Advice.DontNeed
                }).Error!.Value.Kind);
    }

    [Fact]
    public void Guard_AlwaysFaults()
    {
        TestSpace space = new();
        space.Ok(Call(0, 4) with { Source = MappingSource.Guard });
        Assert.All(
            (AccessKind[])[AccessKind.Load, AccessKind.Store, AccessKind.Fetch],
            kind => Assert.Equal(FaultKind.SegmentationFault, space.Fault(1, kind).Kind));
        Assert.Equal(4UL << 12, space.Memory.Areas.Single().Range.Size);
    }

    [Fact]
    public void Mock_RefusesWhenItsScriptSays_AndLogs()
    {
        MockBackend mock = new();
        TestSpace space = new(new VirtualMemoryOptions { Backends = MemoryBackends.All.With(new("scripted", "as the test says", mock)) });
        space.Ok(Call(0, 8) with { Backend = "scripted" });
        space.Touch(0, 8, AccessKind.Store);
        mock.RefuseAfter = 1;
        mock.RefuseLate = true;
        MmResult refused = space.Memory.Apply(new SystemCall { Kind = SystemCallKind.Unmap, Start = TestSpace.At(2), Length = 3 << 12 });
        Assert.Equal(new MappingError<VirtAddr>(MappingErrorKind.BadState, TestSpace.At(2), 3 << 12), refused.Error);
        Assert.Equal((8L, 8L, 1), (space.Memory.MappedPages, space.Pool.Allocated, space.Memory.AreaCount));
        Assert.Equal(new MockCall("Unmap", TestSpace.At(2), 3 << 12, AreaFlags.None, false), mock.Calls[^1]);
        Assert.Equal(3, space.Unmap(2, 3).PagesZapped);
    }

    [Fact]
    public void SpaceMemory_RolledBackInPart_KeepsTheRest()
    {
        TestSpace space = new(
            new VirtualMemoryOptions { Backends = MemoryBackends.All.With(new("undoing", "takes back a part", new UndoingBackend())) });
        space.Ok(Call(0, 4) with { Backend = "undoing" });
        space.Touch(0, 4, AccessKind.Store);
        MmResult result = space.Protect(0, 4, Protection.Read);
        Assert.Equal((1L, 1L, 3L), (result.Release!.FrameReferences, result.PagesZapped, space.Memory.MappedPages));
        Assert.Equal(new DeadTranslations(new DeadRange(TestSpace.At(1), 1, PageSize.Size4K), 1, true), result.Dead);
        Assert.Equal(3, space.Pool.Allocated);
    }

    private static SystemCall Call(ulong page, ulong pages) =>
        new() { Kind = SystemCallKind.Map, Start = TestSpace.At(page), Length = pages << 12, Protection = ReadWrite };

    /// <summary>Drops the second page when it is protected, and the third only to take that back.</summary>
    private sealed class UndoingBackend : MemoryBackend
    {
        public override string Name => "undoing";

        public override bool Protect(VirtAddr start, ulong size, AreaFlags newFlags, SpaceMemory pageTable)
        {
            IUndoablePageTable undo = pageTable;
            bool first = pageTable.Unmap(start + 4096, 4096, Backing);
            int mark = undo.Mark();
            bool second = pageTable.Unmap(start + 8192, 4096, Backing);
            undo.Rollback(mark);
            return first && second;
        }

        public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) => LazyBackend.Instance.HandleFault(fault, memory);
    }
}
