using VmSim.Core.Machine;
using VmSim.Core.Scenarios;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class JobBoundsTests
{
    private static readonly JobBounds Caps = new(MemoryBytes: 1L << 30, VirtualSeconds: 2);

    [Fact]
    public void And_TakesTheLeastOfEach()
    {
        Assert.Equal(Caps, JobBounds.None.And(Caps));
        Assert.Equal(Caps, Caps.And(JobBounds.None));
        Assert.Equal(
            new JobBounds(1L << 30, 60, 1), new JobBounds(2L << 30, 60, 1).And(Caps));
    }

    [Theory]
    [InlineData(null, null, null, true)]
    [InlineData(1L << 30, 1e6, 2.0, true)]
    [InlineData((1L << 30) + 1, null, null, false)]
    [InlineData(null, null, 2.1, false)]
    [InlineData(1L, null, null, false)]
    [InlineData(null, 0.5, null, false)]
    [InlineData(null, double.NaN, null, false)]
    [InlineData(null, null, 0.0, false)]
    [InlineData(null, 1e11, null, false)]
    public void Problem_OfBounds_IsNoneWithinRangesAndCaps(long? bytes, double? seconds, double? reached, bool isAllowed) =>
        Assert.Equal(isAllowed, new JobBounds(bytes, seconds, reached).Problem(Caps) is null);

    [Fact]
    public void Hint_NamesWhatIsNeededBeyondABound()
    {
        Assert.Equal("", Caps.Hint(JobBounds.None));
        Assert.Equal("", Caps.Hint(new JobBounds(1L << 30, 1e6, 2)));
        Assert.Equal("", JobBounds.None.Hint(new JobBounds(1L << 40, 1e6, 1e6)));
        string hint = new JobBounds(1L << 30, 10, 2).Hint(new JobBounds(1L << 31, 20, 3));
        Assert.Matches("2[.0]* GiB of memory.* 1[.0]* GiB allowed; 20[.0]* s of wall.* 10[.0]* s .*until 3[.0]* s .* 2[.0]* s are", hint);
        Assert.Null(new JobBounds(0, 0, 0).NeedsProblem());
        Assert.NotNull(new JobBounds(-1).NeedsProblem());
        Assert.NotNull(new JobBounds(Seconds: double.NaN).NeedsProblem());
        Assert.NotNull(new JobBounds(VirtualSeconds: 1e11).NeedsProblem());
    }

    /// <summary>A run that ends by itself where its limit is may have a window that ends a little behind.</summary>
    [Theory]
    [InlineData(2_000_000, null)]
    [InlineData(2_000_001, 0.002)]
    [InlineData(0, 0.002)]
    public void VirtualLimit_OfARunThatEndsThere_IsNone(long until, double? expected) => Assert.Equal(
        expected,
        VirtualLimit.Of(0.002, new ScenarioSpec { Name = "a", Until = until, Machine = new MachineSpec { Ghz = 1 }, Processes = [] }));

    /// <summary>Whether a run is over its limit depends on where it comes to, and not on when that is seen.</summary>
    [Fact]
    public void VirtualLimit_StopsARunThatIsBeyondIt()
    {
        using VirtualLimit limit = new(1, CancellationToken.None);
        Assert.False(limit.IsBeyond(1));
        Assert.False(limit.Stop.IsCancellationRequested);
        Assert.True(limit.IsBeyond(1.5));
        Assert.True(limit.Stop.IsCancellationRequested);
        Assert.True(limit.IsBeyond(0.5));
        using VirtualLimit none = new(null, CancellationToken.None);
        Assert.False(none.IsBeyond(1e9));
    }
}
