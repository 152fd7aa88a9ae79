using VmSim.Core.Statistics;

namespace VmSim.Core.Tests.Statistics;

/// <summary>Generators that go over draws: they draw on as if they had made them.</summary>
public class SkippedDrawsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(255)]
    [InlineData(100_003)]
    public void Skip_SomeDraws_GoesOnBehindThem(int draws)
    {
        SeededRandom stepped = new(17);
        SeededRandom skipped = new(17);
        for (int i = 0; i < draws; i++)
        {
            stepped.Next();
        }

        skipped.Skip((ulong)draws);
        Assert.Equal(stepped.State, skipped.State);
        Assert.Equal(stepped.Next(), skipped.Next());
    }

    [Fact]
    public void Skip_InParts_IsTheSameAsAtOnce()
    {
        SeededRandom parts = new(3);
        SeededRandom whole = new(3);
        parts.Skip(1UL << 40);
        parts.Skip(12_345_678_901);
        whole.Skip((1UL << 40) + 12_345_678_901);
        Assert.Equal(parts.State, whole.State);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(77_777)]
    public void Skip_LinearCongruence_GoesOnBehindTheSteps(int steps)
    {
        const ulong Multiplier = 6364136223846793005;
        const ulong Increment = 1442695040888963407;
        ulong state = 5;
        for (int i = 0; i < steps; i++)
        {
            state = (state * Multiplier) + Increment;
        }

        Assert.Equal(state, LinearCongruence.Skip(5, Multiplier, Increment, (ulong)steps));
    }
}
