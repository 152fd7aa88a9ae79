using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Machine;

namespace VmSim.Core.Tests.Kernel.Locks;

public sealed class MapLockTests : IRwsemSignals
{
    private readonly List<string> _told = [];

    /// <summary>The area that writers lock; null if it is their pages alone.</summary>
    private AddrRange<VirtAddr>? _area;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryEnter_Readers_Share(bool areaLocks)
    {
        MapLock map = Make(areaLocks);
        Assert.True(map.TryEnter(Call(0, 10, writes: false), 0));
        Assert.True(map.TryEnter(Call(0, 10, writes: false), 0));
        Assert.True(map.TryEnter(Fault(5), 0));
        Assert.True(map.TryEnter(Fault(5), 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryEnter_Writer_ExcludesCallsAnywhereAndFaultsOnItsPages(bool areaLocks)
    {
        MapLock map = Make(areaLocks);
        Assert.True(map.TryEnter(Call(0, 10, writes: true), 0));
        Assert.False(map.TryEnter(Fault(5), 0));
        Assert.False(map.TryEnter(Call(20, 30, writes: false), 0));
        Assert.False(map.TryEnter(Call(20, 30, writes: true), 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryEnter_FaultBesideAWriter_EntersOnlyUnderAreaLocks(bool areaLocks)
    {
        MapLock map = Make(areaLocks);
        map.TryEnter(Call(0, 10, writes: true), 0);
        Assert.Equal(areaLocks, map.TryEnter(Fault(50), 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryEnter_WriterBesideAFault_WaitsWithoutAreaLocks(bool areaLocks)
    {
        MapLock map = Make(areaLocks);
        map.TryEnter(Fault(50), 0);
        Assert.Equal(areaLocks, map.TryEnter(Call(0, 10, writes: true), 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryEnter_WriterBesideASleepingFault_WaitsOnlyForItsPages(bool areaLocks)
    {
        MapLock map = Make(areaLocks);
        KernelOperation fault = Fault(50);
        KernelOperation elsewhere = Call(0, 10, writes: true);
        KernelOperation there = Call(45, 60, writes: true);
        map.TryEnter(fault, 0);
        map.GiveBack(fault, 1);
        Assert.True(map.TryEnter(elsewhere, 2));
        map.Leave(elsewhere, 3);
        Assert.False(map.TryEnter(there, 4));
        Assert.Same(fault, map.BlockerOf(there));
        Assert.Empty(_told);
        map.Leave(fault, 5);
        Assert.Equal(["45 takes"], _told);
        Assert.Null(map.BlockerOf(there));
    }

    /// <summary>A writer has mmap_lock and waits for a fault: no other fault on its pages comes before it.</summary>
    [Fact]
    public void TryEnter_FaultBehindAWriterThatWaitsForItsPages_TakesMmapLock()
    {
        MapLock map = Make(areaLocks: true);
        KernelOperation first = Fault(5);
        KernelOperation writer = Call(0, 10, writes: true);
        KernelOperation second = Fault(6);
        map.TryEnter(first, 0);
        Assert.False(map.TryEnter(writer, 1));
        Assert.False(map.TryEnter(second, 2));
        Assert.True(second.HasMapLock);
        map.Leave(first, 3);
        map.Leave(writer, 4);
        Assert.Equal(["6 sleeps", "0 takes", "6 wakes"], _told);
        Assert.True(map.Resume(second, 5));
        Assert.False(map.TryEnter(Call(90, 91, writes: true), 6));
    }

    [Fact]
    public void Downgrade_OfAWriter_LetsReadersAndFaultsIn()
    {
        MapLock map = Make(areaLocks: true);
        KernelOperation writer = Call(0, 10, writes: true);
        KernelOperation reader = Call(5, 6, writes: false);
        map.TryEnter(writer, 0);
        Assert.False(map.TryEnter(reader, 1));
        map.Downgrade(writer, 2);
        Assert.True(map.Resume(reader, 3));
        Assert.True(map.TryEnter(Fault(5), 4));
        Assert.False(map.TryEnter(Call(20, 21, writes: true), 5));
    }

    /// <summary>What a call gives up is kept until no core can reach it, longer than the call lasts.</summary>
    [Fact]
    public void Downgrade_OfAWriterThatHasEnded_TakesNothing()
    {
        MapLock map = Make(areaLocks: true);
        KernelOperation writer = Call(0, 10, writes: true);
        map.TryEnter(writer, 0);
        map.Leave(writer, 1);
        map.Downgrade(writer, 2);
        Assert.True(map.TryEnter(Call(0, 10, writes: true), 3));
    }

    /// <summary>A writer locks its area whole: faults elsewhere in it wait, those of other areas do not.</summary>
    [Fact]
    public void TryEnter_FaultInTheAreaOfAWriter_TakesMmapLock()
    {
        MapLock map = Make(areaLocks: true);
        _area = AddrRange.Of(VirtAddr.OfPage(0), 40 << 12);
        KernelOperation writer = Call(0, 10, writes: true);
        KernelOperation inside = Fault(39);
        map.TryEnter(writer, 0);
        Assert.True(map.TryEnter(Fault(40), 1));
        Assert.False(map.TryEnter(inside, 2));
        Assert.True(inside.HasMapLock);
        map.Leave(writer, 3);
        Assert.Equal(["39 sleeps", "39 wakes"], _told);
    }

    [Theory]
    [InlineData(39, false, false)]
    [InlineData(39, true, true)]
    [InlineData(5, true, false)]
    [InlineData(40, false, true)]
    public void TryEnter_WriterBesideAFaultInItsArea_WaitsUnlessThatSleepsElsewhere(ulong page, bool sleeps, bool enters)
    {
        MapLock map = Make(areaLocks: true);
        _area = AddrRange.Of(VirtAddr.OfPage(0), 40 << 12);
        KernelOperation fault = Fault(page);
        map.TryEnter(fault, 0);
        fault.Sleeps = sleeps;
        Assert.Equal(enters, map.TryEnter(Call(0, 10, writes: true), 1));
    }

    void IRwsemSignals.LockAreas(KernelOperation operation) => operation.LockedAreas = _area is { } area ? [area] : null;

    void IRwsemSignals.Takes(KernelOperation operation) => _told.Add($"{operation.FirstPage} takes");

    void IRwsemSignals.Sleep(KernelOperation operation) => _told.Add($"{operation.FirstPage} sleeps");

    void IRwsemSignals.Wake(KernelOperation operation, KernelOperation waker) => _told.Add($"{operation.FirstPage} wakes");

    void IRwsemSignals.IsKept(KernelOperation operation) => _told.Add($"kept for {operation.FirstPage}");

    void IRwsemSignals.SetSpinLimit(KernelOperation operation, long until) => _told.Add($"{operation.FirstPage} to {until}");

    private MapLock Make(bool areaLocks) =>
        new(new KernelProfile { PerVmaLocks = areaLocks }, new RwsemRules(1_000, ReadersSpin: false, Sleeps: true), this);

    private static KernelOperation Call(ulong first, ulong end, bool writes) => Operation(OperationKind.Call, first, end, writes);

    private static KernelOperation Fault(ulong page) => Operation(OperationKind.Fault, page, page + 1, writes: false);

    private static KernelOperation Operation(OperationKind kind, ulong first, ulong end, bool writes) =>
        new() { Kind = kind, Thread = new ThreadId(0), Core = new CoreId(0), FirstPage = first, EndPage = end, Exclusive = writes };
}
