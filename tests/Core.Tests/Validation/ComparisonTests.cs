using VmSim.Core.Experiments;
using VmSim.Core.Validation;

namespace VmSim.Core.Tests.Validation;

public sealed class ComparisonTests
{
    [Fact]
    public void Summary_MedianNearAndWorst_AreOfErrorsWithoutSigns()
    {
        ComparisonSummary all = ComparisonSummary.Of([Time(100, 110), Time(100, 70), Time(100, 100), Time(100, 81)])[0];

        Assert.Equal((ErrorBound.Every, 4), (all.Family, all.Figures));
        Assert.Equal((14.5, 75.0), (all.MedianPercent, all.NearShare), new Near());
        Assert.Equal(70, all.Worst.Simulated);
    }

    [Fact]
    public void Summary_Families_AreApartAndBehindThoseOfAll()
    {
        IReadOnlyList<ComparisonSummary> summaries = ComparisonSummary.Of([Time(1, 1, "mmu"), Count(1, 1), Time(1, 2, "mprot")]);

        Assert.Equal(
            [("*", "ns"), ("*", "count"), ("mmu", "ns"), ("mmu", "count"), ("mprot", "ns")],
            summaries.Select(summary => (summary.Family, summary.Unit.Name)));
    }

    /// <summary>Averages over operations have a little of what else happened; a whole event more or less is another matter.</summary>
    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(0.9996, 1, true)]
    [InlineData(0.0001, 0, true)]
    [InlineData(262.0167, 262, true)]
    [InlineData(0, 1, false)]
    [InlineData(2, 1, false)]
    [InlineData(53.87, 51.3, false)]
    public void Count_IsExact_WithinTwoPercent(double measured, double simulated, bool expected) =>
        Assert.Equal(expected, Count(measured, simulated).IsExact);

    [Fact]
    public void Bound_Broken_SaysFamilyStatisticAndLimit()
    {
        IReadOnlyList<ComparisonSummary> summaries = ComparisonSummary.Of([Time(100, 150), Count(1, 2)]);
        IReadOnlyList<ErrorBound> bounds = ErrorBound.Read(
            new StringReader("family,unit,statistic,limit\n*,ns,median,50\nmmu,ns,worst,49.5\n*,count,exact,100\nshrd,ns,near,100\n"),
            "b.csv");

        Assert.Equal(
            [
                null,
                "mmu, ns: worst is 50 %; at most 49.5 % is promised",
                "all families, count: exact is 0 %; at least 100 % is promised",
                null,
            ],
            bounds.Select(bound => bound.BrokenBy(summaries)));
    }

    [Theory]
    [InlineData("mmx,ns,median,1", "column family: found 'mmx'; allowed is *, mmu, ")]
    [InlineData("*,s,median,1", "column unit: found 's'; allowed is ns, count, 1/s")]
    [InlineData("*,ns,mean,1", "column statistic: found 'mean'; allowed is median, worst, near, exact")]
    [InlineData("*,ns,median,-1", "column limit: found '-1'; allowed is a number from 0 to 1000000")]
    public void Bounds_Wrong_SayWhereAndWhatIsAllowed(string line, string message)
    {
        TableFormatException error = Assert.Throws<TableFormatException>(
            () => ErrorBound.Read(new StringReader($"family,unit,statistic,limit\n{line}\n"), "b.csv"));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Shares are compared in points, and whether they rise or fall.</summary>
    [Fact]
    public void Summary_Changes_HaveErrorsInPointsAndSigns()
    {
        ComparisonSummary all = ComparisonSummary.Of([Change(-70.8, -60.8), Change(4.2, -0.1), Change(1.4, 1.4)])[0];

        Assert.Equal((4.3, 200 / 3.0), (all.MedianPercent, all.SignShare), new Near());
        Assert.Equal(-60.8, all.Worst.Simulated);
        Assert.NotNull(ErrorBound.Read(new StringReader("family,unit,statistic,limit\n*,%,sign,100\n"), "b.csv")[0].BrokenBy([all]));
    }

    private static ComparedFigure Change(double measured, double simulated) =>
        Figure("tlb-flush2", "change", FigureUnit.Percent, measured, simulated);

    private static ComparedFigure Time(double measured, double simulated, string program = "mmu") =>
        Figure(program, "touch", FigureUnit.Nanoseconds, measured, simulated);

    private static ComparedFigure Count(double measured, double simulated) =>
        Figure("mmu", "interrupts", FigureUnit.Count, measured, simulated);

    private static ComparedFigure Figure(string program, string figure, FigureUnit unit, double measured, double simulated) => new(
        new MeasuredFigure { Case = new MeasuredCase(program, "none", 1), Figure = figure, Unit = unit, Measured = measured }, simulated);

    private sealed class Near : IEqualityComparer<(double, double)>
    {
        public bool Equals((double, double) x, (double, double) y) =>
            Math.Abs(x.Item1 - y.Item1) < 1e-9 && Math.Abs(x.Item2 - y.Item2) < 1e-9;

        public int GetHashCode((double, double) obj) => 0;
    }
}
