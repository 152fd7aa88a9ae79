namespace VmSim.Host.Tests.Architecture;

/// <summary>Tests wait for events and not for a time, so that they pass on however slow or busy a machine: docs/testing.md.</summary>
public sealed class WaitingTests
{
    private static readonly string[] Banned = ["Thread.Sleep", "Task.Delay", "CancelAfter", "ExpectNoMsg", "TimeSpan.From", "Stopwatch"];

    /// <summary>What measures, what draws moments, what shows progress, what holds a bound, and this file.</summary>
    private static readonly string[] Exempt =
    [
        "tests/Benchmarks/", "tests/TestLogger/", "tests/Mutants/", "tests/Hostile/Mutations/", "tests/Hostile/Settings/",
        "tests/Hostile/Deaths/", "tests/Hostile/Strangers/", "tests/Hostile/Capacity/", "tests/Testing/HangGuard.cs",
        "tests/Host.Tests/Architecture/",
    ];

    [Fact]
    public void Tests_Source_WaitsForNoTime() => Assert.Equal("", string.Join(Environment.NewLine, SourceFile.Below("tests")
        .Where(file => !Array.Exists(Exempt, part => file.Path.StartsWith(part, StringComparison.Ordinal)))
        .SelectMany(Complaints)));

    [Theory]
    [InlineData("await Task.Delay(300);")]
    [InlineData("using CancellationTokenSource cancellation = new(TimeSpan.FromSeconds(1));")]
    [InlineData("Thread.Sleep(5);")]
    public void PlantedWait_IsFound(string line) =>
        Assert.StartsWith(
            "tests/X.cs:2 ", Assert.Single(Complaints(new SourceFile("tests/X.cs", $"class X\n{line}\n"))), StringComparison.Ordinal);

    private static IEnumerable<string> Complaints(SourceFile file) =>
        from line in file.Text.Split('\n').Index()
        from word in Banned
        where line.Item.Contains(word, StringComparison.Ordinal)
        select $"{file.Path}:{line.Index + 1} has {word}; wait for an event instead, with HangGuard as the bound";
}
