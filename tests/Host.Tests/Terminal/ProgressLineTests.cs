using VmSim.Actors.Simulation;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.Terminal;

public sealed class ProgressLineTests
{
    /// <summary>Where the end is known, a line has the part that is done, and the time that the rest takes at this pace.</summary>
    [Fact]
    public void Text_WithAnEnd_HasPercentAndTimeLeft() => Assert.Equal(
        "25.00 %: simulated 1.00 ms, 5.00 M accesses, 500 k/s, 30.0 s left",
        ProgressLine.Text(new RunProgress(1_000_000, 5_000_000), first: 0, ghz: 1, end: 4_000_000, seconds: 10));

    /// <summary>What a checkpoint brought was not simulated here, and says nothing about the pace.</summary>
    [Fact]
    public void Text_AfterACheckpoint_CountsFromThere() => Assert.EndsWith(
        ", 10.0 s left",
        ProgressLine.Text(new RunProgress(3_000_000, 1), first: 2_000_000, ghz: 1, end: 4_000_000, seconds: 10),
        StringComparison.Ordinal);

    [Theory]
    [InlineData(0L)]
    [InlineData(999_999L)]
    public void Text_WithoutAnEndAhead_HasNeither(long end) => Assert.Equal(
        "simulated 1.00 ms, 20 accesses, 2/s",
        ProgressLine.Text(new RunProgress(1_000_000, 20), first: 0, ghz: 1, end, seconds: 10));
}
