using VmSim.Actors.Cluster;

namespace VmSim.Actors.Tests.Cluster;

public sealed class SilenceWatchTests
{
    [Fact]
    public void Tick_NodeThatSaysNothing_IsMuteAfterFifteenSeconds()
    {
        SilenceWatch watch = new(2);
        for (int second = 0; second < SilenceWatch.SecondsMax; second++)
        {
            watch.Heard(0);
            Assert.Null(watch.Tick());
        }

        Assert.Equal((false, true), (watch.IsUnheard(0), watch.IsUnheard(1)));
        Assert.Equal(1, watch.Tick());
    }

    [Fact]
    public void Heard_BeforeTheLimit_BeginsAnew()
    {
        SilenceWatch watch = new(1);
        for (int second = 0; second < 5 * SilenceWatch.SecondsMax; second++)
        {
            Assert.Null(watch.Tick());
            if (second % SilenceWatch.SecondsMax == SilenceWatch.SecondsMax - 1)
            {
                watch.Heard(0);
            }
        }
    }
}
