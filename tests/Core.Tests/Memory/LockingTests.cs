using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>mlock and its relatives, mseal, mincore, msync, remap_file_pages, shmdt and flags of mmap, by manual pages and LTP.</summary>
public sealed class LockingTests
{
    private const int Segment = 0;

    [Fact]
    public void Lock_MakesThePagesAndKeepsThemFromAdvice()
    {
        // mlock(2): "All pages that contain a part of the specified address range are guaranteed to be resident in RAM".
        TestSpace space = new();
        space.Map(0, 4);
        space.Map(10, 4, Protection.Read);
        MmResult result = space.Ok(Call(SystemCallKind.Lock, 0, 4) with { Start = TestSpace.At(0) + 100, Length = (3 << 12) + 1 });
        Assert.Equal((4L, 4L), (result.PagesPopulated, space.Memory.Resident.Anonymous));
        space.Ok(Call(SystemCallKind.Lock, 10, 4));
        Assert.Equal(4, space.Memory.Resident.Zero);
        foreach (Advice advice in (Advice[])[Advice.DontNeed, Advice.Free, Advice.Cold, Advice.PageOut, Advice.GuardInstall, Advice.Remove])
        {
            Assert.Equal(Errno.InvalidArgument, Apply(space, Call(SystemCallKind.Advise, 0, 4) with { Advice = advice }).Errno);
        }

        Assert.Equal(4, space.Advise(0, 4, Advice.DontNeedLocked).PagesZapped);
        space.Ok(Call(SystemCallKind.Unlock, 0, 4));
        space.Advise(0, 4, Advice.DontNeed);
    }

    [Fact]
    public void Lock_OnFault_MakesNothing()
    {
        // LTP mlock201 and mlock2(2): MLOCK_ONFAULT locks pages when they come.
        TestSpace space = new();
        space.Map(0, 4);
        Assert.Equal(0, space.Ok(Call(SystemCallKind.Lock, 0, 4) with { Locking = Locking.OnFault }).PagesPopulated);
        Assert.Equal(Errno.InvalidArgument, Apply(space, Call(SystemCallKind.Advise, 0, 4) with { Advice = Advice.DontNeed }).Errno);
    }

    [Fact]
    public void Lock_OverAHole_IsOutOfMemoryAndLocksWhatStandsBefore()
    {
        // LTP mlock02, mlock202 and mlock(2): ENOMEM if "some of the specified address range does not correspond to mapped pages".
        TestSpace space = new();
        space.Map(0, 2);
        space.Map(3, 2);
        MmResult result = Apply(space, Call(SystemCallKind.Lock, 0, 5));
        Assert.Equal((null, Errno.NoMemory, 0L), (result.Error, result.Errno, result.PagesPopulated));
        Assert.Equal(Errno.InvalidArgument, Apply(space, Call(SystemCallKind.Advise, 0, 2) with { Advice = Advice.DontNeed }).Errno);
        Assert.Equal(Errno.None, Apply(space, Call(SystemCallKind.Advise, 3, 2) with { Advice = Advice.DontNeed }).Errno);
        Assert.NotNull(Apply(space, Call(SystemCallKind.Unlock, 20, 1)).Error);
    }

    [Fact]
    public void Lock_OfMemoryWithoutRights_IsOutOfMemory()
    {
        TestSpace space = new();
        space.Map(0, 2, Protection.None);
        Assert.Equal(Errno.NoMemory, Apply(space, Call(SystemCallKind.Lock, 0, 2)).Errno); // __mlock_posix_error_return
    }

    [Fact]
    public void LockAll_CurrentAndFuture_AsTheManualHasThem()
    {
        // LTP mlockall01, mlockall03 and mlockall(2); EINVAL for no flag, and for MCL_ONFAULT alone.
        TestSpace space = new();
        space.Map(0, 4);
        Assert.Equal(4, space.Ok(All(Locking.Current)).PagesPopulated);
        Assert.Equal(0, space.Map(10, 4).PagesPopulated);
        space.Ok(All(Locking.Future));
        Assert.Equal(4, space.Map(20, 4).PagesPopulated);
        space.Memory.SetInitialBreak(TestSpace.At(100));
        Assert.Equal(2, space.Ok(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(102) }).PagesPopulated);
        space.Ok(All(Locking.Future | Locking.OnFault));
        Assert.Equal(0, space.Map(30, 4).PagesPopulated);
        space.Ok(new SystemCall { Kind = SystemCallKind.UnlockAll });
        Assert.Equal(0, space.Map(40, 4).PagesPopulated);
        space.Advise(0, 4, Advice.DontNeed);
        Assert.Equal(Errno.InvalidArgument, Apply(space, All(Locking.None)).Errno);
        Assert.Equal(Errno.InvalidArgument, Apply(space, All(Locking.OnFault)).Errno);
    }

    [Fact]
    public void Fork_InheritsNoLocks()
    {
        // mlock(2): "Memory locks are not inherited by a child created via fork(2)".
        TestSpace space = new();
        space.Map(0, 4);
        space.Ok(All(Locking.Current | Locking.Future));
        TestSpace child = space.Fork(out _);
        child.Advise(0, 4, Advice.DontNeed);
        Assert.Equal(0, child.Map(10, 4).PagesPopulated);
    }

    [Fact]
    public void Map_Locked_MakesThePages()
    {
        TestSpace space = new();
        MmResult result = space.Ok(Map(0, 4) with { MappingFlags = MappingFlags.Locked });
        Assert.Equal(4, result.PagesPopulated);
        Assert.Equal(Errno.InvalidArgument, Apply(space, Call(SystemCallKind.Advise, 0, 4) with { Advice = Advice.Free }).Errno);
        result = space.Ok(Map(10, 4) with { Populate = true, MappingFlags = MappingFlags.NonBlocking });
        Assert.Equal(0, result.PagesPopulated); // mmap(2): MAP_NONBLOCK "causes MAP_POPULATE to do nothing"
    }

    [Fact]
    public void Map_FixedNoReplace_FailsWhereSomethingIs()
    {
        // selftests/mm/map_fixed_noreplace.c: EEXIST for any overlap.
        TestSpace space = new();
        space.Map(1, 3);
        foreach ((ulong page, ulong pages) in ((ulong, ulong)[])[(0, 5), (1, 3), (2, 1), (0, 2), (3, 2)])
        {
            Assert.Equal(Errno.AlreadyExists, Apply(space, Map(page, pages) with { MappingFlags = MappingFlags.FixedNoReplace }).Errno);
        }

        space.Ok(Map(4, 1) with { MappingFlags = MappingFlags.FixedNoReplace });
    }

    [Fact]
    public void Map_GrowsDown_GrowsByFaultsToTheGapAndTheLimit()
    {
        // LTP mmap18: a MAP_GROWSDOWN mapping grows on a touch below it, and not within 256 pages of the mapping below.
        TestSpace space = new(new VirtualMemoryOptions { StackLimitBytes = 600 << 12 });
        space.Ok(Map(1000, 2) with { MappingFlags = MappingFlags.GrowsDown });
        Assert.Equal(FaultKind.Anonymous, space.Fault(990, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.Anonymous, space.Fault(402, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(401, AccessKind.Store).Kind);

        space.Ok(Map(3000, 2) with { MappingFlags = MappingFlags.GrowsDown });
        space.Map(2700, 1);
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(2956, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.Anonymous, space.Fault(2957, AccessKind.Store).Kind);
        Assert.Equal(
            Errno.InvalidArgument, Apply(space, Map(5000, 2) with { Shared = true, MappingFlags = MappingFlags.GrowsDown }).Errno);
    }

    [Fact]
    public void Seal_ForbidsWhatTheManualLists()
    {
        // mseal(2) and selftests/mm/mseal_test.c: munmap, mremap, mmap over, mprotect and discarding advice on read-only memory are EPERM.
        TestSpace space = new();
        space.Map(0, 8);
        space.Touch(0, 8, AccessKind.Store);
        space.Protect(4, 2, Protection.Read);
        space.Ok(Call(SystemCallKind.Seal, 2, 4));
        SystemCall remap = Call(SystemCallKind.Remap, 2, 2) with
        {
            NewStart = TestSpace.At(100),
            NewLength = 2 << 12,
            RemapFlags = RemapFlags.MayMove | RemapFlags.Fixed,
        };
        SystemCall[] forbidden =
        [
            Call(SystemCallKind.Unmap, 1, 3),
            Map(3, 1),
            remap,
            remap with { Start = TestSpace.At(0), NewStart = TestSpace.At(3) },
            Call(SystemCallKind.Protect, 2, 1) with { Protection = Protection.Read },
            Call(SystemCallKind.Advise, 4, 1) with { Advice = Advice.DontNeed },
        ];
        foreach (SystemCall call in forbidden)
        {
            MmResult result = Apply(space, call);
            Assert.Equal(Errno.PermissionDenied, result.Errno);
            Assert.NotNull(result.Error);
        }

        Assert.Equal(1, space.Advise(2, 1, Advice.DontNeed).PagesZapped);
        MmResult partial = Apply(space, Call(SystemCallKind.Protect, 0, 4) with { Protection = Protection.Read });
        Assert.Equal((null, Errno.PermissionDenied, 2L), (partial.Error, partial.Errno, partial.PagesProtected));
        Assert.Equal(Errno.NoMemory, Apply(space, Call(SystemCallKind.Seal, 6, 4)).Errno);
        TestSpace child = space.Fork(out _);
        Assert.Equal(Errno.PermissionDenied, Apply(child, Call(SystemCallKind.Unmap, 2, 1)).Errno);
    }

    [Fact]
    public void Mincore_CountsWhatIsInMemory()
    {
        // LTP mincore01 (EINVAL, ENOMEM), mincore02 (touched file pages), mincore03 (untouched and locked anonymous pages).
        TestSpace space = new();
        space.Map(0, 8);
        Assert.Equal(0, space.Ok(Call(SystemCallKind.QueryResident, 0, 8)).PagesResident);
        space.Ok(Call(SystemCallKind.Lock, 0, 5));
        Assert.Equal(5, space.Ok(Call(SystemCallKind.QueryResident, 0, 8)).PagesResident);
        space.MapFile(TestSpace.FileA, 20, 8);
        space.Fault(20, AccessKind.Load);
        Assert.Equal(8, space.Ok(Call(SystemCallKind.QueryResident, 20, 8)).PagesResident);
        Assert.Equal(Errno.NoMemory, Apply(space, Call(SystemCallKind.QueryResident, 6, 4)).Errno);
        SystemCall unaligned = Call(SystemCallKind.QueryResident, 0, 1) with { Start = TestSpace.At(0) + 1 };
        Assert.Equal(Errno.InvalidArgument, Apply(space, unaligned).Errno);
    }

    [Fact]
    public void Sync_AsTheManualHasIt()
    {
        // LTP msync03: EBUSY for MS_INVALIDATE on locked memory, EINVAL for MS_ASYNC with MS_SYNC, ENOMEM for unmapped memory.
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 0, 4, shared: true);
        space.Touch(0, 4, AccessKind.Store);
        SystemCall sync = Call(SystemCallKind.Sync, 0, 4);
        Assert.Equal(0, space.Ok(sync with { SyncFlags = SyncFlags.Asynchronous }).PagesWrittenBack);
        MmResult hole = Apply(space, Call(SystemCallKind.Sync, 0, 6));
        Assert.Equal((null, Errno.NoMemory, 4L), (hole.Error, hole.Errno, hole.PagesWrittenBack));
        Assert.Equal(
            Errno.InvalidArgument, Apply(space, sync with { SyncFlags = SyncFlags.Asynchronous | SyncFlags.Synchronous }).Errno);
        space.Ok(Call(SystemCallKind.Lock, 1, 1));
        Assert.Equal(Errno.Busy, Apply(space, sync with { SyncFlags = SyncFlags.Synchronous | SyncFlags.Invalidate }).Errno);
    }

    [Fact]
    public void RemapFilePages_MapsOtherPagesOfTheFileAndMakesThem()
    {
        // LTP remap_file_pages01 (any order of pages), remap_file_pages02 (EINVAL: private memory, a range beyond the mapping).
        TestSpace space = new();
        space.MapFile(TestSpace.MemoryFile, 0, 8, shared: true);
        space.Touch(0, 8, AccessKind.Store);
        SystemCall call = Call(SystemCallKind.RemapFilePages, 0, 2) with { Offset = 4 << 12 };
        Assert.Equal(2, space.Ok(call).PagesPopulated);
        Assert.Equal(space.Memory.Table.Query(TestSpace.At(4)).Frame, space.Memory.Table.Query(TestSpace.At(0)).Frame);
        Assert.Equal(0, space.Ok(call with { Offset = 5 << 12, MappingFlags = MappingFlags.NonBlocking }).PagesPopulated);
        Assert.Equal(Errno.InvalidArgument, Apply(space, Call(SystemCallKind.RemapFilePages, 6, 4)).Errno);
        space.Map(100, 4);
        Assert.Equal(Errno.InvalidArgument, Apply(space, Call(SystemCallKind.RemapFilePages, 100, 1)).Errno);
    }

    [Fact]
    public void Detach_UnmapsEveryPartOfTheSegment()
    {
        // shmdt(2), LTP shmdt02: EINVAL where nothing is attached; ksys_shmdt takes the pieces that are left.
        FramePool pool = new(1 << 24);
        ProgramFile segment = new("/SYSV00000000", 8 << 12);
        VirtualMemory memory = new(
            new PageTable(PageTableFormats.X64), pool, new PageCache(pool), new VirtualMemoryOptions(), [segment]);
        TestSpace space = new(memory);
        foreach (ulong page in (ulong[])[0, 100])
        {
            space.Ok(Map(page, 8) with { Source = MappingSource.File, FileId = Segment, Shared = true });
        }

        space.Touch(0, 8, AccessKind.Store);
        space.Touch(100, 8, AccessKind.Load);
        space.Protect(2, 1, Protection.Read);
        space.Unmap(5, 1);
        Assert.Equal(Errno.InvalidArgument, Apply(space, Call(SystemCallKind.Detach, 2, 0)).Errno);
        Assert.Equal(7, space.Ok(Call(SystemCallKind.Detach, 0, 0)).PagesZapped);
        Assert.Equal((1, 8L), (space.Memory.AreaCount, space.Memory.Resident.SharedMemory));
        Assert.Equal(Errno.InvalidArgument, Apply(space, Call(SystemCallKind.Detach, 0, 0)).Errno);
    }

    [Fact]
    public void SetBreak_StopsAPageBelowTheNextMapping()
    {
        // brk, mm/mmap.c: find_vma_intersection(mm, oldbrk, newbrk + PAGE_SIZE), and the gap of a stack above.
        TestSpace space = new();
        space.Memory.SetInitialBreak(TestSpace.At(0));
        space.Map(10, 1);
        Assert.Equal(Errno.NoMemory, Apply(space, new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(10) }).Errno);
        space.Ok(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(9) });
        space.Unmap(10, 1);
        space.Ok(Map(400, 1) with { MappingFlags = MappingFlags.GrowsDown });
        Assert.Equal(Errno.NoMemory, Apply(space, new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(144) }).Errno);
        space.Ok(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(143) });
    }

    private static SystemCall All(Locking locking) => new() { Kind = SystemCallKind.LockAll, Locking = locking };

    private static SystemCall Call(SystemCallKind kind, ulong page, ulong pages) =>
        new() { Kind = kind, Start = TestSpace.At(page), Length = pages << 12 };

    private static SystemCall Map(ulong page, ulong pages) =>
        Call(SystemCallKind.Map, page, pages) with { Protection = TestSpace.ReadWrite };

    private static MmResult Apply(TestSpace space, SystemCall call)
    {
        MmResult result = space.Memory.Apply(call);
        if (result.Release is { } release)
        {
            space.Memory.Release(release);
        }

        return result;
    }
}
