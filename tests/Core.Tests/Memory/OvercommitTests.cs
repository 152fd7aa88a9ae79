using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Statistics;

namespace VmSim.Core.Tests.Memory;

/// <summary>Promised memory: what Linux 6.18 refuses by vm.overcommit_memory 0, 1 and 2 (__vm_enough_memory, mm/util.c).</summary>
public sealed class OvercommitTests
{
    private const ulong PoolPages = 1_000;
    private const ulong LimitPages = 500;
    private const Protection ReadWrite = Protection.Read | Protection.Write;

    [Theory]
    [InlineData(PoolPages, ReadWrite, MappingFlags.None, false, true)]
    [InlineData(PoolPages + 1, ReadWrite, MappingFlags.None, false, false)]
    [InlineData(PoolPages + 1, ReadWrite, MappingFlags.None, true, false)]
    [InlineData(PoolPages + 1, ReadWrite, MappingFlags.NoReserve, false, true)]
    [InlineData(PoolPages + 1, Protection.Read, MappingFlags.None, false, true)]
    [InlineData(PoolPages * 1_000, Protection.None, MappingFlags.None, false, true)]
    public void Map_Heuristic_RefusesWhatIsMoreThanAllMemory(
        ulong pages, Protection rights, MappingFlags flags, bool shared, bool succeeds)
    {
        TestSpace space = Space(Overcommit.Heuristic);
        Expect(succeeds, space.Memory.Apply(Mapping(0, pages, rights, flags, shared)));
    }

    [Fact]
    public void Protect_Heuristic_CountsWhatBecomesWritable()
    {
        TestSpace space = Space(Overcommit.Heuristic);
        space.Ok(Mapping(0, PoolPages + 1, Protection.Read));
        Expect(false, space.Memory.Apply(Protecting(0, PoolPages + 1, ReadWrite)));
        Expect(true, space.Memory.Apply(Protecting(0, PoolPages, ReadWrite)));
        space.Ok(Mapping(2 * PoolPages, PoolPages + 1, Protection.None, MappingFlags.NoReserve));
        Expect(true, space.Memory.Apply(Protecting(2 * PoolPages, PoolPages + 1, ReadWrite)));
    }

    [Fact]
    public void Calls_Always_ArePromisedAnything()
    {
        TestSpace space = Space(Overcommit.Always);
        Expect(true, space.Memory.Apply(Mapping(0, PoolPages * 100, ReadWrite)));
        Expect(true, space.Memory.Apply(Mapping(PoolPages * 200, PoolPages * 100, ReadWrite)));
    }

    [Fact]
    public void Calls_Never_CountTogether()
    {
        TestSpace space = Space(Overcommit.Never);
        Expect(false, space.Memory.Apply(Mapping(0, LimitPages, ReadWrite)));
        Expect(true, space.Memory.Apply(Mapping(0, LimitPages - 1, ReadWrite)));
        Expect(false, space.Memory.Apply(Mapping(1_000, 1, ReadWrite)));
        Expect(false, space.Memory.Apply(Mapping(1_000, 1, ReadWrite, MappingFlags.NoReserve)));
        Expect(true, space.Memory.Apply(Mapping(1_000, 900, Protection.Read)));
        Expect(true, space.Memory.Apply(Mapping(0, LimitPages - 1, ReadWrite)));
        space.Unmap(100, 100);
        Assert.Equal(399, space.Pool.Promised);
        Expect(true, space.Memory.Apply(Protecting(1_000, 50, ReadWrite)));
        Expect(true, space.Memory.Apply(Protecting(1_000, 50, Protection.Read)));
        Assert.Equal(449, space.Pool.Promised);
        Expect(true, space.Memory.Apply(Protecting(1_000, 50, ReadWrite)));
        Expect(false, space.Memory.Apply(Protecting(1_000, 101, ReadWrite)));
        Assert.Equal(449, space.Pool.Promised);
        space.Exit();
        Assert.Equal(0, space.Pool.Promised);
    }

    [Fact]
    public void Remap_Never_CountsWhatGrowsOrStaysToo()
    {
        TestSpace space = Space(Overcommit.Never);
        space.Ok(Mapping(0, 200, ReadWrite));
        Expect(false, space.Memory.Apply(Remapping(0, 200, 0, 500)));
        Expect(true, space.Memory.Apply(Remapping(0, 200, 0, 210)));
        Assert.Equal(210, space.Pool.Promised);
        Expect(true, space.Memory.Apply(Remapping(0, 210, 1_000, 210, RemapFlags.DontUnmap)));
        Assert.Equal(420, space.Pool.Promised);
        Expect(false, space.Memory.Apply(Remapping(1_000, 210, 2_000, 210, RemapFlags.DontUnmap)));
        Expect(true, space.Memory.Apply(Remapping(1_000, 210, 2_000, 100)));
        Assert.Equal(310, space.Pool.Promised);
    }

    [Fact]
    public void Break_Never_IsRefusedWithoutMoving()
    {
        TestSpace space = Space(Overcommit.Never);
        space.Memory.SetInitialBreak(TestSpace.At(0));
        MmResult refused = space.Memory.Apply(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(LimitPages) });
        Assert.Equal((Errno.NoMemory, MemoryLimit.Promises, TestSpace.At(0)), (refused.Errno, refused.Limit, space.Memory.Break));
        space.Ok(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(300) });
        Assert.Equal(300, space.Pool.Promised);
        space.Ok(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(10) });
        Assert.Equal(10, space.Pool.Promised);
    }

    [Fact]
    public void Fork_Never_PromisesTheChildAsMuch()
    {
        TestSpace space = Space(Overcommit.Never);
        space.Ok(Mapping(0, 200, ReadWrite));
        space.Ok(Mapping(1_000, 40, ReadWrite, shared: true));
        TestSpace child = space.Fork(out _);
        Assert.Equal(440, space.Pool.Promised);
        Assert.Null(space.Memory.Fork(new PageTable(PageTableFormats.X64), space.Pool, out MmResult effect));
        Assert.Equal((Errno.NoMemory, MemoryLimit.Promises, 440L), (effect.Errno, effect.Limit, space.Pool.Promised));
        child.Exit();
        Assert.Equal(240, space.Pool.Promised);
    }

    [Fact]
    public void InitialMapping_Never_CountsAndIsNeverTooMuch()
    {
        TestSpace space = Space(Overcommit.Never);
        Assert.Null(space.Memory.ApplyInitial(Mapping(0, 2 * PoolPages, ReadWrite)).Error);
        Assert.Equal((long)(2 * PoolPages), space.Pool.Promised);
        Expect(false, space.Memory.Apply(Mapping(5_000, 1, ReadWrite)));
    }

    [Fact]
    public void SharedMemory_Never_CountsOnceUntilNobodyMapsIt()
    {
        TestSpace space = Space(Overcommit.Never);
        space.Ok(Mapping(0, 40, ReadWrite, shared: true));
        space.Ok(Remapping(0, 40, 0, 50));
        space.Ok(Remapping(0, 0, 1_000, 40));
        space.Ok(Remapping(1_000, 40, 2_000, 40, RemapFlags.DontUnmap));
        TestSpace child = space.Fork(out _);
        space.Unmap(0, 50);
        space.Unmap(1_000, 40);
        Assert.Equal(40, space.Pool.Promised);
        space.Exit();
        Assert.Equal(40, space.Pool.Promised);
        child.Exit();
        Assert.Equal(0, space.Pool.Promised);
    }

    [Fact]
    public void Stack_Never_GrowsAsFarAsMemoryIsPromised()
    {
        TestSpace space = Space(Overcommit.Never);
        space.Ok(Mapping(2_000, 10, ReadWrite, MappingFlags.GrowsDown));
        Assert.True(space.Fault(1_900, AccessKind.Store).Succeeded);
        Assert.Equal(110, space.Pool.Promised);
        FaultResult refused = space.Fault(1_500, AccessKind.Store);
        Assert.Equal((false, MemoryLimit.Promises, 110L), (refused.Succeeded, refused.Limit, space.Pool.Promised));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Calls_NeverAtRandom_CountWhatAreasSay(ulong seed)
    {
        SeededRandom random = new(seed);
        TestSpace parent = Space(Overcommit.Never);
        List<TestSpace> spaces = [parent];
        for (int step = 0; step < 3_000; step++)
        {
            TestSpace space = spaces[(int)random.Below((ulong)spaces.Count)];
            ulong page = random.Below(400);
            ulong pages = 1 + random.Below(60);
            switch (random.Below(8))
            {
                case 0 when spaces.Count < 4:
                    if (space.Memory.Fork(new PageTable(PageTableFormats.X64), space.Pool, out _) is { } child)
                    {
                        spaces.Add(new TestSpace(child));
                    }

                    break;
                case 1 when spaces.Count > 1:
                    space.Exit();
                    spaces.Remove(space);
                    break;
                case 2 or 3:
                    MappingFlags flags = random.Below(4) == 0 ? MappingFlags.NoReserve : MappingFlags.None;
                    Apply(space, Mapping(page, pages, RightsOf(random), flags));
                    break;
                case 4:
                    Apply(space, new SystemCall { Kind = SystemCallKind.Unmap, Start = TestSpace.At(page), Length = pages << 12 });
                    break;
                case 5:
                    Apply(space, Protecting(page, pages, RightsOf(random)));
                    break;
                case 6:
                    RemapFlags how = random.Below(3) == 0 ? RemapFlags.DontUnmap : RemapFlags.None;
                    ulong longer = how == RemapFlags.None ? 1 + random.Below(60) : pages;
                    Apply(space, Remapping(page, pages, random.Below(2) == 0 ? page : random.Below(400), longer, how));
                    break;
                default:
                    Apply(space, new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(5_000 + random.Below(200)) });
                    break;
            }

            long counted = spaces.Sum(each => each.Memory.Areas.Sum(
                area => (area.Flags & AreaFlags.Promised) != 0 ? (long)(area.Range.Size >> PageSizes.BaseShift) : 0));
            Assert.True(counted == parent.Pool.Promised, $"seed {seed}, step {step}: {counted} pages counted, {parent.Pool.Promised} said");
            Assert.True(counted < (long)LimitPages, $"seed {seed}, step {step}: {counted} pages are promised");
        }
    }

    private static Protection RightsOf(SeededRandom random) => (Protection)random.Below(4);

    private static void Apply(TestSpace space, SystemCall call)
    {
        MmResult result = space.Memory.Apply(call);
        if (result.Release is { } batch)
        {
            space.Memory.Release(batch);
        }
    }

    private static void Expect(bool succeeds, MmResult result)
    {
        Assert.Equal(succeeds ? (Errno.None, MemoryLimit.None) : (Errno.NoMemory, MemoryLimit.Promises), (result.Errno, result.Limit));
        Assert.Equal(succeeds, result.Error is null);
    }

    private static TestSpace Space(Overcommit overcommit)
    {
        TestSpace space = new(new VirtualMemoryOptions { Overcommit = overcommit }, PoolPages << PageSizes.BaseShift);
        space.Memory.SetInitialBreak(TestSpace.At(5_000));
        return space;
    }

    private static SystemCall Mapping(
        ulong page, ulong pages, Protection rights, MappingFlags flags = MappingFlags.None, bool shared = false) => new()
        {
            Kind = SystemCallKind.Map,
            Start = TestSpace.At(page),
            Length = pages << PageSizes.BaseShift,
            Protection = rights,
            MappingFlags = flags,
            Shared = shared,
        };

    private static SystemCall Protecting(ulong page, ulong pages, Protection rights) => new()
    {
        Kind = SystemCallKind.Protect,
        Start = TestSpace.At(page),
        Length = pages << PageSizes.BaseShift,
        Protection = rights,
    };

    private static SystemCall Remapping(ulong page, ulong pages, ulong target, ulong newPages, RemapFlags flags = RemapFlags.None) => new()
    {
        Kind = SystemCallKind.Remap,
        Start = TestSpace.At(page),
        Length = pages << PageSizes.BaseShift,
        NewStart = TestSpace.At(target),
        NewLength = newPages << PageSizes.BaseShift,
        RemapFlags = flags | (target == page ? RemapFlags.None : RemapFlags.MayMove),
    };
}
