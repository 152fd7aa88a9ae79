using VmSim.Actors.Simulation;

namespace VmSim.Actors.Tests.Simulation;

/// <summary>Lanes lose where their phases take longer than what they work together.</summary>
public class LaneGainTests
{
    private long _now;

    [Theory]
    [InlineData(100, 60, 60, false)]
    [InlineData(120, 60, 60, false)]
    [InlineData(121, 60, 60, true)]
    [InlineData(5000, 60, 60, true)]
    [InlineData(61, 60, 0, true)]
    public void EndLane_AfterEnoughPhases_JudgesThemTogether(long taken, long first, long second, bool isLoss)
    {
        LaneGain gain = new(() => _now);
        for (int phase = 0; phase < LaneGain.FirstPhases; phase++)
        {
            Assert.False(gain.IsLoss, $"judged after {phase} phases");
            Pass(gain, taken, first, second);
        }

        Assert.Equal(isLoss, gain.IsLoss);
    }

    [Fact]
    public void EndLane_LaterPhases_AreJudgedByThemselves()
    {
        LaneGain gain = new(() => _now);
        for (int phase = 0; phase < LaneGain.FirstPhases; phase++)
        {
            Pass(gain, 60, 60, 60);
        }

        for (int phase = 0; phase < LaneGain.LaterPhases; phase++)
        {
            Assert.False(gain.IsLoss, $"judged after {phase} phases");
            Pass(gain, 121, 60, 60);
        }

        Assert.True(gain.IsLoss);
    }

    /// <summary>A phase of two lanes, or of one if the second works nothing; the time between phases is nobody's.</summary>
    private void Pass(LaneGain gain, long taken, long first, long second)
    {
        _now += 1000;
        gain.BeginPhase();
        gain.Opened(second > 0 ? 2 : 1);
        if (second > 0)
        {
            gain.EndLane(second);
        }

        _now += taken;
        gain.EndLane(first);
    }
}
