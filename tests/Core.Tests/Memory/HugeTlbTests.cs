using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>MAP_HUGETLB, from the manual pages of mmap, munmap, mremap and madvise and from Linux 6.18's mm/hugetlb.c.</summary>
public sealed class HugeTlbTests
{
    private const ulong Huge = 512;

    private readonly TestSpace _space = new(poolBytes: 64UL << 20);

    [Theory]
    [InlineData(AccessKind.Load)]
    [InlineData(AccessKind.Store)]
    public void Touch_OfAnyPage_MakesOneHugePage(AccessKind kind)
    {
        Map(0, 2 * Huge);
        Assert.Equal(new() { [FaultKind.Huge] = 2 }, _space.Touch(5, Huge + 7, kind));
        Assert.Equal((PageSize.Size2M, 1024L, 1024L), (Query(0).Size, _space.Pool.Allocated, _space.Memory.Resident.Anonymous));
        MmResult gone = _space.Unmap(0, 2 * Huge);
        Assert.Equal(new DeadTranslations(new DeadRange(TestSpace.At(0), 2, PageSize.Size2M), 2, true), gone.Dead);
        Assert.Equal(0, _space.Pool.Allocated);
    }

    [Theory]
    [InlineData(0, 512UL)]
    [InlineData(21, 512UL)]
    [InlineData(30, 512UL * 512)]
    public void Map_OfAPageSize_RoundsTheLengthUpToIt(int shift, ulong pages)
    {
        _space.Ok(Mapping(0, 1) with { HugePageShift = shift });
        Assert.Equal(pages, Assert.Single(_space.Memory.Areas).Range.Size >> 12);
    }

    [Theory]
    [InlineData(16, 0UL)]
    [InlineData(25, 0UL)]
    [InlineData(21, 8UL)]
    [InlineData(30, 512UL)]
    public void Map_OfAnotherSizeOrPlace_IsInvalid(int shift, ulong page) =>
        Assert.Equal(Errno.InvalidArgument, _space.Memory.Apply(Mapping(page, Huge) with { HugePageShift = shift }).Errno);

    [Theory]
    [InlineData(SystemCallKind.Unmap)]
    [InlineData(SystemCallKind.Protect)]
    [InlineData(SystemCallKind.Map)]
    [InlineData(SystemCallKind.Seal)]
    public void Call_ThatWouldDivideAHugePage_IsInvalid(SystemCallKind kind)
    {
        Map(0, 2 * Huge);
        _space.Touch(0, 1, AccessKind.Store);
        SystemCall call = new() { Kind = kind, Start = TestSpace.At(0), Length = 8 << 12, Protection = Protection.Read };
        Assert.Equal(Errno.InvalidArgument, _space.Memory.Apply(call).Errno);
        Assert.Equal(Errno.InvalidArgument, _space.Memory.Apply(call with { Start = TestSpace.At(8), Length = (Huge - 8) << 12 }).Errno);
        Assert.Equal(PageSize.Size2M, Query(3).Size);
        Assert.Equal(Errno.None, _space.Memory.Apply(call with { Length = Huge << 12 }).Errno);
    }

    [Theory]
    [InlineData(Advice.DontNeed, 1UL, 512UL, Errno.InvalidArgument)]
    [InlineData(Advice.DontNeed, 0UL, 8UL, Errno.None)]
    [InlineData(Advice.DontNeed, 0UL, 512UL, Errno.None)]
    [InlineData(Advice.Free, 0UL, 512UL, Errno.InvalidArgument)]
    [InlineData(Advice.Cold, 0UL, 512UL, Errno.InvalidArgument)]
    [InlineData(Advice.PageOut, 0UL, 512UL, Errno.InvalidArgument)]
    [InlineData(Advice.Remove, 0UL, 512UL, Errno.NoAccess)]
    [InlineData(Advice.WipeOnFork, 0UL, 512UL, Errno.InvalidArgument)]
    [InlineData(Advice.GuardInstall, 0UL, 512UL, Errno.InvalidArgument)]
    [InlineData(Advice.Collapse, 0UL, 512UL, Errno.InvalidArgument)]
    [InlineData(Advice.DontFork, 0UL, 8UL, Errno.InvalidArgument)]
    [InlineData(Advice.DontFork, 0UL, 512UL, Errno.None)]
    public void Advise_OnHugePages_AnswersAsTheKernel(Advice advice, ulong page, ulong pages, Errno expected)
    {
        Map(0, 2 * Huge);
        _space.Touch(0, 2 * Huge, AccessKind.Store);
        SystemCall call = new() { Kind = SystemCallKind.Advise, Start = TestSpace.At(page), Length = pages << 12, Advice = advice };
        Assert.Equal(expected, _space.Memory.Apply(call).Errno);
        bool drops = advice == Advice.DontNeed && page == 0 && pages == Huge;
        Assert.Equal((!drops, true), (Query(0).Mapped, Query(Huge).Mapped));
    }

    [Fact]
    public void Lock_OfAPart_ChangesNothing()
    {
        Map(0, Huge);
        Assert.Equal(Errno.None, _space.Memory.Apply(new() { Kind = SystemCallKind.Lock, Start = TestSpace.At(8), Length = 4096 }).Errno);
        Assert.True(Query(0).Mapped, "mlock makes the page");
        Assert.Equal(Errno.None, Advise(Advice.DontNeed).Errno);
        Assert.False(Query(0).Mapped);
    }

    [Theory]
    [InlineData(4 * Huge, Huge, RemapFlags.MayMove | RemapFlags.Fixed, Errno.None)]
    [InlineData((4 * Huge) + 8, Huge, RemapFlags.MayMove | RemapFlags.Fixed, Errno.InvalidArgument)]
    [InlineData(4 * Huge, 2 * Huge, RemapFlags.MayMove | RemapFlags.Fixed, Errno.InvalidArgument)]
    [InlineData(4 * Huge, Huge, RemapFlags.MayMove | RemapFlags.Fixed | RemapFlags.DontUnmap, Errno.InvalidArgument)]
    public void Remap_OfHugePages_MovesThemWholeAndNeverGrows(ulong target, ulong newPages, RemapFlags flags, Errno expected)
    {
        Map(0, Huge);
        _space.Touch(0, 1, AccessKind.Store);
        PhysAddr frame = Query(0).Frame;
        MmResult result = _space.Memory.Apply(new()
        {
            Kind = SystemCallKind.Remap,
            Start = TestSpace.At(0),
            Length = Huge << 12,
            NewStart = TestSpace.At(target),
            NewLength = newPages << 12,
            RemapFlags = flags,
        });
        Assert.Equal(expected, result.Errno);
        EntryInfo leaf = Query(expected == Errno.None ? target : 0);
        Assert.Equal((PageSize.Size2M, frame), (leaf.Size, leaf.Frame));
    }

    [Fact]
    public void Private_AfterFork_IsCopiedWhole()
    {
        Map(0, Huge);
        _space.Touch(0, 1, AccessKind.Store);
        TestSpace child = _space.Fork(out _);
        FaultResult copy = child.Fault(9, AccessKind.Store);
        Assert.Equal((FaultKind.CopyOnWrite, 1024L), (copy.Kind, _space.Pool.Allocated));
        Assert.Equal((FaultKind.ReuseWrite, PageSize.Size2M), (_space.Fault(3, AccessKind.Store).Kind, Query(3).Size));
        child.Exit();
        _space.Exit();
        Assert.Equal(0, _space.Pool.Allocated);
    }

    [Fact]
    public void Shared_AfterFork_IsOnePageForBoth()
    {
        _space.Ok(Mapping(0, 2 * Huge) with { Shared = true });
        TestSpace child = _space.Fork(out _);
        Assert.Equal(FaultKind.Huge, child.Fault(7, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.Huge, _space.Fault(100, AccessKind.Load).Kind);
        Assert.Equal((512L, Query(0).Frame), (_space.Pool.Allocated, child.Memory.Table.Query(TestSpace.At(0)).Frame));
        _space.Protect(0, 2 * Huge, Protection.Read);
        _space.Protect(0, 2 * Huge, TestSpace.ReadWrite);
        Assert.True((Query(0).Flags & PageFlags.Write) != 0, "shared memory is writable again without a fault");
        child.Exit();
        _space.Exit();
        Assert.Equal(0, _space.Pool.Allocated);
    }

    [Fact]
    public void Touch_WithoutAFreeHugePage_FailsAndChangesNothing()
    {
        TestSpace small = new(poolBytes: 5UL << 20);
        small.Ok(Mapping(0, 4 * Huge));
        Assert.Equal(new() { [FaultKind.Huge] = 2, [FaultKind.OutOfMemory] = 1 }, small.Touch(0, 3 * Huge, AccessKind.Store, Huge));
        Assert.Equal(1024, small.Pool.Allocated);
        small.Exit();
        Assert.Equal(0, small.Pool.Allocated);
    }

    [Fact]
    public void Truncate_WithoutATablePageToSplitWith_ChangesNothing()
    {
        _space.Ok(Mapping(0, Huge) with { Shared = true });
        _space.Touch(0, 1, AccessKind.Store);
        MemoryObject source = _space.Memory.BackingAt(TestSpace.At(0))!.Value.Object!;
        _space.Memory.Table.TablePagesMax = _space.Memory.Table.TablePages;
        MmResult refused = _space.Memory.Truncate(source, 4096);
        Assert.Equal((Errno.NoMemory, MemoryLimit.Frames), (refused.Errno, refused.Limit));
        Assert.Equal((PageSize.Size2M, 512L), (Query(0).Size, _space.Memory.Resident.Mapped));
        Assert.Null(refused.Release);
    }

    private void Map(ulong page, ulong pages) => _space.Ok(Mapping(page, pages));

    private MmResult Advise(Advice advice) => _space.Advise(0, Huge, advice);

    private EntryInfo Query(ulong page) => _space.Memory.Table.Query(TestSpace.At(page));

    private static SystemCall Mapping(ulong page, ulong pages) => new()
    {
        Kind = SystemCallKind.Map,
        Start = TestSpace.At(page),
        Length = pages << 12,
        Protection = TestSpace.ReadWrite,
        MappingFlags = MappingFlags.HugePages,
    };
}
