using System.Globalization;
using VmSim.Core.Reports;
using VmSim.Host.Sweeps;

namespace VmSim.Host.Tests.Sweeps;

public sealed class CrossingTests
{
    private static readonly string[] Protocols = ["linux", "latr"];

    [Theory]
    [InlineData(12)]
    [InlineData(9)]
    [InlineData(16)]
    public async Task Bisect_OneChangeOfSign_FindsTheWholeNumber(int turn)
    {
        (string sentence, int runs) = await FindAsync("1..64*2", (protocol, cores) => protocol == "latr" ? 2 * turn - 1 : 2 * cores);
        Assert.Equal($"cycles: `latr` beats `linux` from {turn} machine.cores on", sentence);
        Assert.Equal(2 * 3, runs);
    }

    [Fact]
    public async Task Bisect_EqualMeans_CountAsNotYetCrossed()
    {
        (string sentence, _) = await FindAsync(
            "1..16*2", (protocol, cores) => protocol == "linux" ? 10 : cores < 4 ? 12 : cores < 12 ? 10 : 8);
        Assert.Equal("cycles: `latr` beats `linux` from 12 machine.cores on", sentence);
    }

    /// <summary>Where both are equal at a point of the grid, the search passes it without running it again.</summary>
    [Fact]
    public async Task Bisect_OverAPointOfTheGrid_DoesNotRunItAgain()
    {
        (string sentence, int runs) = await FindAsync(
            "2..8*2", (protocol, cores) => protocol == "linux" ? 10 : cores < 3 ? 12 : cores < 5 ? 10 : 8);
        Assert.Equal("cycles: `latr` beats `linux` from 5 machine.cores on", sentence);
        Assert.Equal(2 * 2, runs);
    }

    [Fact]
    public async Task Grid_WithSeveralCrossings_NamesAllAndRunsNothing()
    {
        (string sentence, int runs) = await FindAsync(
            "1..16*2", (protocol, cores) => protocol == "linux" ? 10 : cores is 2 or 8 or 16 ? 5 : 15);
        Assert.Equal(
            "cycles: `linux` and `latr` cross 3 times along machine.cores: less has `latr` from 2 on, `linux` from 4 on, `latr` from 8 on",
            sentence);
        Assert.Equal(0, runs);
    }

    [Fact]
    public async Task Grid_WithoutCrossing_SaysWhoIsAhead()
    {
        (string sentence, int runs) = await FindAsync("1..16*2", (protocol, cores) => protocol == "linux" ? cores : cores + 1);
        Assert.Equal("cycles: `linux` beats `latr` at every machine.cores of the grid", sentence);
        Assert.Equal(0, runs);
        Assert.Equal("", (await FindAsync("1..16*2", (_, cores) => cores)).Sentence);
        (sentence, _) = await FindAsync("1..16*2", (protocol, cores) => protocol == "latr" ? Math.Min(cores, 6) : cores);
        Assert.Equal("cycles: `latr` beats `linux` wherever they differ along machine.cores", sentence);
    }

    private static async Task<(string Sentence, int Runs)> FindAsync(string cores, Func<string, long, double> cyclesOf)
    {
        SweepPlan plan = new()
        {
            Name = "x",
            Scenario = "x",
            Axes = [SweepAxis.Of("machine.cores", ValueList.Parse(cores, "x")), SweepAxis.Of("shootdown.protocol", Protocols)],
            Metrics = ["cycles"],
        };
        SweepMeans means = new();
        means.Add(plan.Points().Select(point => Run(point, cyclesOf)));
        Crossing crossing = Assert.Single(Crossings.Find(new SweepView(plan), means, plan.Metrics));
        IReadOnlyList<SweepResult> between = await Crossings.BisectAsync(
            [crossing],
            plan,
            means,
            points => Task.FromResult<IReadOnlyList<SweepResult>>([.. points.Select(point => Run(point, cyclesOf))]),
            CancellationToken.None);
        Assert.All(between, result => Assert.True(result.Point.IsBetween));
        return (crossing.Sentence(), between.Count);
    }

    private static SweepResult Run(SweepPoint point, Func<string, long, double> cyclesOf)
    {
        double cycles = cyclesOf(point.Rows[1][0], long.Parse(point.Rows[0][0], CultureInfo.InvariantCulture));
        return new SweepResult(point, "", false, "", new RunFigures(RunOutcomes.Completed, 0, 1, "", "", [new("cycles", cycles)]));
    }
}
