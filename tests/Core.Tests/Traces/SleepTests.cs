using System.Text;
using CsCheck;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Traces;
using VmSim.Testing;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Traces;

/// <summary>Calls in which threads slept: their records, and the sleeps of a replay.</summary>
public class SleepTests
{
    private const string Two = "m 5000 6000 3 22 - 0\nn 11\nW 5\nt 1\nW 6\n";

    private static readonly TraceLoadOptions OneGigahertz = new() { Ghz = 1 };

    [Fact]
    public void Text_AnySleep_IsTheSameThroughBothForms()
    {
        const string Text = "t 0\nw futex 12345 *\nw nanosleep 1000000 -\nw syscall_449 0 2147483647\nw x 562949953421312 0\n";
        Assert.Equal(Text, Copied(Text, binary: false));
        Assert.Equal(Text, Copied(Text, binary: true));
    }

    [Theory]
    [InlineData("w")]
    [InlineData("w futex")]
    [InlineData("w futex 5")]
    [InlineData("w futex 5 ?")]
    [InlineData("w futex 5 **")]
    [InlineData("w futex 5 * *")]
    [InlineData("w futex -5 *")]
    [InlineData("w futex f *")]
    [InlineData("w futex 562949953421313 *")]
    [InlineData("w futex 18446744073709551615 -")]
    [InlineData("w futex 5 2147483648")]
    [InlineData("w off_core 5 *")]
    [InlineData("w off_core 5 1")]
    [InlineData("w fu/tex 5 *")]
    [InlineData("w é 5 *")]
    [InlineData("wfutex 5 *")]
    [InlineData("w aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 5 *")]
    public void Text_WhatIsNoSleep_IsRefusedWithItsLine(string line)
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => TestTraces.LoadText($"t 0\n{line}\n"));
        Assert.Equal(2, error.Line);
        Assert.Contains("w CALL NANOSECONDS -|*|THREAD", error.Message);
    }

    [Fact]
    public void Load_SleepThatAThreadWithoutARecordEnded_LastsItsTimeAndIsTold()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nW 5\nw futex 500 99\nw futex 700 98\nw futex 700 0\n");
        Assert.StartsWith(
            "sleeps that are said to have been ended by threads without a record before: 2;", trace.Warnings.Single().Split(": ", 2)[1]);
    }

    [Theory]
    [InlineData("w futex 500 -\n", "Sleep 1f4")]
    [InlineData("w futex 500 *\n", "Sleep 1f4")]
    [InlineData("w futex 500 0\n", "Sleep 1f4")]
    [InlineData("w futex 0 *\n", null)]
    [InlineData("t 0\nW 7\nt 1\nw futex 500 *\n", "Wait 0")]
    [InlineData("t 0\nW 7\nt 1\nw futex 500 0\n", "Wait 0")]
    [InlineData("t 0\nW 7\nt 1\nw futex 0 0\n", "Wait 0")]
    [InlineData("t 0\nW 7\nt 1\nw futex 500 1\n", "Sleep 1f4")]
    [InlineData("t 0\nW 7\nt 1\nw futex 500 9\n", "Sleep 1f4")]
    [InlineData("t 0\nW 7\nt 1\nw futex 500 -\n", "Sleep 1f4")]
    public void Load_Sleep_EndsByWhatEndedIt(string records, string? expected)
    {
        ProgramImage image = TestTraces.LoadText($"t 0\n{Two}{records}", OneGigahertz).Image;
        string[] words = TestTraces.Describe(image.Threads[1]);
        Assert.Equal(expected is null ? ["Store 6*1"] : ["Store 6*1", expected], words);
        Assert.Equal(expected == "Wait 0" ? 1 : 0, image.EventCount);
    }

    [Fact]
    public void Load_WokenByAThreadThatEnded_WaitsForWhatItDidBefore()
    {
        ProgramImage image = TestTraces.LoadText($"t 0\n{Two}x 1\nt 0\nw futex 900 1\nW 8\n").Image;
        Assert.Equal(["Store 6*1", "Signal 0", "Exit 0"], TestTraces.Describe(image.Threads[1]));
        Assert.Equal(["Map 5000", "StartThread 1", "Store 5*1", "Wait 0", "Store 8*1"], TestTraces.Describe(image.Threads[0]));
    }

    [Fact]
    public void Load_WokenByOneOfThree_WaitsForThatOneAlone()
    {
        const string Records = "t 0\nm 5000 6000 3 22 - 0\nn 11\nn 12\nt 2\nW 5\nt 1\nW 6\nt 0\nW 7\nt 2\n";
        Assert.Equal(["Store 5*1", "Wait 0"], Words($"{Records}w futex 5 1\n", 2));
        Assert.Equal(["Store 5*1", "Wait 0", "Wait 1"], Words($"{Records}w futex 5 *\n", 2));

        static string[] Words(string text, int thread) => TestTraces.Describe(TestTraces.LoadText(text).Image.Threads[thread]);
    }

    [Fact]
    public void Load_WhatFollowsFromTheLastWaker_IsNotWaitedForTwice()
    {
        ProgramImage image = TestTraces.LoadText(
            "t 0\nm 5000 6000 3 22 - 0\nn 11\nn 12\nt 2\nW 5\nt 1\nW 6\nt 0\nR 6\nt 2\nw futex 5 *\nR 6\n").Image;
        Assert.Equal(["Await 0", "Load 6*1", "Signal 1"], TestTraces.Describe(image.Threads[0])[^3..]);
        Assert.Equal(["Store 5*1", "Wait 1", "Load 6*1"], TestTraces.Describe(image.Threads[2]));
    }

    [Theory]
    [InlineData("", "Await 0")]
    [InlineData("w off_core 900000 -\n", "Wait 0")]
    [InlineData("w off_core 900000 -\nW 7\n", "Wait 0")]
    public void Load_OffItsCore_GivesItUpInTheNextWaitAlone(string before, string wait)
    {
        const string Between = "t 0\nu 5000 1000\nm 5000 1000 3 22 - 0\n";
        string[] words = TestTraces.Describe(
            TestTraces.LoadText($"t 0\n{Two}{Between}t 1\n{before}W 5\n{Between}t 1\nW 5\n", OneGigahertz).Image.Threads[1]);
        string[] waits = [.. words.Where(word => word.Contains("ait ", StringComparison.Ordinal))];
        Assert.Equal([wait, "Await 2"], waits);
        Assert.DoesNotContain("Sleep", string.Join(' ', words));
    }

    [Fact]
    public void Load_FullOrder_SleepsAndWhatFollowsComesBehind()
    {
        ProgramImage image = TestTraces.LoadText(
            $"t 0\n{Two}t 0\nW 7\nt 1\nw futex 500 *\nt 0\nW 8\nt 1\nw nanosleep 70 -\nt 0\nW 9\n",
            OneGigahertz with { Order = ReplayOrder.Full }).Image;
        Assert.Equal(
            ["Await 0", "Store 6*1", "Signal 1", "Wait 2", "Compute 0", "Signal 3", "Sleep 46", "Await 4", "Compute 0", "Signal 5"],
            TestTraces.Describe(image.Threads[1]));
        Assert.Equal(
            ["Await 1", "Store 7*1", "Signal 2", "Await 3", "Store 8*1", "Signal 4", "Await 5", "Store 9*1"],
            TestTraces.Describe(image.Threads[0])[^8..]);
    }

    [Theory]
    [InlineData("t 0\nm 5000 6000 3 22 - 0\nn 11\nt 1\nx 1\nW 5\nt 0\nR 5\n", 2)]
    [InlineData("t 0\nm 5000 6000 3 22 - 0\nn 11\nt 1\nx 1\nt 2\nW 5\nt 0\nR 5\n", 2)]
    [InlineData("t 0\nm 5000 6000 3 22 - 0\nx 0\nW 5\nn 11\nR 6\nt 1\nR 5\n", 3)]
    public void Replay_RecordsBehindAThreadsEnd_AreDone(string text, int accesses)
    {
        LoadedTrace trace = TestTraces.LoadText(text);
        Replay replay = new(trace.Image, 1);
        Assert.True(replay.Run());
        Assert.Equal((accesses, accesses), (replay.Accesses, trace.Accesses));
    }

    [Theory]
    [InlineData(ReplayOrder.Areas)]
    [InlineData(ReplayOrder.Pages)]
    [InlineData(ReplayOrder.Full)]
    public void Replay_AnySleeps_EndInEveryInterleaving(ReplayOrder order) =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[2, 120]).Sample((seed, length) =>
        {
            Random random = new(seed);
            StringBuilder text = new();
            foreach (string line in new ThreadedTrace(seed, length).Text.Split('\n'))
            {
                text.Append(line).Append('\n');
                if (text.ToString().Contains("\nt ", StringComparison.Ordinal) && random.Next(3) == 0)
                {
                    string waker = new[] { "-", "*", "0", "1", "2" }[random.Next(5)];
                    text.Append(random.Next(9) switch
                    {
                        0 => "x 1\n",
                        1 or 2 => "w off_core 50 -\n",
                        _ => $"w futex {random.Next(50)} {waker}\n",
                    });
                }
            }

            ProgramImage image = TestTraces.LoadText(text.ToString(), new TraceLoadOptions { Order = order }).Image;
            for (int interleaving = 1; interleaving <= 5; interleaving++)
            {
                Assert.True(new Replay(image, seed + interleaving).Run(), $"seed {seed}: the threads left all wait\n{text}");
            }
        }, iter: 200);

    [Fact]
    public void Load_MoreThanTheBudget_LastsItsTimeAndSaysSo()
    {
        const int Threads = 3_000;
        TraceOrder order = new(new ReadingBudget { Records = 1 });
        order.AddThread(-1, 0);
        for (int thread = 1; thread < Threads; thread++)
        {
            order.AddThread(0, 0);
        }

        int waits = Enumerable.Range(1, 10_000).Count(i => order.Sleep(0, i, [new TraceOrder.Point(1 + (i % 2), i)]));
        Assert.False(order.KeepsSleeps);
        Assert.InRange(waits, 1, 9_999);
        Assert.Equal(waits, order.InsertionsOf(0).Count);
    }

    [Theory]
    [InlineData(TrapModes.Hold)]
    [InlineData(TrapModes.Park)]
    public void Run_ShootdownOfPagesThatASleeperHas_LeavesItsCoreAlone(string traps)
    {
        RunReport slept = Run("w futex 900000 0\n", traps);
        RunReport wasOff = Run("w off_core 900000 -\n", traps);
        RunReport waited = Run("", traps);
        Assert.Equal((0, 0, 1), (slept.Total("ipisSent"), wasOff.Total("ipisSent"), waited.Total("ipisSent")));
        Assert.Equal((0, true), (slept.Cores[1].CyclesOf(CoreCycles.OrderWait), slept.Cores[1].CyclesOf(CoreCycles.Idle) > 0));
        Assert.True(waited.Cores[1].CyclesOf(CoreCycles.OrderWait) > slept.Cores[1].CyclesOf(CoreCycles.Syscall));
    }

    [Fact]
    public void Run_TimedSleep_LastsItsTimeOnTheMachinesClock()
    {
        RunReport one = Run("w nanosleep 1000000 -\n", TrapModes.Hold, ghz: 1);
        RunReport three = Run("w nanosleep 1000000 -\n", TrapModes.Hold, ghz: 3);
        Assert.InRange(one.Cores[1].CyclesOf(CoreCycles.Idle), 900_000, 1_100_000);
        Assert.InRange(three.Cores[1].CyclesOf(CoreCycles.Idle), 2_900_000, 3_100_000);
    }

    [Fact]
    public void Run_LongestSleepsAtTheFastestClock_EndTheRunWithinItsTime()
    {
        string text = "t 0\n" + string.Concat(Enumerable.Repeat($"w pause {VmtRules.MaxSleep} -\n", 200));
        ProgramImage image = TestTraces.LoadText(text, new TraceLoadOptions { Ghz = 100 }).Image;
        ScenarioSpec scenario = TestWorlds.Scenario(1) with { Processes = [new ProcessSpec { Name = "p", Program = _ => image }] };
        using World world = new(scenario);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.NotEqual(RunOutcomes.Completed, report.Outcome);
        Assert.True(report.Threads[0].Ended < 0);
        Assert.True(report.Cores[0].CyclesOf(CoreCycles.Idle) > 8_000_000_000_000_000_000);
    }

    [Fact]
    public void Info_Sleeps_CountsThemAndTheirTime()
    {
        byte[] trace = Encoding.UTF8.GetBytes("t 0\nw futex 500 -\nw futex 20 *\nw poll 0 -\nw off_core 30 -\nw off_core 4 -\n");
        TraceInfo info = TraceInfo.Compute(() => TraceSources.Open(new MemoryStream(trace), "a.vmt"));
        Assert.Equal((2, 520), info.Sleeps["futex"]);
        Assert.Equal((1, 0), info.Sleeps["poll"]);
        Assert.Equal((2, 2, 34), (info.Sleeps.Count, info.OffCore.Count, info.OffCore.Nanoseconds));
        Assert.Empty(info.Operations);
    }

    [Fact]
    public void Cut_Middle_LeavesOutSleepsBeforeIt()
    {
        using MemoryStream text = new();
        using (VmtTextWriter writer = new(text))
        {
            TraceTools.Cut(Source("t 0\nR 1 5\nw poll 7 -\nR 2 5\nw poll 8 -\nR 3\n"), writer, 7, 100);
        }

        Assert.Equal("t 0\nR 2 3\nw poll 8 -\nR 3\n", Encoding.UTF8.GetString(text.ToArray()));
    }

    private static RunReport Run(string sleep, string traps, double ghz = 1)
    {
        // thread 0 takes away pages that thread 1 has used; what follows there comes behind that in either case
        string text = "t 0\ni 100000 100000 3 22 - 0\nn 11\nR 100 4000\nt 1\nW 101\nW 102\nt 0\nR 101 400000\nd 101000 2000 4\n"
            + $"R 100 400000\nm 300000 1000 3 22 - 0\nt 1\n{sleep}W 300\n";
        ProgramImage image = TestTraces.LoadText(text, new TraceLoadOptions { Ghz = ghz }).Image;
        ScenarioSpec scenario = TestWorlds.Scenario(2) with
        {
            Machine = new MachineSpec { Cores = 2, Ghz = ghz },
            Kernel = new KernelProfile { Traps = traps },
            Processes = [new ProcessSpec { Name = "p", Program = _ => image }],
        };
        return TestWorlds.RunThreads(scenario with { Shootdown = scenario.Shootdown with { Protocol = "linux" } });
    }

    private static IVmtSource Source(string text) => TraceSources.Open(new MemoryStream(Encoding.UTF8.GetBytes(text)), "a.vmt");

    private static string Copied(string text, bool binary)
    {
        if (binary)
        {
            using MemoryStream packed = new();
            using (VmtBinaryWriter writer = new(packed))
            {
                TraceTools.Copy(Source(text), writer);
            }

            return Written(TraceSources.Open(new MemoryStream(packed.ToArray()), "a.vmtb"));
        }

        return Written(Source(text));
    }

    private static string Written(IVmtSource source)
    {
        using MemoryStream text = new();
        using (VmtTextWriter writer = new(text))
        {
            TraceTools.Copy(source, writer);
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }
}
