using VmSim.Host.Sweeps;

namespace VmSim.Host.Tests.Sweeps;

public sealed class SampleTests
{
    /// <summary>The table of NIST's Engineering Statistics Handbook, 1.3.6.7.2, for 5 % on both sides together.</summary>
    [Theory]
    [InlineData(1, 12.706)]
    [InlineData(2, 4.303)]
    [InlineData(4, 2.776)]
    [InlineData(9, 2.262)]
    [InlineData(30, 2.042)]
    [InlineData(100, 1.984)]
    public void Critical95_IsThatOfTheTables(int freedom, double expected) =>
        Assert.Equal(expected, StudentT.Critical95(freedom), tolerance: 0.0005);

    [Fact]
    public void HalfWidth_OfFiveValues_IsStudents()
    {
        Sample sample = Sample.Of([2, 4, 4, 5, 10])!;
        Assert.Equal(5, sample.Mean);
        Assert.Equal(3, sample.Deviation, tolerance: 1e-12);
        Assert.Equal(2.776445 * 3 / Math.Sqrt(5), sample.HalfWidth!.Value, tolerance: 1e-5);
    }

    [Fact]
    public void Sample_OfOneOrNoValue_HasNoWidth()
    {
        Assert.Null(Sample.Of([]));
        Assert.Null(Sample.Of([3])!.HalfWidth);
        Assert.Equal(0, Sample.Of([0.1, 0.1, 0.1])!.HalfWidth);
    }

    /// <summary>Worked by hand: variances 1 and 4 of three values each, so 3.5 degrees of freedom and a deviation of 1.29.</summary>
    [Fact]
    public void Difference_OfUnequalVariances_IsWelchs()
    {
        Sample first = Sample.Of([1, 2, 3])!;
        Sample second = Sample.Of([8, 10, 12])!;
        double variance = (1.0 / 3) + (4.0 / 3);
        double freedom = variance * variance / ((1.0 / 9 / 2) + (16.0 / 9 / 2));
        Assert.Equal(
            StudentT.Critical95(freedom) * Math.Sqrt(variance), Sample.HalfWidthOfDifference(first, second)!.Value, tolerance: 1e-9);
        Assert.Equal(2.94, freedom, tolerance: 0.01);
    }
}
