using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>Threads that touch fresh pages of their own: what locks and transfers do to how they scale.</summary>
public sealed class FaultScalingTests
{
    private const int Pages = 600;
    private const ulong Apart = 16 << 20;

    [Fact]
    public void Run_OneThread_CostsTheSameWithAndWithoutAreaLocks()
    {
        RunReport with = Threads(1, areaLocks: true);
        Assert.Equal(with.Total("cycles"), Threads(1, areaLocks: false).Total("cycles"));
        foreach (LockKind kind in LockKind.All)
        {
            LockCounters counters = SpaceCounters.Of(kind);
            Assert.Equal(0, with.Total(counters.WaitCycles.Info.Name));
            Assert.Equal(0, with.Total(counters.LocalTransfers.Info.Name));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void Run_ThreadsInAreasOfTheirOwn_ScaleBetterWithAreaLocksAndBestAsProcesses(int threads)
    {
        long map = Threads(threads, areaLocks: false).Total("cycles");
        long areas = Threads(threads, areaLocks: true).Total("cycles");
        long processes = Processes(threads).Total("cycles");
        Assert.True(areas < map, $"{areas} cycles with area locks, {map} without");
        Assert.True(processes < areas, $"{processes} cycles as processes, {areas} as threads");
    }

    [Fact]
    public void Run_OneProcessEach_TakesAsLongForManyAsForOne() =>
        Assert.Equal(Processes(1).Total("cycles"), Processes(16).Total("cycles"));

    [Fact]
    public void Run_MoreThreadsUnderTheAddressSpacesLock_FaultNoFasterThanItsLineMoves()
    {
        RunReport report = Threads(16, areaLocks: false);
        long transfers = report.Total("mmapLockLocalTransfers");
        Assert.InRange(report.Total("cycles"), transfers * new MachineSpec().LineTransferCycles, long.MaxValue);
        Assert.Equal(0, report.Total("areaLockAcquisitions"));
        Assert.Equal(report.Total("minorFaults"), report.Total("mmapLockAcquisitions"));
    }

    [Fact]
    public void Run_SpreadPlacement_MovesLinesBetweenSocketsAndTakesLonger()
    {
        RunReport packed = Threads(4, areaLocks: false, "packed", sockets: 2);
        RunReport spread = Threads(4, areaLocks: false, "spread", sockets: 2);
        Assert.Equal(0, packed.Total("mmapLockRemoteTransfers"));
        Assert.True(packed.Total("mmapLockLocalTransfers") > 0);
        Assert.True(spread.Total("mmapLockRemoteTransfers") > spread.Total("mmapLockLocalTransfers"));
        Assert.True(spread.Total("cycles") > packed.Total("cycles"));
    }

    [Fact]
    public void Run_BatchesOfPages_TakeThePoolsLocksOnceABatch()
    {
        KernelProfile kernel = new();
        RunReport report = Threads(1, areaLocks: true);
        Assert.Equal(Pages, report.Total("areaLockAcquisitions"));
        Assert.Equal(Pages, report.Total("pageTableLockAcquisitions"));
        Assert.Equal(Pages / kernel.LruBatch, report.Total("lruLockAcquisitions"));
        Assert.InRange(report.Total("zoneLockAcquisitions"), Pages / kernel.FreePageBatch, (Pages / kernel.FreePageBatch) + 1);
    }

    [Fact]
    public void Run_AnyProgram_CountersAddUp()
    {
        RunReport report = Threads(8, areaLocks: true, unmaps: true);
        foreach (LockKind kind in LockKind.All)
        {
            LockCounters counters = SpaceCounters.Of(kind);
            long acquisitions = report.Total(counters.Acquisitions.Info.Name);
            Assert.InRange(report.Total(counters.Waits.Info.Name), 0, acquisitions);
            Assert.InRange(
                report.Total(counters.LocalTransfers.Info.Name) + report.Total(counters.RemoteTransfers.Info.Name), 0, 2 * acquisitions);
        }

        Assert.Equal(report.Total("shootdowns"), report.Total("generationLineAcquisitions"));
        Assert.True(report.Total("coreMaskLineAcquisitions") >= report.Total("shootdowns") + 8, "each of the 8 cores joins the set");
        Assert.Equal(report.Total("unmapOperations"), report.Total("mmapLockAcquisitions"));
        Assert.Equal(report.Total("lockWaits"), report.Total("mmapLockWaits"));
    }

    [Fact]
    public void Run_UnmapOfManyPages_CostsOnOneCoreWhatTheProfileSays()
    {
        KernelProfile kernel = new();
        RunReport touched = Threads(1, areaLocks: true);
        RunReport unmapped = Threads(1, areaLocks: true, unmaps: true);
        long own = kernel.UnmapCycles + (Pages * kernel.ZapPageCycles);
        Assert.InRange(unmapped.Total("cycles") - touched.Total("cycles"), own, own + 10_000);
    }

    private static RunReport Threads(int threads, bool areaLocks, string placement = "packed", int sockets = 1, bool unmaps = false) =>
        TestWorlds.RunThreads(new ScenarioSpec
        {
            Name = "faults",
            Machine = new MachineSpec { Cores = 16, Sockets = sockets },
            Kernel = new KernelProfile { PerVmaLocks = areaLocks },
            Threads = new ThreadsSpec { Placement = placement },
            Shootdown = new ShootdownSpec { Protocol = "linux" },
            Processes = [new ProcessSpec { Name = "p", Program = _ => Image(threads, unmaps) }],
        });

    private static RunReport Processes(int count) => TestWorlds.RunThreads(new ScenarioSpec
    {
        Name = "faults",
        Machine = new MachineSpec { Cores = 16 },
        Shootdown = new ShootdownSpec { Protocol = "linux" },
        Processes = [new ProcessSpec { Name = "p", Program = _ => Image(1, unmaps: false), Count = count }],
    });

    private static ProgramImage Image(int threads, bool unmaps) => new()
    {
        Name = "p",
        InitialMappings = [.. Enumerable.Range(0, threads).Select(Area)],
        Threads = [.. Enumerable.Range(0, threads).Select(number => Thread(number, unmaps))],
    };

    private static SystemCall Area(int number) => new()
    {
        Kind = SystemCallKind.Map,
        Start = new VirtAddr(StartOf(number)),
        Length = Pages << 12,
        Protection = Protection.Read | Protection.Write,
        Name = "area",
    };

    private static ThreadProgram Thread(int number, bool unmaps)
    {
        ThreadBuilder thread = new ThreadBuilder($"t{number}").Touch(StartOf(number), Pages);
        return (unmaps ? thread.Unmap(StartOf(number), Pages) : thread).Build();
    }

    private static ulong StartOf(int number) => TestWorlds.Base + ((ulong)number * Apart);
}
