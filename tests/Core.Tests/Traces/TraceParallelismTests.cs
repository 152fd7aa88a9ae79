using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces;

public sealed class TraceParallelismTests
{
    [Fact]
    public void Of_ThreadsThatShareNothing_IsThatOfTheThreads()
    {
        TraceParallelism found = Of("t 0\nn 1\nn 2\nW 10 50\nt 1\nW 20 100\nt 2\nW 30 50\n");
        Assert.Equal((2.0, 2.0), (found.Kept, found.Free));
    }

    [Fact]
    public void Of_ThreadsThatPassAMappingOn_IsLess()
    {
        // Thread 1 uses what thread 0 maps after 100 accesses, and thread 0 unmaps it after thread 1's 100.
        TraceParallelism found = Of("t 0\nn 1\nW 10 100\nm 5000 1000 3 22 - 0\nt 1\nW 5 100\nt 0\nu 5000 1000\nW 11 100\n");
        Assert.Equal((1.0, 1.5), (found.Kept, found.Free));
    }

    private static TraceParallelism Of(string trace) => TraceParallelism.Of(TestTraces.LoadText(trace).Image);
}
