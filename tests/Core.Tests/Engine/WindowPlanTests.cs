using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Tests.Engine;

public sealed class WindowPlanTests
{
    private static readonly Delays Basic = new(new MachineSpec(), new KernelProfile());

    [Fact]
    public void WindowBound_BasicProfile_IsTrapPlusServicePlusReturn()
    {
        KernelProfile kernel = new();
        Assert.Equal(
            Math.Min(kernel.SystemCallEntryCycles, kernel.AckCycles) + kernel.ServiceCycles + kernel.TrapReturnCycles,
            Basic.WindowBound.Value);
    }

    [Fact]
    public void Next_NothingToDo_IsFinished() =>
        Assert.True(WindowPlan.Next(DomainHorizon.Of([long.MaxValue], [long.MaxValue]), Basic, 100, long.MaxValue).Finished);

    [Fact]
    public void Next_TwoCores_StartsAtTheEarlierAndEndsAWindowLater() =>
        Assert.Equal(new WindowPlan(70, 170, -1), WindowPlan.Next(DomainHorizon.Of([90, 70], [long.MaxValue]), Basic, 100, long.MaxValue));

    [Fact]
    public void Next_OnlyAGroup_StartsWhereNoCoreCouldHaveCausedIt() =>
        Assert.Equal(
            5_000 - Basic.CoreToSpace, WindowPlan.Next(DomainHorizon.Of([long.MaxValue], [5_000]), Basic, 100, long.MaxValue).Start);

    [Fact]
    public void Next_OneCoreAlone_RunsUntilTheOtherCoreOrAGroupCouldReachIt()
    {
        WindowPlan plan = WindowPlan.Next(DomainHorizon.Of([1_000, 50_000], [20_000]), Basic, 100, long.MaxValue);
        Assert.Equal(0, plan.Alone);
        Assert.Equal(20_000 - Basic.CoreToSpace + Basic.WindowBound, plan.CoreLimit);
    }

    [Fact]
    public void Next_AtTheEndOfTheRun_IsFinished() =>
        Assert.True(WindowPlan.Next(DomainHorizon.Of([1_000], [2_000]), Basic, 100, until: 1_000).Finished);

    [Fact]
    public void Next_JustBeforeTheEndOfTheRun_EndsThere() =>
        Assert.Equal(1_010, WindowPlan.Next(DomainHorizon.Of([1_000, 1_001], [2_000]), Basic, 100, until: 1_010).CoreLimit.Value);
}
