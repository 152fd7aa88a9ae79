using VmSim.Actors.Running;

namespace VmSim.Actors.Tests.Running;

/// <summary>A run has all lanes until they lose; then one, and all again after ever longer times.</summary>
public class LaneChoiceTests
{
    [Theory]
    [InlineData(1, true, false)]
    [InlineData(2, true, true)]
    [InlineData(2, false, false)]
    public void MayStop_OnlyIfThereMayBeFewer(int lanes, bool isFree, bool mayStop)
    {
        LaneChoice choice = new(lanes, isFree);
        Assert.Equal((lanes, mayStop, (TimeSpan?)null), (choice.Lanes, choice.MayStop, choice.Limit));
    }

    [Fact]
    public void End_LanesThatLose_AreTriedAgainAfterTwiceTheTime()
    {
        LaneChoice choice = new(4, isFree: true);
        List<double> seconds = [];
        for (int i = 0; i < 9; i++)
        {
            choice.End(windows: 100, lanesLose: true, lasted: default);
            Assert.Equal((1, false), (choice.Lanes, choice.MayStop));
            seconds.Add(choice.Limit!.Value.TotalSeconds);
            choice.End(windows: 2500, lanesLose: false, lasted: choice.Limit!.Value / 2);
            Assert.Equal((1, seconds[^1] / 2), (choice.Lanes, choice.Limit!.Value.TotalSeconds));
            choice.End(windows: 2500, lanesLose: false, lasted: choice.Limit!.Value);
            Assert.Equal((4, true), (choice.Lanes, choice.MayStop));
        }

        Assert.Equal([0.5, 1, 2, 4, 8, 16, 30, 30, 30], seconds);
        Assert.Equal(1, choice.Usual);
    }

    [Fact]
    public void End_PieceThatEndsForAnotherReason_KeepsItsLanes()
    {
        LaneChoice choice = new(2, isFree: true);
        choice.End(windows: 100, lanesLose: false, lasted: default);
        Assert.Equal((2, 2), (choice.Lanes, choice.Usual));
        choice.End(windows: 10, lanesLose: true, lasted: default);
        choice.End(windows: 10, lanesLose: false, lasted: default);
        Assert.Equal((1, 2), (choice.Lanes, choice.Usual));
    }

    [Fact]
    public void End_PieceThatHadNoTimeForAWindow_GetsMore()
    {
        LaneChoice choice = new(2, isFree: true);
        choice.End(windows: 100, lanesLose: true, lasted: default);
        choice.End(windows: 0, lanesLose: false, lasted: choice.Limit!.Value);
        Assert.Equal((1, 1), (choice.Lanes, choice.Limit!.Value.TotalSeconds));
    }
}
