using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>mremap as its manual page, LTP and the kernel's own tests (tools/testing/selftests/mm) have it.</summary>
public sealed class RemapTests
{
    private const RemapFlags MayMove = RemapFlags.MayMove;
    private const RemapFlags Fixed = RemapFlags.MayMove | RemapFlags.Fixed;

    [Fact]
    public void Remap_WithDontUnmap_LeavesTheOldRangeMappedAndEmpty()
    {
        // selftests/mm/mremap_dontunmap.c: mremap_dontunmap_simple.
        TestSpace space = new();
        space.Map(0, 4);
        space.Touch(0, 2, AccessKind.Store);
        Assert.Equal(2, space.Ok(Remap(0, 2, 1000, 2, MayMove | RemapFlags.DontUnmap)).Dead!.Value.Count);
        Assert.Empty(space.Touch(1000, 2, AccessKind.Store));
        Assert.Equal(new() { [FaultKind.ZeroPage] = 1 }, space.Touch(0, 1, AccessKind.Load));
        Assert.Equal(new() { [FaultKind.Anonymous] = 1 }, space.Touch(1, 1, AccessKind.Store));
        Assert.Equal([4UL << 12, 2UL << 12], space.Memory.Areas.Select(area => area.Range.Size));
    }

    [Fact]
    public void Remap_WithDontUnmapOfSharedMemory_KeepsBothPlaces()
    {
        // selftests/mm/mremap_dontunmap.c: mremap_dontunmap_simple_shmem.
        TestSpace space = new();
        space.MapFile(TestSpace.MemoryFile, 0, 4, shared: true);
        space.Touch(0, 4, AccessKind.Store);
        space.Ok(Remap(0, 4, 1000, 4, MayMove | RemapFlags.DontUnmap));
        Assert.Empty(space.Touch(1000, 4, AccessKind.Store));
        Assert.Equal(FaultKind.File, space.Fault(0, AccessKind.Load).Kind);
        Assert.Equal(space.Memory.Table.Query(TestSpace.At(1000)).Frame, space.Memory.Table.Query(TestSpace.At(0)).Frame);
    }

    [Fact]
    public void Remap_OfOldSizeZero_MapsSharedMemoryAgain()
    {
        // mremap(2): "If the value of old_size is zero, and old_address refers to a shareable mapping", it "will create a new mapping".
        TestSpace space = new();
        space.Map(0, 8, shared: true);
        space.Touch(2, 1, AccessKind.Store);
        Assert.Null(space.Ok(Remap(2, 0, 1000, 4, MayMove)).Dead);
        space.Touch(1000, 1, AccessKind.Load);
        Assert.Equal(space.Memory.Table.Query(TestSpace.At(2)).Frame, space.Memory.Table.Query(TestSpace.At(1000)).Frame);
        space.Map(100, 8);
        Assert.Equal(Errno.InvalidArgument, space.Memory.Apply(Remap(100, 0, 2000, 4, MayMove)).Errno);
    }

    [Fact]
    public void Remap_OfSeveralAreas_MovesThemWithTheHolesBetween()
    {
        // selftests/mm/mremap_test.c: mremap_move_multiple_vmas, mremap_move_multi_invalid_vmas; since 6.17.
        TestSpace space = new();
        space.Map(0, 6);
        space.Protect(1, 1, Protection.Read);
        space.Unmap(3, 1);
        space.Touch(0, 6, AccessKind.Load);
        space.Map(1003, 1);
        space.Touch(1003, 1, AccessKind.Store);
        space.Ok(Remap(0, 6, 1000, 6, Fixed));
        Assert.Equal(
            new() { [FaultKind.SegmentationFault] = 1, [FaultKind.CopyOnWrite] = 4 }, space.Touch(1000, 6, AccessKind.Store));
        Assert.Equal(new() { [FaultKind.SegmentationFault] = 6 }, space.Touch(0, 6, AccessKind.Load));

        Assert.Equal(Errno.BadAddress, space.Memory.Apply(Remap(999, 3, 5000, 3, Fixed)).Errno);
        Assert.Equal(Errno.BadAddress, space.Memory.Apply(Remap(1000, 2, 5000, 3, Fixed)).Errno);
        Assert.Equal(Errno.BadAddress, space.Memory.Apply(Remap(1000, 2, 5000, 2, MayMove)).Errno);
    }

    [Theory]
    [InlineData(0, 4, 2, 4, RemapFlags.MayMove | RemapFlags.Fixed)]
    [InlineData(0, 4, 100, 4, RemapFlags.Fixed)]
    [InlineData(0, 4, 100, 8, RemapFlags.MayMove | RemapFlags.DontUnmap)]
    [InlineData(0, 4, 100, 0, RemapFlags.MayMove)]
    [InlineData(0, 4, 100, 4, RemapFlags.None)]
    [InlineData(0, 4, 100, 4, (RemapFlags)8)]
    public void Remap_WithBadArguments_IsInvalid(ulong page, ulong pages, ulong target, ulong newPages, RemapFlags flags)
    {
        // LTP mremap05 and mremap(2), EINVAL: overlapping ranges, MREMAP_FIXED without MREMAP_MAYMOVE, a new size of 0.
        TestSpace space = new();
        space.Map(0, 4);
        Assert.Equal(Errno.InvalidArgument, space.Memory.Apply(Remap(page, pages, target, newPages, flags)).Errno);
    }

    [Fact]
    public void Remap_OfUnmappedMemory_IsABadAddress()
    {
        // LTP mremap03: EFAULT.
        TestSpace space = new();
        space.Map(0, 4);
        Assert.Equal(Errno.BadAddress, space.Memory.Apply(Remap(50, 4, 100, 8, MayMove)).Errno);
        Assert.Equal(Errno.BadAddress, space.Memory.Apply(Remap(2, 4, 2, 8, RemapFlags.None)).Errno);
    }

    [Fact]
    public void Remap_GrowingWithoutRoom_IsOutOfMemory()
    {
        // LTP mremap02, mremap04 and mremap(2), ENOMEM: no room, and MREMAP_MAYMOVE is not given.
        TestSpace space = new();
        space.Map(0, 4);
        space.MapFile(TestSpace.FileA, 4, 4);
        Assert.Equal(Errno.NoMemory, space.Memory.Apply(Remap(0, 4, 0, 8, RemapFlags.None)).Errno);
    }

    [Fact]
    public void Remap_NearTheLimitOfAreas_IsOutOfMemory()
    {
        // mremap_to: "map_count + 2 >= sysctl_max_map_count - 3" is ENOMEM.
        TestSpace space = new(new VirtualMemoryOptions { MaxAreas = 6 });
        space.Map(0, 1);
        space.Map(2, 1);
        space.Map(4, 1);
        Assert.Equal(Errno.None, space.Memory.Apply(Remap(0, 1, 100, 1, Fixed)).Errno);
        space.Map(6, 1);
        Assert.Equal(Errno.NoMemory, space.Memory.Apply(Remap(2, 1, 200, 1, Fixed)).Errno);
    }

    [Fact]
    public void Remap_OfALockedArea_LocksAndMakesWhatItGrowsBy()
    {
        // mremap(2): a locked range stays locked when it is resized, and its pages are made.
        TestSpace space = new();
        space.Map(0, 4);
        space.Ok(new SystemCall { Kind = SystemCallKind.Lock, Start = TestSpace.At(0), Length = 4 << 12 });
        space.Ok(Remap(0, 4, 1000, 8, MayMove));
        Assert.Equal(8, space.Memory.Resident.Anonymous);
        Assert.Equal(Errno.InvalidArgument, space.Memory.Apply(new SystemCall
        {
            Kind = SystemCallKind.Advise,
            Start = TestSpace.At(1000),
            Length = 4096,
            Advice = Advice.DontNeed,
        }).Errno);
    }

    [Fact]
    public void Remap_Shrinking_UnmapsAcrossAreasAndHoles()
    {
        // mremap.c: "Always allow a shrinking remap: that just unmaps the unnecessary pages".
        TestSpace space = new();
        space.Map(0, 4);
        space.Map(6, 2, Protection.Read);
        space.Ok(Remap(0, 8, 0, 2, RemapFlags.None));
        Assert.Equal(2UL << 12, space.Memory.Areas.Single().Range.Size);
    }

    private static SystemCall Remap(ulong page, ulong pages, ulong newPage, ulong newPages, RemapFlags flags) => new()
    {
        Kind = SystemCallKind.Remap,
        Start = TestSpace.At(page),
        Length = pages << 12,
        NewStart = TestSpace.At(newPage),
        NewLength = newPages << 12,
        RemapFlags = flags,
    };
}
