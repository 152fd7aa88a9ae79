using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces.Import.Strace;

/// <summary>Logs that strace 6.1 wrote, against counts of their lines that a script made.</summary>
public class StraceRealLogTests
{
    [Theory]
    [InlineData("thread-exec.log.gz", 180, 162, 10, 24, 4, 60, 5, 0)]
    [InlineData("thread-stderr.log.gz", 180, 162, 10, 24, 4, 60, 5, 0)]
    [InlineData("threads.24579.gz", 180, 162, 10, 24, 4, 60, 5, 0)]
    [InlineData("pipeline-stderr.log.gz", 99, 6, 15, 0, 12, 0, 0, 4)]
    [InlineData("pipeline.22563.gz", 128, 6, 20, 0, 15, 0, 0, 4)]
    public void Import_RealLog_HasEveryCall(
        string name, long mmap, long munmap, long mprotect, long mremap, long brk, long madvise, long clone, long fork)
    {
        StraceLogs logs = StraceLogs.OfFile(name);
        Assert.Equal(
            (mmap, munmap, mprotect, mremap, brk, madvise, clone, fork),
            (
                Count("mmap"), Count("munmap"), Count("mprotect"), Count("mremap"),
                Count("brk"), Count("madvise"), Count("clone"), Count("fork")));
        Assert.Equal(0, logs.Summary.Dropped);
        Assert.Empty(logs.Summary.WithoutResult);
        LoadedTrace trace = logs.Load();
        Assert.Empty(trace.Warnings);
        Assert.True(new Replay(trace.Image, 1).Run());

        long Count(string call) =>
            logs.Summary.Calls.GetValueOrDefault(call) + logs.Summary.Processes.Sum(child => child.Summary.Calls.GetValueOrDefault(call));
    }

    [Fact]
    public void Import_LogsOfThreadsWithoutTimes_AreRefused()
    {
        Dictionary<string, string> logs = new(StringComparer.Ordinal)
        {
            ["log.10"] = "clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD) = 11\n",
            ["log.11"] = "brk(NULL) = 0x5000\n",
        };
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => StraceLogs.Of(logs["log.10"], file: "log.10", others: logs));
        Assert.Contains("-ttt", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, StraceLogs.Of(logs["log.10"], drop: true, file: "log.10", others: logs).Summary.Dropped);
    }

    [Fact]
    public void Import_CallsOfThreadsThatOverlap_CountWhenTheyEnd()
    {
        Dictionary<string, string> logs = new(StringComparer.Ordinal)
        {
            ["log.10"] = """
                1.000000 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000 <0.000010>
                1.000100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD) = 11 <0.000010>
                1.000300 munmap(0x7f0000001000, 4096) = 0 <0.000010>
                """.Replace("1.0", "1700000000.0", StringComparison.Ordinal),
            ["log.11"] = "1700000000.000200 mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000 <0.000200>\n",
        };
        Assert.EndsWith(
            "u 7f0000001000 1000\nt 1\nm 7f0000001000 1000 0 22 - 0\n",
            StraceLogs.Of(logs["log.10"], file: "log.10", others: logs).Text,
            StringComparison.Ordinal);
    }
}
