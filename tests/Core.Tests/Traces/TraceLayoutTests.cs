using VmSim.Core.Programs;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces;

/// <summary>Copies of a trace at addresses of their own.</summary>
public sealed class TraceLayoutTests
{
    private const string Movable = """
        # vmt 1 x pagesize 4096 filter direct-mapped sets=16
        f 1 /bin/x
        f 2 /lib/c
        i 555555554000 2000 5 2 1 0
        i 7ffff7dd0000 3000 5 2 2 0
        i 7ffffffde000 21000 3 122 - 0 [stack]
        t 0
        b 555555560000
        b 555555564000
        m 7ffff7a00000 4000 3 22 - 0
        R 555555554
        R 7ffff7dd1
        W 7fffffffe
        W 555555560
        W 7ffff7a03
        s 7ffff7a01000 2000 W
        r 7ffff7a00000 4000 8000 1 7ffff7b00000
        W 7ffff7b07
        """;

    private const string Fixed = """
        # vmt 1 x pagesize 4096 filter direct-mapped sets=16
        f 1 /bin/x
        i 400000 2000 5 2 1 0
        t 0
        R 400
        R 0
        m 7ffff7a00000 4000 3 22 - 0
        W 7ffff7a03
        """;

    [Fact]
    public void ClassOf_MappedBeforeTheStart_IsTheAreasOwn()
    {
        TraceLayout layout = new(TestTraces.LoadText(Movable).Image);
        Assert.Equal(LayoutClass.Executable, layout.ClassOf(0x5555_5555_4000));
        Assert.Equal(LayoutClass.Heap, layout.ClassOf(0x5555_5556_0000));
        Assert.Equal(LayoutClass.Stack, layout.ClassOf(0x7FFF_FFFF_E000));
        Assert.Equal(LayoutClass.Mappings, layout.ClassOf(0x7FFF_F7A0_0000));
        Assert.Equal(0UL, layout.KeptPages);
    }

    [Fact]
    public void Randomize_SameSeed_IsTheSameAndOtherSeedsDiffer()
    {
        TraceLayout layout = new(TestTraces.LoadText(Movable).Image);
        string[] first = TestTraces.Describe(layout.Randomize(1).Threads[0]);
        Assert.Equal(first, TestTraces.Describe(layout.Randomize(1).Threads[0]));
        Assert.Equal(
            16,
            Enumerable.Range(1, 16).Select(seed => string.Join(' ', TestTraces.Describe(layout.Randomize((ulong)seed).Threads[0])))
                .Distinct().Count());
    }

    [Theory]
    [InlineData("ls.vmt.gz")]
    [InlineData("mt.vmt.gz")]
    [InlineData("forkcow.vmt.gz")]
    public void Randomize_RealTrace_MovesEveryPageByItsClassAndNoTwoMeet(string file)
    {
        ProgramImage recorded = TestTraces.LoadFile(file).Image;
        TraceLayout layout = new(recorded);
        for (ulong seed = 1; seed <= 4; seed++)
        {
            Dictionary<ulong, ulong> moved = [];
            Compare(recorded, layout.Randomize(seed), moved);
            Assert.Equal(moved.Count, moved.Values.Distinct().Count());
            Assert.Contains(moved, pair => pair.Key != pair.Value);
        }
    }

    [Fact]
    public void Randomize_ProgramOfFixedAddresses_KeepsAndCountsThem()
    {
        TraceLayout layout = new(TestTraces.LoadText(Fixed).Image);
        ProgramImage moved = layout.Randomize(7);
        Assert.Equal(3UL, layout.KeptPages);
        Assert.Equal(0x40_0000UL, moved.InitialMappings[0].Start.Value);
        Assert.Equal(["Load 400*1", "Load 0*1"], TestTraces.Describe(moved.Threads[0])[..2]);
        Assert.NotEqual(0x7FFF_F7A0_0000UL, moved.Threads[0].SystemCalls[0].Start.Value);
    }

    private static void Compare(ProgramImage recorded, ProgramImage copy, Dictionary<ulong, ulong> moved)
    {
        for (int index = 0; index < recorded.Threads.Count; index++)
        {
            IOperationStream left = recorded.Threads[index].Open();
            IOperationStream right = copy.Threads[index].Open();
            ulong[] leftWord = new ulong[1];
            ulong[] rightWord = new ulong[1];
            while (left.Read(leftWord) > 0)
            {
                Assert.Equal(1, right.Read(rightWord));
                Operation before = new(leftWord[0]);
                Operation after = new(rightWord[0]);
                Assert.Equal(leftWord[0] & 0xFF, rightWord[0] & 0xFF);
                if (!before.IsControl)
                {
                    Note(before.PageAddress, after.PageAddress, moved);
                }
            }

            Assert.Equal(0, right.Read(rightWord));
            foreach ((SystemCall before, SystemCall after) in recorded.Threads[index].SystemCalls.Zip(copy.Threads[index].SystemCalls))
            {
                Assert.Equal(before with { Start = after.Start, NewStart = after.NewStart }, after);
            }
        }

        for (int index = 0; index < recorded.Children.Count; index++)
        {
            Compare(recorded.Children[index], copy.Children[index], moved);
        }
    }

    private static void Note(ulong before, ulong after, Dictionary<ulong, ulong> moved)
    {
        moved.TryAdd(before, after);
        Assert.Equal(moved[before], after);
    }
}
