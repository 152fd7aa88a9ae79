using CsCheck;
using VmSim.Core.Statistics;

namespace VmSim.Core.Tests.Reports;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentile_RandomSamples_IsAtMostABucketAboveTheExactOne()
    {
        Gen.Long[0, 5_000_000].Array[1, 300].Sample(samples =>
        {
            LatencyHistogram histogram = new();
            foreach (long sample in samples)
            {
                histogram.Record(sample);
            }

            long[] sorted = [.. samples.Order()];
            foreach (double percent in new[] { 50.0, 90, 99, 100 })
            {
                long exact = sorted[(int)Math.Max(1, Math.Ceiling(samples.Length * percent / 100)) - 1];
                long found = histogram.Percentile(percent);
                Assert.InRange(found, exact, exact + (exact / 32));
            }

            Assert.Equal(sorted[^1], histogram.Max);
            Assert.Equal(samples.Length, histogram.Count);
        });
    }

    [Fact]
    public void Add_TwoHalves_EqualsTheWhole()
    {
        LatencyHistogram whole = new();
        LatencyHistogram left = new();
        LatencyHistogram right = new();
        for (int i = 0; i < 1000; i++)
        {
            whole.Record(i * 37);
            (i % 2 == 0 ? left : right).Record(i * 37);
        }

        left.Add(right);
        Assert.Equal(whole.Describe(), left.Describe());
        Assert.Equal(whole.Sum, left.Sum);
    }

    [Fact]
    public void Describe_NoSamples_IsZero() => Assert.Equal(new Distribution(0, 0, 0, 0, 0, 0), new LatencyHistogram().Describe());
}
