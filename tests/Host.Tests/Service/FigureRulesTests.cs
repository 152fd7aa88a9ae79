using System.Text.Json;
using VmSim.Core.Reports;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class FigureRulesTests
{
    private static readonly JobFigures Good = SomeFigures.Of("thread 1 waits for mutex 0, held by thread 2");

    [Fact]
    public void Problem_OfFigures_NamesIt()
    {
        long[] tooMany = new long[129];
        Assert.Null(FigureRules.Problem(Good));
        Assert.Null(FigureRules.Problem(Good with { Series = [], Interrupts = [], Waits = [] }));
        foreach ((JobFigures bad, string words) in new (JobFigures, string)[]
        {
            (Good with { Ghz = double.NaN }, "ghz"),
            (Good with { Ghz = 0 }, "ghz"),
            (Good with { ReachedCycles = -1 }, "reachedCycles"),
            (Good with { IntervalCycles = 0 }, "intervalCycles"),
            (Good with { IntervalCycles = 1 << 13 }, "intervalCycles"),
            (Good with { IntervalCycles = (1 << 14) + 1 }, "intervalCycles"),
            (Good with { Series = null! }, "series"),
            (Good with { Series = [null!] }, "series"),
            (Good with { Series = [new FigureSeries(null!, [])] }, "series"),
            (Good with { Series = [new FigureSeries("accesses", null!)] }, "series"),
            (Good with { Series = [new FigureSeries("<script>", [1])] }, "series"),
            (Good with { Series = [new FigureSeries("accesses", [-1])] }, "series"),
            (Good with { Series = [new FigureSeries("accesses", [long.MaxValue])] }, "series"),
            (Good with { Series = [new FigureSeries("accesses", tooMany)] }, "series"),
            (Good with { Series = [Good.Series[0], Good.Series[0]] }, "series"),
            (Good with { Series = [Good.Series[0], new FigureSeries("walks", [1])] }, "series"),
            (Good with { CoresPerBlock = 0 }, "coresPerBlock"),
            (Good with { Interrupts = null! }, "interrupts"),
            (Good with { Interrupts = [null!] }, "interrupts"),
            (Good with { Interrupts = [[1, 2]] }, "interrupts"),
            (Good with { Interrupts = [[-1]] }, "interrupts"),
            (Good with { Interrupts = [.. Enumerable.Repeat<long[]>([.. tooMany.Take(65)], 65)] }, "interrupts"),
            (Good with { WindowCycles = 0 }, "window"),
            (Good with { WindowCycles = 1_001 }, "window"),
            (Good with { WindowBoundReason = "\u001b[2J" }, "window"),
            (Good with { WindowBoundReason = null! }, "window"),
            (Good with { WindowBoundReason = new string('x', FigureRules.LineMax + 1) }, "window"),
            (Good with { Lanes = 3 }, "lanes"),
            (Good with { Threads = int.MaxValue, Lanes = int.MaxValue }, "threads"),
            (Good with { Domains = 0, DomainsSeen = 0 }, "domains"),
            (Good with { DomainsSeen = 4 }, "domains"),
            (Good with { Waits = null! }, "waits"),
            (Good with { Waits = [null!] }, "waits"),
            (Good with { Waits = ["two\nlines"] }, "waits"),
            (Good with { Waits = ["\u202e"] }, "waits"),
            (Good with { Waits = [.. Enumerable.Repeat("x", RunGlimpse.WaitsMax + 1)] }, "waits"),
        })
        {
            Assert.Contains(words, FigureRules.Problem(bad), StringComparison.Ordinal);
        }
    }

    /// <summary>A beat with the figures of as many jobs as a node is asked for is far from the size of a request.</summary>
    [Fact]
    public void Figures_OfTheGreatestSize_FitIntoABeat()
    {
        long[] values = [.. Enumerable.Repeat(FigureRules.NumberMax, 128)];
        long[] row = [.. Enumerable.Repeat(FigureRules.NumberMax, 64)];
        JobFigures greatest = Good with
        {
            Series = [.. Good.Series.Select(series => series with { Values = values })],
            Interrupts = [.. Enumerable.Repeat(row, 64)],
            Waits = [.. Enumerable.Repeat(new string('x', FigureRules.LineMax), RunGlimpse.WaitsMax)],
        };
        Assert.Null(FigureRules.Problem(greatest));
        Assert.InRange(greatest.Total("accesses"), 1, long.MaxValue);
        int bytes = JsonSerializer.SerializeToUtf8Bytes(greatest, ServiceJson.Options).Length;
        Assert.InRange(bytes * FigureRules.JobsMax, 1, JobLimits.RequestBytesMax / 2);
    }

    /// <summary>Whatever a run has counted, what is sent of it is taken.</summary>
    [Fact]
    public void Sendable_IsWhatIsAllowed()
    {
        Assert.Equal((0, FigureRules.NumberMax), (FigureRules.Sendable(-1), FigureRules.Sendable(long.MaxValue)));
        string line = FigureRules.Sendable(new string('x', 10_000) + "\u001b\n");
        Assert.Null(FigureRules.Problem(Good with { Waits = [line] }));
        Assert.EndsWith("...", line, StringComparison.Ordinal);
    }
}
