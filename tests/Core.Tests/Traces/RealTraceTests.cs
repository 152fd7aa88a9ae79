using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces;

public class RealTraceTests
{
    // accesses as the capture counted them: I + loads + stores and modifies
    [Theory]
    [InlineData("ls", 1_217_209 + 287_743 + 149_111, 1)]
    [InlineData("gitlog", 3_693_348 + 818_757 + 499_249, 1)]
    [InlineData("mt", 6_339_950 + 50_488 + 6_124_613, 4)]
    public void Load_RealTrace_HasTheCapturesCounts(string name, long accesses, int threads)
    {
        LoadedTrace trace = TestTraces.LoadFile(name + ".vmt.gz");
        Assert.Equal(threads, trace.Image.Threads.Count);
        Assert.Empty(trace.Warnings);
        Assert.InRange(trace.Accesses, accesses, accesses * 1.01);
    }

    [Theory]
    [InlineData("ls")]
    [InlineData("gitlog")]
    [InlineData("mt")]
    [InlineData("forkcow")]
    public void Replay_AnyInterleaving_NeverUsesUnmappedPages(string name)
    {
        LoadedTrace trace = TestTraces.LoadFile(name + ".vmt.gz");
        for (int seed = 1; seed <= (name == "mt" ? 20 : 1); seed++)
        {
            Replay replay = new Replay(trace.Image, seed);
            Assert.True(replay.Run(), $"seed {seed}: the threads left all wait");
            Assert.Equal(0, replay.Unmapped);
            Assert.Equal(trace.Accesses, replay.Accesses);
        }
    }

    [Fact]
    public void Load_ThreadedTrace_NeedsFewEvents()
    {
        LoadedTrace trace = TestTraces.LoadFile("mt.vmt.gz");
        int calls = trace.Image.Threads.Sum(thread => thread.SystemCalls.Count);
        Assert.InRange(trace.Image.EventCount, 1, calls);
    }

    [Fact]
    public void Load_ForkedTrace_LinksTheChildren()
    {
        LoadedTrace trace = TestTraces.LoadFile("forkcow.vmt.gz");
        Assert.Empty(trace.Warnings);
        Assert.Equal(["forkcow.5678", "forkcow.5682", "forkcow.5683"], trace.Image.Children.Select(child => child.Name));
        for (int index = 0; index < 3; index++)
        {
            ulong[] written =
                [.. Words(trace.Image.Children[index]).Where(operation => !operation.IsControl && operation.Kind == AccessKind.Store)
                .Select(operation => operation.PageAddress >> 12).Where(page => page is >= 0x4a2b and < 0x4b2b).Distinct()];
            Assert.Equal(Enumerable.Range(0x4a2b + (64 * index), 64).Select(page => (ulong)page), written);
        }
    }

    private static IEnumerable<Operation> Words(ProgramImage image)
    {
        IOperationStream stream = image.Threads[0].Open();
        ulong[] buffer = new ulong[256];
        for (int count = stream.Read(buffer); count > 0; count = stream.Read(buffer))
        {
            for (int i = 0; i < count; i++)
            {
                yield return new Operation(buffer[i]);
            }
        }
    }
}
