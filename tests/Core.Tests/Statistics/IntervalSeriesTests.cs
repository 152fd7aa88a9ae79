using CsCheck;
using VmSim.Core.Statistics;

namespace VmSim.Core.Tests.Statistics;

public sealed class IntervalSeriesTests
{
    /// <summary>Whatever comes in which order and parts, the intervals are those of the times.</summary>
    [Fact]
    public void Add_AnyTimes_IsTheSumOfEachInterval() =>
        Gen.Select(Gen.Select(Gen.Int[0, 40], Gen.Long[0, 1L << 40]).Array[1, 30], Gen.Int[0, 30]).Sample((items, cut) =>
        {
            (long Time, long Value)[] adds = [.. items.Select(item => (item.Item2 >> item.Item1, item.Item2 % 7))];
            IntervalSeries whole = new(2);
            IntervalSeries first = new(2);
            IntervalSeries second = new(2);
            for (int i = 0; i < adds.Length; i++)
            {
                whole.Add(adds[i].Time, [adds[i].Value, 1]);
                (i < cut ? first : second).Add(adds[i].Time, [adds[i].Value, 1]);
            }

            second.Add(first);
            Assert.Equal(whole.Export(), second.Export());
            Assert.InRange(whole.Count, 1, IntervalSeries.IntervalsMax);
            for (int interval = 0; interval < whole.Count; interval++)
            {
                Assert.Equal(adds.Where(add => add.Time >> whole.Shift == interval).Sum(add => add.Value), whole[interval, 0]);
                Assert.Equal(adds.Count(add => add.Time >> whole.Shift == interval), whole[interval, 1]);
            }

            IntervalSeries back = new(2);
            back.Import(whole.Export());
            Assert.Equal(whole.Export(), back.Export());
        });

    [Theory]
    [InlineData(13L, 0L)]
    [InlineData(57L, 0L)]
    [InlineData(14L, 1L, 2L, 3L)]
    public void Import_OfWhatIsNoSeries_IsRefused(params long[] numbers) =>
        Assert.Throws<InvalidDataException>(() => new IntervalSeries(2).Import(numbers));
}
