using VmSim.Core.Statistics;

namespace VmSim.Core.Tests.Statistics;

public sealed class IntervalCountsTests
{
    /// <summary>What is read while counting goes on has the interval that is not over, and changes nothing.</summary>
    [Fact]
    public void AddTo_InTheMiddleOfAnInterval_HasAllThatWasCounted()
    {
        IntervalCounts counts = new(1);
        counts.Finish(counts.End, [5]);
        for (int reading = 0; reading < 2; reading++)
        {
            IntervalSeries sum = new(1);
            counts.AddTo(sum, [12]);
            Assert.Equal((long[])[IntervalSeries.FirstShift, 5, 7], sum.Export());
            Assert.Equal((long[])[IntervalSeries.FirstShift, 5], counts.Series.Export());
        }

        counts.Finish(counts.End, [12]);
        Assert.Equal((long[])[IntervalSeries.FirstShift, 5, 7], counts.Series.Export());
    }
}
