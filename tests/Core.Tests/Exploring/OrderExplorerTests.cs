using VmSim.Core.Engine;
using VmSim.Core.Exploring;
using VmSim.Core.Shootdown;
using VmSim.Core.Tests.Checking;
using VmSim.Core.Workloads.Synthetic;
using Xunit.Abstractions;

namespace VmSim.Core.Tests.Exploring;

public sealed class OrderExplorerTests(ITestOutputHelper output)
{
    /// <summary>The most lines that say what went wrong.</summary>
    private const int LinesMax = 12;

    public static TheoryData<SeededBug> Seeded => [.. ExploredBugs.Seeded.Keys];

    public static TheoryData<ReportedBug> Reported => [.. ExploredBugs.Reported.Keys];

    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Names];

    [Theory]
    [MemberData(nameof(Seeded))]
    public void Explore_SeededBug_IsFoundAndToldShortly(SeededBug bug) => AssertFound(ExploredBugs.Seeded[bug]);

    [Theory]
    [MemberData(nameof(Reported))]
    public void Explore_ReportedBug_IsFoundAndToldShortly(ReportedBug bug) => AssertFound(ExploredBugs.Reported[bug]);

    [Theory]
    [InlineData("broadcast")]
    [InlineData("linux")]
    [InlineData("latr")]
    [InlineData("radixvm")]
    public void Explore_ShippedProtocol_BreaksNothing(string protocol) =>
        AssertClean(protocol, new WorldSize(2, 1, 1), spaces: 1, delays: 2);

    /// <summary>Who explores twice finds the same: nothing depends on anything but the world.</summary>
    [Fact]
    public void Explore_Twice_FindsTheSame()
    {
        SmallWorld world = Script("munmap 0, load 1 | load 0, dontneed 1", pages: 2);
        OrderExplorer one = new(new LinuxProtocol(), new ExploreLimits(2));
        OrderResult first = one.Explore(world);
        OrderResult again = one.Explore(world);
        OrderResult other = new OrderExplorer(new LinuxProtocol(), new ExploreLimits(2)).Explore(world);
        Assert.True(first.Failure is null, Told(first.Failure));
        output.WriteLine($"{first.Schedules} schedules, {first.States} states");
        Assert.True(first.States > 4, $"{first.States} states");
        Assert.Equal(first, again);
        Assert.Equal(first, other);
    }

    /// <summary>With less memory it makes more runs, and finds as many orders or counts some twice; none is left out.</summary>
    [Fact]
    public void Explore_WithLittleMemory_LeavesNothingOut()
    {
        SmallWorld world = Script("munmap 0 | load 0", pages: 1);
        OrderResult whole = new OrderExplorer(new LinuxProtocol(), new ExploreLimits(2)).Explore(world);
        OrderResult little = new OrderExplorer(new LinuxProtocol(), new ExploreLimits(2) { Remembered = 4 }).Explore(world);
        Assert.True(little.Schedules >= whole.Schedules, $"{little.Schedules} and {whole.Schedules}");
    }

    /// <summary>Runs that begin where scripts do are the judge's, which begin at time 0: as many runs, and the same orders.</summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public void Explore_Rewinding_FindsWhatWholeRunsFind(string protocol) => AssertRewinds(protocol, rarer: 8);

    /// <summary>The same over eight times as many worlds.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Protocols))]
    public void Explore_RewindingInManyWorlds_FindsWhatWholeRunsFind(string protocol) => AssertRewinds(protocol, rarer: 1);

    /// <summary>A counterexample is a scenario that the ordinary engine honours, on any window.</summary>
    [Fact]
    public void Failure_OnOtherWindows_IsTheSame()
    {
        ExploredBug bug = ExploredBugs.Seeded[SeededBug.ReturnsAtFirstAck];
        (OrderFailure? failure, _, _) = ExploredBugs.Find(bug);
        Assert.NotNull(failure);
        foreach (long window in new long[] { 0, 100, 1, 700 })
        {
            using World world = new(failure.World.With(failure.Schedule), check: true, bug.Protocol());
            new SequentialEngine(world, window).Run();
            Assert.Equal(failure.Lines, world.Checker!.Violations[0].Lines());
        }
    }

    [Fact]
    public void Shrink_LeavesOutWhatIsNotNeeded()
    {
        BuggyProtocol protocol = new(new BroadcastProtocol(), SeededBug.DropsOneInterrupt);
        ExploreLimits limits = new(1);
        SmallWorld world = Script("load 1, munmap 0-1, load 0 | store 0, load 1", pages: 2);
        OrderFailure? found = new OrderExplorer(protocol, limits).Explore(world).Failure;
        Assert.NotNull(found);
        OrderFailure small = new Shrinker(protocol, limits).Shrink(found);
        output.WriteLine(small.World.Script);
        Assert.Equal(found.Rule, small.Rule);
        Assert.InRange(small.World.Steps, 1, 2);
        Assert.InRange(small.Schedule.Delays.Count, 0, found.Schedule.Delays.Count);
    }

    [Fact]
    public void Tell_Failure_HasTheWrongEventAndTheLateMessage()
    {
        ExploredBug bug = ExploredBugs.Seeded[SeededBug.ReturnsAtFirstAck];
        (OrderFailure? failure, _, _) = ExploredBugs.Find(bug);
        RunStory story = new OrderExplorer(bug.Protocol(), new ExploreLimits(0)).Tell(failure!.World, failure.Schedule);
        Assert.Equal(["core 0", "core 1", "core 2", "space p"], story.Lanes);
        Assert.Single(story.Events, told => told.IsWrong);
        Assert.Equal(failure.Schedule.Messages.Delays.Count, story.Messages.Count(message => message.Late > 0));
        Assert.All(story.Messages, message => Assert.InRange(message.Due.Value, message.SentAt.Value, long.MaxValue));
    }

    private static SmallWorld Script(string script, int pages)
    {
        IReadOnlyList<IReadOnlyList<ScriptStep>> threads = ScriptStep.Parse(script, pages);
        return ExploredBugs.Base(threads.Count, pages) with { Threads = threads };
    }

    private static void AssertRewinds(string protocol, int rarer)
    {
        foreach ((WorldSize size, int spaces, int step) in ((WorldSize, int, int)[])
            [(new WorldSize(2, 2, 1), 1, 60), (new WorldSize(3, 2, 2), 1, 60_000), (new WorldSize(2, 1, 1), 2, 2)])
        {
            SmallWorld world = ExploredBugs.Base(size.Cores, size.Pages, spaces);
            IShootdownProtocol under = ShootdownProtocols.All.Find(protocol)!;
            using OrderExplorer explorer = new(under, new ExploreLimits(1));
            using OrderExplorer judge = new(under, new ExploreLimits(1) { Rewinds = false });
            int number = 0;
            int each = step * rarer;
            foreach (IReadOnlyList<IReadOnlyList<ScriptStep>> threads in new WorldGenerator(size).All().Where(_ => number++ % each == 0))
            {
                OrderResult found = explorer.Explore(world with { Threads = threads });
                Assert.True(explorer.IsRewinding, "each run made its own world");
                Assert.Equal(judge.Explore(world with { Threads = threads }), found);
            }
        }
    }

    private void AssertClean(string protocol, WorldSize size, int spaces, int delays)
    {
        SmallWorld world = ExploredBugs.Base(size.Cores, size.Pages, spaces);
        ExploredBug none = new(() => ShootdownProtocols.All.Find(protocol)!, size, world, delays);
        (OrderFailure? failure, long worlds, long schedules) = ExploredBugs.Find(none);
        output.WriteLine($"{protocol}: {worlds} worlds, {schedules} schedules");
        Assert.True(worlds > 1 && schedules > worlds, $"{worlds} worlds, {schedules} schedules");
        Assert.True(failure is null, Told(failure));
    }

    private void AssertFound(ExploredBug bug)
    {
        (OrderFailure? failure, long worlds, long schedules) = ExploredBugs.Find(bug);
        output.WriteLine($"{worlds} worlds, {schedules} schedules\n{Told(failure)}");
        Assert.NotNull(failure);
        Assert.InRange(failure.Lines.Count, 1, LinesMax);
        OrderFailure? again = new OrderExplorer(bug.Protocol(), new ExploreLimits(0)).Run(failure.World, failure.Schedule);
        Assert.NotNull(again);
        Assert.Equal(failure.Lines, again.Lines);
    }

    private static string Told(OrderFailure? failure) => failure is null
        ? "nothing found"
        : $"{failure.World.Script} with {string.Join(", ", failure.Schedule.Delays)}: {failure.Rule}\n{string.Join('\n', failure.Lines)}";
}
