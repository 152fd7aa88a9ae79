using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;

namespace VmSim.Core.Tests.Kernel.Locks;

public sealed class MapLockTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryEnter_Readers_Share(bool areaLocks)
    {
        MapLock map = new(areaLocks);
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
        MapLock map = new(areaLocks);
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
        MapLock map = new(areaLocks);
        map.TryEnter(Call(0, 10, writes: true), 0);
        Assert.Equal(areaLocks, map.TryEnter(Fault(50), 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryEnter_WriterBesideAFault_WaitsWithoutAreaLocks(bool areaLocks)
    {
        MapLock map = new(areaLocks);
        map.TryEnter(Fault(50), 0);
        Assert.Equal(areaLocks, map.TryEnter(Call(0, 10, writes: true), 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TryEnter_WriterBesideASleepingFault_WaitsOnlyForItsPages(bool areaLocks)
    {
        MapLock map = new(areaLocks);
        KernelOperation fault = Fault(50);
        fault.Sleeps = true;
        map.TryEnter(fault, 0);
        Assert.True(map.TryEnter(Call(0, 10, writes: true), 0));
        Assert.False(map.TryEnter(Call(45, 60, writes: true), 0));
    }

    [Fact]
    public void TryAdmit_ReadersBehindAWriter_ComeInOrder()
    {
        MapLock map = new(areaLocks: false);
        KernelOperation first = Call(0, 10, writes: false);
        KernelOperation writer = Call(0, 10, writes: true);
        KernelOperation reader = Fault(50);
        Assert.True(map.TryEnter(first, 0));
        Assert.False(map.TryEnter(writer, 1));
        Assert.False(map.TryEnter(reader, 2));
        Assert.False(map.TryAdmit(out _, out _));
        map.Leave(first);
        Assert.True(map.TryAdmit(out KernelOperation? next, out long since));
        Assert.Equal((writer, 1), (next, since));
        Assert.False(map.TryAdmit(out _, out _));
        map.Leave(writer);
        Assert.True(map.TryAdmit(out next, out since));
        Assert.Equal((reader, 2), (next, since));
    }

    private static KernelOperation Call(ulong first, ulong end, bool writes) => Operation(OperationKind.Call, first, end, writes);

    private static KernelOperation Fault(ulong page) => Operation(OperationKind.Fault, page, page + 1, writes: false);

    private static KernelOperation Operation(OperationKind kind, ulong first, ulong end, bool writes) =>
        new() { Kind = kind, Thread = new ThreadId(0), Core = new CoreId(0), FirstPage = first, EndPage = end, Exclusive = writes };
}
