using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Core.Workloads.Synthetic.Behaviours;

namespace VmSim.Core.Tests.Engine;

public sealed class WorldMemoryTests
{
    private static readonly PatternProgram Small = new() { Pages = 64, Threads = 1 };

    /// <summary>Each part grows by what it is of, and by nothing else.</summary>
    [Fact]
    public void Of_MoreOfOneThing_GrowsByThat()
    {
        WorldMemory one = Of(Small);
        WorldMemory cores = Of(Small, cores: 1024);
        Assert.Equal((16 * one.Cores, one.Threads, one.Spaces, one.Pages), (cores.Cores, cores.Threads, cores.Spaces, cores.Pages));
        WorldMemory threads = Of(Small with { Threads = 64 });
        Assert.Equal((64 * one.Threads, one.Spaces), (threads.Threads, threads.Spaces));
        WorldMemory spaces = Of(Small, count: 64);
        Assert.Equal((64 * one.Spaces, 64 * one.Threads, 64 * one.Pages), (spaces.Spaces, spaces.Threads, spaces.Pages));
        WorldMemory pages = Of(Small with { Pages = 64 * 64 });
        Assert.Equal((64 * one.Pages, one.Spaces), (pages.Pages, pages.Spaces));
        Assert.Equal(one.Cores + one.Threads + one.Spaces + one.Pages, one.Total);
    }

    /// <summary>What is mapped at the start is counted whole, other pages only as fast as they can be touched, and none twice.</summary>
    [Fact]
    public void Of_Pages_AreThoseThatCanBeMapped()
    {
        PatternProgram vast = Small with { Pages = 1 << 20 };
        long whole = Of(vast).Pages;
        Assert.InRange(whole, 20L << 20, 100L << 20);
        Assert.InRange(Of(vast, until: 600_000).Pages, 1, whole / 500);
        Assert.True(Of(vast with { Populate = true }, until: 600_000).Pages > whole);
        Assert.Equal(Of(vast, bytes: 1 << 20).Pages, Of(Small with { Pages = 256 }).Pages);
    }

    [Fact]
    public void Of_ThreadsThatGetNoTurn_TakeLess()
    {
        PatternProgram many = Small with { Threads = 4096 };
        Assert.True(Of(many, until: 1000).Threads < Of(many).Threads / 5);
        Assert.Equal(Of(many, cores: 4096).Threads, Of(many, cores: 4096, until: 1000).Threads);
    }

    [Fact]
    public void Of_TheChecker_TakesMore() =>
        Assert.True(WorldMemory.Of(Scenario(Small), check: true).Total > WorldMemory.Of(Scenario(Small)).Total);

    /// <summary>The greatest settings give a figure, at once and without the memory.</summary>
    [Fact]
    public void Of_TheGreatestSettings_IsAFigure()
    {
        PatternProgram vast = new() { Pages = 4_294_967_296, Threads = 16, Populate = true };
        long before = GC.GetAllocatedBytesForCurrentThread();
        WorldMemory all = Of(vast, cores: 65_536, count: 65_536, bytes: FramePool.MaxBytes);
        Assert.True(all.Total > 1L << 50);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    /// <summary>A file's pages are in the page cache too, once however many mappings there are.</summary>
    [Fact]
    public void Of_PagesOfFiles_TakeMore()
    {
        MappedWrites writes = new() { Threads = 1, Files = 4, FilePages = 4_096 };
        ProgramImage image = writes.Build(new ProgramContext("p", 0, 1, 64));
        long file = Pages(image) - Pages(Anonymous(image));
        Assert.InRange(file, Pages(Anonymous(image)) / 2, 2 * Pages(Anonymous(image)));
        ProgramImage twice = image with { InitialMappings = [.. image.InitialMappings, .. image.InitialMappings] };
        Assert.Equal(file, Pages(twice) - Pages(Anonymous(twice)));

        // they are touched before the run begins, by advice
        Assert.Equal(Pages(image), Pages(image, until: 1));

        static ProgramImage Anonymous(ProgramImage image) => image with
        {
            InitialMappings = [.. image.InitialMappings.Select(call => call with { Source = MappingSource.Anonymous })],
        };

        static long Pages(ProgramImage image, long until = 0) => WorldMemory.Of(
            Scenario(Small, until: until) with { Processes = [new ProcessSpec { Name = "p", Program = _ => image }] }).Pages;
    }

    /// <summary>A child has its parent's mappings, and its own.</summary>
    [Fact]
    public void Of_Children_AreCounted()
    {
        ProgramImage child = Small.Build(new ProgramContext("child", 0, 1, 64));
        ProgramImage parent = Small.Build(new ProgramContext("parent", 0, 1, 64)) with { Children = [child, child] };
        WorldMemory one = Of(Small);
        WorldMemory family = WorldMemory.Of(Scenario(Small) with { Processes = [new ProcessSpec { Name = "p", Program = _ => parent }] });
        Assert.Equal((3 * one.Spaces, 3 * one.Threads), (family.Spaces, family.Threads));
    }

    private static WorldMemory Of(PatternProgram program, int cores = 64, int count = 1, long until = 0, ulong bytes = 64UL << 30) =>
        WorldMemory.Of(Scenario(program, cores, count, until, bytes));

    private static ScenarioSpec Scenario(
        PatternProgram program, int cores = 64, int count = 1, long until = 0, ulong bytes = 64UL << 30) => new()
        {
            Machine = new MachineSpec { Cores = cores },
            Until = until,
            Memory = new MemorySpec { Bytes = bytes },
            Processes =
            [
                new ProcessSpec { Name = "p", Count = count, Program = copy => program.Build(new ProgramContext("p", copy, 1, cores)) },
            ],
        };
}
