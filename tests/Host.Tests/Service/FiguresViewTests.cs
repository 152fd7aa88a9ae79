using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class FiguresViewTests
{
    private static readonly JobProgress Progress = new(0.001, 60_001, 5e6);

    [Fact]
    public void Section_OfAJob_HasItsFiguresAndCharts()
    {
        string html = FiguresView.Section(Progress, SomeFigures.Of("<b>a</b> waits for acknowledgements of cores 1"));
        Assert.Equal(3, html.Split("<figure tabindex=\"0\"><svg").Length - 1);
        foreach (string words in (string[])
        [
            "60,001, 5.00 M a second", "60,001, 100.00 % of accesses", "518, with 60,001 interrupts (IPIs)", "2.00 MiB resident",
            "1,000 cycles (500 ns), the most there may be, bounded by a trap of 600 cycles", "1 of 2 threads at work",
            "these figures are of 2", "&lt;b&gt;a&lt;/b&gt; waits for acknowledgements", ">TLB misses</text>", ">shootdowns</text>",
            "Who interrupts whom", "What cores did when",
        ])
        {
            Assert.Contains(words, html, StringComparison.Ordinal);
        }

        // The last interval goes on, and is not drawn.
        Assert.Contains(">0.02<", html, StringComparison.Ordinal);
        Assert.DoesNotContain(">0.03<", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Section_BeforeThereIsMuch_SaysSo()
    {
        Assert.Contains("Charts come when", FiguresView.Section(null, null), StringComparison.Ordinal);
        JobFigures first = SomeFigures.Of() with { Interrupts = [], ReachedCycles = 0 };
        string html = FiguresView.Section(Progress, first);
        Assert.DoesNotContain("<figure", html, StringComparison.Ordinal);
        Assert.Contains("Nobody, when it was looked at.", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_OfAJob_AreTwo()
    {
        string[] lines = [.. FiguresView.Lines(SomeFigures.Of("one waits", "two waits") with { HasMoreWaits = true })];
        Assert.Equal(
        [
            "60.0 k TLB misses (100.00 % of accesses), 60.0 k faults, 518 shootdowns, 60.0 k IPIs, 2.00 MiB resident",
            "window of 1,000 cycles (500 ns), the most there may be; 1 of 2 threads at work; "
                + "more than 2 waiting, such as one waits",
        ],
        lines);
    }
}
