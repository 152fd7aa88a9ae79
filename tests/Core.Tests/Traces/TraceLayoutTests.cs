using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Traces;
using VmSim.Core.Workloads;

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
        TraceLayout layout = Layout(TestTraces.LoadText(Movable));
        Assert.Equal(LayoutClass.Executable, layout.ClassOf(0x5555_5555_4000));
        Assert.Equal(LayoutClass.Heap, layout.ClassOf(0x5555_5556_0000));
        Assert.Equal(LayoutClass.Stack, layout.ClassOf(0x7FFF_FFFF_E000));
        Assert.Equal(LayoutClass.Mappings, layout.ClassOf(0x7FFF_F7A0_0000));
        Assert.Equal(0UL, layout.KeptPages);
    }

    [Fact]
    public void Randomize_SameSeed_IsTheSameAndOtherSeedsDiffer()
    {
        TraceLayout layout = Layout(TestTraces.LoadText(Movable));
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
        LoadedTrace trace = TestTraces.LoadFile(file);
        ProgramImage recorded = trace.Image;
        TraceLayout layout = Layout(trace);
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
        TraceLayout layout = Layout(TestTraces.LoadText(Fixed));
        ProgramImage moved = layout.Randomize(7);
        Assert.Equal(3UL, layout.KeptPages);
        Assert.Equal(0x40_0000UL, moved.InitialMappings[0].Start.Value);
        Assert.Equal(["Load 400*1", "Load 0*1"], TestTraces.Describe(moved.Threads[0])[..2]);
        Assert.NotEqual(0x7FFF_F7A0_0000UL, moved.Threads[0].SystemCalls[0].Start.Value);
    }

    /// <summary>
    /// Each class moves as far as the kernel moves it at most; the heap stays behind the program's file, and all keep their sets of the
    /// filter.
    /// </summary>
    [Fact]
    public void Randomize_ManySeeds_MovesEachClassAsFarAsTheKernelDoes()
    {
        LoadedTrace trace = TestTraces.LoadText(Movable);
        Assert.Equal(16, trace.FilterSets);
        TraceLayout layout = Layout(trace);
        ulong[] most = new ulong[4];
        for (ulong seed = 1; seed <= 200; seed++)
        {
            ProgramImage moved = layout.Randomize(seed);
            ulong program = moved.InitialMappings[0].Start.Value - 0x5555_5555_4000;
            ulong mappings = 0x7FFF_F7DD_0000 - moved.InitialMappings[1].Start.Value;
            ulong stack = trace.Image.InitialMappings[2].Start.Value - moved.InitialMappings[2].Start.Value;
            ulong heap = moved.InitialBreak.Value - 0x5555_5556_0000 - program;
            ulong[] distances = [program, mappings, stack, heap];
            Assert.All(distances, distance => Assert.Equal(0UL, distance % 0x1_0000));
            most = [.. most.Zip(distances, Math.Max)];
        }

        Assert.InRange(most[0], 1UL << 39, (1UL << 40) - 1);
        Assert.InRange(most[1], 1UL << 39, (1UL << 40) - 1);
        Assert.InRange(most[2], 1UL << 33, (1UL << 34) - 1);
        Assert.InRange(most[3], 1UL << 29, (1UL << 30) - 1);
    }

    /// <summary>An area that begins at a multiple of 2 MiB, by the kernel or since its ends were cut off, keeps that.</summary>
    [Theory]
    [InlineData("m 7ffff0000000 400000 3 22 - 0", 0x7FFF_F000_0000)]
    [InlineData("m 7fffefff0000 8000000 0 22 - 0\nu 7fffefff0000 10000", 0x7FFF_F000_0000)]
    [InlineData("m 7ffff0000000 40000000 3 40022 - 0", 0x7FFF_F000_0000)]
    public void Randomize_AreaThatIsAligned_StaysAligned(string calls, ulong place)
    {
        LoadedTrace trace = TestTraces.LoadText(
            $"# vmt 1 x pagesize 4096\ni 7ffff7dd0000 3000 5 2 - 0\nt 0\n{calls}\nW {place >> 12:x}\n");
        HashSet<ulong> places = [];
        for (ulong seed = 1; seed <= 20; seed++)
        {
            string[] lines = TestTraces.Describe(Layout(trace).Randomize(seed).Threads[0]);
            string access = lines.Last(line => line.StartsWith("Store ", StringComparison.Ordinal));
            ulong page = Convert.ToUInt64(access.Split(' ')[1].Split('*')[0], 16);
            Assert.Equal(0UL, page % 512);
            places.Add(page);
        }

        Assert.InRange(places.Count, 15, 20);
    }

    /// <summary>48 bits of AArch64 are user space, and files of 64 KiB alignment keep it.</summary>
    [Fact]
    public void Randomize_OnAArch64_MovesTheUpperHalfByMultiplesOf64KiB()
    {
        LoadedTrace trace = TestTraces.LoadText(
            "# vmt 1 x pagesize 4096\nf 1 /lib/c\ni ffffe7dd0000 30000 5 2 1 0\nt 0\nR ffffe7dd1\n");
        TraceLayout layout = new(trace.Image, LayoutEntropy.Of(PageTableFormats.AArch64), trace.FilterSets);
        Assert.Equal(0UL, layout.KeptPages);
        HashSet<ulong> places = [.. Enumerable.Range(1, 20).Select(seed => layout.Randomize((ulong)seed).InitialMappings[0].Start.Value)];
        Assert.InRange(places.Count, 15, 20);
        Assert.All(places, place => Assert.Equal(0UL, place % 0x1_0000));
        Assert.All(places, place => Assert.InRange(0xFFFF_E7DD_0000 - place, 0UL, (1UL << 30) - 1));
    }

    [Theory]
    [InlineData("# vmt 1 sets=8 pagesize 4096 filter direct-mapped sets=32 (separate I and D)", 32)]
    [InlineData("# vmt 1 x pagesize 4096 filter direct-mapped sets=24", 1)]
    [InlineData("# vmt 1 sets=8 pagesize 4096", 1)]
    [InlineData("# filter sets=8", 1)]
    public void FilterSets_OfAHeader_AreThoseBehindFilter(string header, int sets) =>
        Assert.Equal(sets, TestTraces.LoadText($"{header}\nt 0\nR 1\n").FilterSets);

    private static TraceLayout Layout(LoadedTrace trace) =>
        new(trace.Image, LayoutEntropy.Of(PageTableFormats.X64), trace.FilterSets);

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
