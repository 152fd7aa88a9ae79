using VmSim.Core.Experiments;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Validation;
using VmSim.Testing;

namespace VmSim.Core.Tests.Validation;

/// <summary>Ranges that runs of a program gave, and the simulated count beside them.</summary>
public sealed class RangeTests
{
    [Theory]
    [InlineData(100, 0, true)]
    [InlineData(150, 0, true)]
    [InlineData(200, 0, true)]
    [InlineData(90, -10, true)]
    [InlineData(89, -11, false)]
    [InlineData(220, 10, true)]
    [InlineData(221, 10.5, false)]
    public void Count_InTheRangeOrAsFarOutsideAsTheBound_Holds(double simulated, double error, bool holds)
    {
        ComparedRange range = new(new MeasuredRange("p", RangeFigure.Flushes, 100, 200, 10, "own"), simulated);

        Assert.Equal((error, holds), (range.ErrorPercent, range.Holds));
    }

    /// <summary>Of a measured 0 the error is in hundredths.</summary>
    [Fact]
    public void Count_OfNothingMeasured_IsOutside()
    {
        ComparedRange range = new(new MeasuredRange("p", RangeFigure.Flushes, 0, 0, 10, "own"), 2);

        Assert.Equal((200, false), (range.ErrorPercent, range.Holds));
    }

    [Fact]
    public void Read_Table_HasItsRanges()
    {
        IReadOnlyList<MeasuredRange> ranges = Read("# head\n\np,flushes,1,2,10,own\np,faults,3,3,0,own\n");

        Assert.Equal(
            [new MeasuredRange("p", RangeFigure.Flushes, 1, 2, 10, "own"), new MeasuredRange("p", RangeFigure.Faults, 3, 3, 0, "own")],
            ranges);
    }

    [Theory]
    [InlineData("../p,flushes,1,2,10,own", "column program: found '../p'; allowed is 1 to 64 of a-z, A-Z, 0-9 and -")]
    [InlineData(",flushes,1,2,10,own", "column program: found ''")]
    [InlineData("p,walks,1,2,10,own", "column figure: found 'walks'; allowed is flushes, faults")]
    [InlineData("p,flushes,2,1,10,own", "column most: found '1'; allowed is at least 2, which is the least")]
    [InlineData("p,flushes,-1,1,10,own", "column least: found '-1'")]
    [InlineData("p,flushes,1,2,x,own", "column bound: found 'x'")]
    [InlineData("p,flushes,1,2,10", "found 5 fields; 6 are needed")]
    [InlineData("p,flushes,1,2,10,own\np,flushes,1,2,10,own", "line 3: found flushes of p again; once is allowed")]
    [InlineData("", "found no ranges; one or more are needed")]
    public void Read_WrongTable_SaysWhereAndWhatIsAllowed(string lines, string message) =>
        Assert.Contains(message, Assert.Throws<TableFormatException>(() => Read(lines)).Message, StringComparison.Ordinal);

    /// <summary>An unmap beside a thread that has the pages: sent, handled, and its own core's; the end tells a core that idles.</summary>
    [Fact]
    public void Run_AProgram_CountsItsFlushEventsAndFaults()
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 4).Compute(200_000).Unmap(TestWorlds.Page(0), 4).Build();
        ThreadProgram user = new ThreadBuilder("u").Load(TestWorlds.Page(0)).Compute(1_000_000).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, user);
        scenario = scenario with { Shootdown = new ShootdownSpec { Protocol = "linux" } };
        MeasuredRange[] ranges = [.. RangeFigure.All.Select(figure => new MeasuredRange("p", figure, 0, 0, 0, "own"))];

        IReadOnlyList<ComparedRange> compared = RecordedProgram.Run(scenario, ranges);

        RunReport report = TestWorlds.Run(scenario);
        (long sent, long handled) = (report.Total("remoteFlushes"), report.Total("invalidationsHandled"));
        (long local, long faults) = (report.Total("localInvalidations"), report.Total("minorFaults") + report.Total("spuriousFaults"));
        Assert.Equal([sent + handled + local, faults], compared.Select(range => range.Simulated));
        Assert.Equal((2, 2, 1), (sent, handled, local));
    }

    [Fact]
    public void Run_UnderAnotherProtocol_IsRefused()
    {
        ScenarioException error = Assert.Throws<ScenarioException>(
            () => RecordedProgram.Run(TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 1)), []));
        Assert.Equal("shootdown.protocol: broadcast found; programs that were recorded are compared under linux", error.Message);
    }

    private static IReadOnlyList<MeasuredRange> Read(string lines) =>
        RangeTable.Read(new StringReader($"{RangeTable.Heading}\n{lines}"), "t.csv");
}
