using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Tests.Shootdown;

public sealed class LoadedCoresTests
{
    [Fact]
    public void Others_ComeByRisingNumberWithoutTheInitiator()
    {
        LoadedCores cores = Loaded(130, 5, 64, 0);
        Assert.Equal([0, 64, 130], Others(cores, initiator: 5, lazyToo: false));
        Assert.Equal([0, 5, 64, 130], Others(cores, initiator: 7, lazyToo: false));
    }

    [Fact]
    public void Idle_LoadedCore_IsAmongTheOthersOnlyIfLazyOnesAre()
    {
        LoadedCores cores = Loaded(1, 2);
        Assert.True(cores.Idle(new CoreId(2)));
        Assert.Equal([1], Others(cores, initiator: 0, lazyToo: false));
        Assert.Equal([1, 2], Others(cores, initiator: 0, lazyToo: true));
    }

    [Fact]
    public void Idle_CoreThatTheSpaceHasLeft_IsRefused()
    {
        LoadedCores cores = Loaded(1, 2);
        cores.Leave(new CoreId(2));
        Assert.False(cores.Idle(new CoreId(2)));
        Assert.Equal([1], Others(cores, initiator: 0, lazyToo: true));
    }

    [Fact]
    public void Load_LazyCore_IsToldAgain()
    {
        LoadedCores cores = Loaded(1);
        cores.Idle(new CoreId(1));
        cores.Load(new CoreId(1));
        Assert.Equal([1], Others(cores, initiator: 0, lazyToo: false));
    }

    [Fact]
    public void Leave_LazyCore_ForgetsThatItIdled()
    {
        LoadedCores cores = Loaded(1);
        cores.Idle(new CoreId(1));
        cores.Leave(new CoreId(1));
        Assert.Empty(Others(cores, initiator: 0, lazyToo: true));
        cores.Load(new CoreId(1));
        Assert.Equal([1], Others(cores, initiator: 0, lazyToo: false));
    }

    [Fact]
    public void Leave_ListThatKeepsWhoLeft_HasItUntilItIsTrimmed()
    {
        LoadedCores cores = new(8, keepsLeft: true);
        cores.Load(new CoreId(1));
        cores.Load(new CoreId(2));
        cores.Leave(new CoreId(2));
        Assert.Equal([1], Others(cores, initiator: 0, lazyToo: true));
        Assert.Equal([1, 2], cores.Others(new CoreId(0), lazyToo: true, leftToo: true).Select(core => core.Value));
        Assert.True(cores.Contains(new CoreId(2)) && cores.HasOthers(new CoreId(1)) && !cores.Idle(new CoreId(2)));
        cores.Trim(new CoreId(1));
        cores.Trim(new CoreId(2));
        Assert.Equal((true, false), (cores.Contains(new CoreId(1)), cores.Contains(new CoreId(2))));
        Assert.False(cores.HasOthers(new CoreId(1)));
    }

    [Fact]
    public void Trim_CoreThatHasComeBack_Stays()
    {
        LoadedCores cores = new(8, keepsLeft: true);
        cores.Load(new CoreId(2));
        cores.Leave(new CoreId(2));
        cores.Load(new CoreId(2));
        cores.Trim(new CoreId(2));
        Assert.Equal([2], Others(cores, initiator: 0, lazyToo: false));
    }

    private static LoadedCores Loaded(params ReadOnlySpan<int> numbers)
    {
        LoadedCores cores = new(192);
        foreach (int number in numbers)
        {
            cores.Load(new CoreId(number));
        }

        return cores;
    }

    private static IEnumerable<int> Others(LoadedCores cores, int initiator, bool lazyToo) =>
        cores.Others(new CoreId(initiator), lazyToo).Select(core => core.Value);
}
