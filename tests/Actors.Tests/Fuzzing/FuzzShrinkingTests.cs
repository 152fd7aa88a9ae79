using VmSim.Actors.Fuzzing;

namespace VmSim.Actors.Tests.Fuzzing;

public sealed class FuzzShrinkingTests
{
    [Fact]
    public void Smaller_OfAProcess_LeavesOutLinesAndThenHalvesNumbers()
    {
        FuzzScenario scenario = new(["seed = 3"], [["program = random", "operations = \"load map\"", "threads = 5"]], Split: false);
        Assert.Equal(
            [
                "program = random|operations = \"load map\"|threads = 5",
                "program = random|threads = 5",
                "program = random|operations = \"load map\"",
                "program = random|operations = \"map\"|threads = 5",
                "program = random|operations = \"load\"|threads = 5",
                "program = random|operations = \"load map\"|threads = 1",
                "program = random|operations = \"load map\"|threads = 2",
                "program = random|operations = \"load map\"|threads = 4",
            ],
            FuzzShrinking.Smaller(scenario).Select(smaller => string.Join('|', smaller.Processes[0])));
    }

    /// <summary>What cannot become smaller gives nothing, so that shrinking ends.</summary>
    [Fact]
    public void Smaller_OfTheSmallest_IsNothing() =>
        Assert.Empty(FuzzShrinking.Smaller(new FuzzScenario([], [["program = random", "threads = 1"]], Split: false)).Skip(1));
}
