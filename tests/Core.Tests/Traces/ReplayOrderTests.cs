using CsCheck;
using VmSim.Core.Programs;
using VmSim.Core.Traces;
using VmSim.Tests.Shared;
using Step = VmSim.Tests.Shared.ThreadedTrace.Step;

namespace VmSim.Core.Tests.Traces;

/// <summary>What a replay keeps of the order between threads.</summary>
public class ReplayOrderTests
{
    private const string Area = "m 5000 3000 3 22 - 0\n";

    [Fact]
    public void Pages_LoadOfWhatAnotherThreadStoredTo_WaitsForTheFirstStore()
    {
        ProgramImage image = Load($"t 0\n{Area}n 11\nW 5\nW 6\nt 1\nR 6\nR 5\nR 6\n", ReplayOrder.Pages);
        Assert.Equal(
            ["Map 5000", "StartThread 1", "Store 5*1", "Store 6*1", "Signal 0"], TestTraces.Describe(image.Threads[0]));
        Assert.Equal(["Await 0", "Load 6*1", "Load 5*1", "Load 6*1"], TestTraces.Describe(image.Threads[1]));
        Assert.Equal(0, Load($"t 0\n{Area}n 11\nW 5\nW 6\nt 1\nR 6\nR 5\n", ReplayOrder.Areas).EventCount);
    }

    [Theory]
    [InlineData("n 11\nR 5\nt 1\nW 5\n")]
    [InlineData("n 11\nW 5\nt 1\nW 5\nR 5\n")]
    [InlineData("n 11\nt 1\nR 5\nt 0\nW 5\nt 1\nR 5\n")]
    [InlineData("W 5\nn 11\nW 5\nt 1\nR 5\n")]
    [InlineData("s 5000 3000 W\nn 11\nW 6\nt 1\nR 6\n")]
    [InlineData("n 11\nW 5\nt 1\nR 6\n")]
    public void Pages_OrderThatChangesNoFault_NeedsNoEvent(string records) =>
        Assert.Equal(0, Load($"t 0\n{Area}{records}", ReplayOrder.Pages).EventCount);

    [Theory]
    [InlineData("n 11\nW 5\nt 1\nI 5\n")]
    [InlineData("n 11\ns 5000 3000 W\nt 1\nR 6\n")]
    [InlineData("n 11\nW 5\nt 1\ns 5000 10 R\n")]
    [InlineData("W 5\nd 5000 1000 4\nn 11\nW 5\nt 1\nR 5\n")]
    [InlineData("n 11\nR 5\nW 5 5000\nt 1\nR 5\n")]
    public void Pages_AnyKindOfStoreAndLoad_IsOneEvent(string records) =>
        Assert.Equal(1, Load($"t 0\n{Area}{records}", ReplayOrder.Pages).EventCount);

    [Fact]
    public void Pages_LoadBehindACallOfTheStoringThread_WaitsForTheStoreAlone()
    {
        ProgramImage image = Load($"t 0\nn 11\n{Area}W 5\nt 1\nR 5\nR 6\n", ReplayOrder.Pages);
        Assert.Equal(["Await 0", "Load 5*1", "Load 6*1"], TestTraces.Describe(image.Threads[1]));
    }

    [Fact]
    public void Full_EveryChangeOfThread_IsAnEvent()
    {
        ProgramImage image = Load("t 0\nR 1\nn 11\nR 2\nt 1\nR 3 2000\nt 0\nR 4\nt 1\nx 1\nt 0\nR 5\n", ReplayOrder.Full);
        Assert.Equal(
            ["Load 1*1", "StartThread 1", "Load 2*1", "Signal 0", "Await 1", "Load 4*1", "Load 5*1"],
            TestTraces.Describe(image.Threads[0]));
        Assert.Equal(["Await 0", "Load 3*1024", "Load 3*976", "Signal 1", "Exit 0"], TestTraces.Describe(image.Threads[1]));
    }

    [Theory]
    [InlineData(ReplayOrder.Areas)]
    [InlineData(ReplayOrder.Pages)]
    [InlineData(ReplayOrder.Full)]
    public void Replay_AnyTraceAndInterleaving_KeepsTheRulesOrder(ReplayOrder order) =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[2, 120]).Sample((seed, length) =>
        {
            ThreadedTrace trace = new(seed, length);
            ProgramImage image = Load(trace.Text, order);
            HashSet<(int Before, int After)> required = Required(trace.Steps, order);
            for (int interleaving = 1; interleaving <= 5; interleaving++)
            {
                List<int> done = Run(trace.Steps, image, seed + interleaving);
                int[] at = new int[done.Count];
                for (int i = 0; i < done.Count; i++)
                {
                    at[done[i]] = i;
                }

                Assert.All(required, pair => Assert.True(at[pair.Before] < at[pair.After], $"step {pair.Before} before {pair.After}"));
            }
        }, iter: 100);

    [Theory]
    [InlineData(ReplayOrder.Areas)]
    [InlineData(ReplayOrder.Pages)]
    [InlineData(ReplayOrder.Full)]
    public void Load_AnyTrace_HasNoEventThatTheRuleDoesNotAskFor(ReplayOrder order) =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[2, 200]).Sample((seed, length) =>
        {
            ThreadedTrace trace = new(seed, length);
            HashSet<(int Before, int After)> required = Required(trace.Steps, order);
            Assert.All(Events(trace.Steps, Load(trace.Text, order)), pair => Assert.Contains(pair, required));
        }, iter: 200);

    [Theory]
    [InlineData(ReplayOrder.Areas)]
    [InlineData(ReplayOrder.Pages)]
    [InlineData(ReplayOrder.Full)]
    public void Replay_RealTrace_EndsInEveryInterleaving(ReplayOrder order)
    {
        using Stream stream = TestTraces.Open("mt.vmt.gz")!;
        LoadedTrace trace = VmtReader.Load(stream, "mt.vmt.gz", new TraceLoadOptions { Order = order });
        Assert.Empty(trace.Warnings);
        for (int seed = 1; seed <= 5; seed++)
        {
            Replay replay = new(trace.Image, seed);
            Assert.True(replay.Run(), $"seed {seed}: the threads left all wait");
            Assert.Equal((0, trace.Accesses), (replay.Unmapped, replay.Accesses));
        }
    }

    [Fact]
    public void Pages_MoreThanTheBudget_EndsTheOrderOfPagesAndRefusesNothing()
    {
        const int Threads = 1_000;
        TraceOrder order = new(new ReadingBudget { Records = 1 });
        order.AddThread(-1, 0);
        for (int thread = 1; thread < Threads; thread++)
        {
            order.AddThread(0, 0);
        }

        for (int i = 1; i <= 10_000; i++)
        {
            order.Access(0, (ulong)i, isStore: true, i, i);
            order.Access(1, (ulong)i, isStore: false, i, i);
        }

        Assert.False(order.KeepsPages);
        Assert.InRange(order.EventCount, 1, 9_999);
        Assert.Equal(order.EventCount, order.InsertionsOf(1).Count);
    }

    private static ProgramImage Load(string text, ReplayOrder order) =>
        TestTraces.LoadText(text, new TraceLoadOptions { Order = order }).Image;

    /// <summary>The rule, pair by pair: what has to be done before what.</summary>
    private static HashSet<(int Before, int After)> Required(IReadOnlyList<Step> steps, ReplayOrder order)
    {
        HashSet<(int Before, int After)> required = [];
        for (int after = 1; after < steps.Count; after++)
        {
            for (int before = 0; before < after; before++)
            {
                (Step one, Step other) = (steps[before], steps[after]);
                bool meets = one.Meets(other) && (one.IsChange || other.IsChange);
                bool isNext = order == ReplayOrder.Full && after == before + 1;
                bool hands = order == ReplayOrder.Pages && HandsOver(steps, before, after);
                if ((one.Thread != other.Thread && (meets || isNext || hands)) || one.Made == other.Thread)
                {
                    required.Add((before, after));
                }
            }
        }

        return required;
    }

    /// <summary>
    /// Whether one step is the first store to a page since its mapping changed, and the other the first use by another thread, a load.
    /// </summary>
    private static bool HandsOver(IReadOnlyList<Step> steps, int before, int after)
    {
        (Step store, Step load) = (steps[before], steps[after]);
        if (!store.IsStore || !load.IsUse || load.IsStore || !store.Meets(load) || store.Thread == load.Thread)
        {
            return false;
        }

        int change = Enumerable.Range(0, after).LastOrDefault(i => steps[i].IsChange && steps[i].Meets(load), -1);
        bool isFirstStore = Since(change, before).All(step => !step.IsStore);
        bool isFirstUse = Since(change, after).All(step => step.Thread != load.Thread);
        return before > change && isFirstStore && isFirstUse;

        IEnumerable<Step> Since(int from, int until) =>
            steps.Take(until).Skip(from + 1).Where(step => step.IsUse && step.Meets(load));
    }

    /// <summary>Runs to the end; the steps in the order in which they were done.</summary>
    private static List<int> Run(IReadOnlyList<Step> steps, ProgramImage image, int seed)
    {
        List<int>[] own = StepsOf(steps, image);
        int[] next = new int[own.Length];
        List<int> done = [];
        Replay replay = new(image, seed) { Done = thread => done.Add(own[thread][next[thread]++]) };
        Assert.True(replay.Run(), $"seed {seed}: the threads left all wait");
        Assert.Equal(steps.Count, done.Count);
        return done;
    }

    private static List<int>[] StepsOf(IReadOnlyList<Step> steps, ProgramImage image) =>
        [.. Enumerable.Range(0, image.Threads.Count)
            .Select(thread => Enumerable.Range(0, steps.Count).Where(i => steps[i].Thread == thread).ToList())];

    /// <summary>The events of a program: the step behind which each is signalled, and the step before which it is waited for.</summary>
    private static List<(int Before, int After)> Events(IReadOnlyList<Step> steps, ProgramImage image)
    {
        List<int>[] own = StepsOf(steps, image);
        Dictionary<string, int> signals = [];
        List<(string Event, int Step)> waits = [];
        for (int thread = 0; thread < own.Length; thread++)
        {
            int next = 0;
            foreach (string word in TestTraces.Describe(image.Threads[thread]))
            {
                string[] parts = word.Split(' ');
                switch (parts[0])
                {
                    case "Signal":
                        signals.Add(parts[1], own[thread][next - 1]);
                        break;
                    case "Await":
                        waits.Add((parts[1], own[thread][next]));
                        break;
                    default:
                        next++;
                        break;
                }
            }
        }

        return [.. waits.Select(wait => (signals[wait.Event], wait.Step))];
    }
}
