using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

public class LackeyImporterTests
{
    [Fact]
    public void Import_ThreadedLog_CountsEveryLine()
    {
        (ImportSummary summary, string text) = ImportThreaded();
        Assert.Equal((330_913, 229_161, 3, 0), (summary.Fetches, summary.DataReferences, summary.Threads, summary.Dropped));
        Assert.Equal(
            new Dictionary<string,
                long>
            { ["mmap"] = 22, ["munmap"] = 9, ["mprotect"] = 9, ["madvise"] = 4, ["brk"] = 3, ["mremap"] = 1, ["clone"] = 2 },
            summary.Calls);
        LoadedTrace trace = TestTraces.LoadText(text);

        // a reference that crosses pages counts on both
        Assert.InRange(trace.Accesses, 330_913 + 229_161, (330_913 + 229_161) * 1.01);
        Assert.Equal(3, trace.Image.Threads.Count);
    }

    [Fact]
    public void Import_ThreadedLog_ReplaysOnMappedMemory()
    {
        LoadedTrace trace = TestTraces.LoadText(ImportThreaded().Text);
        for (int seed = 1; seed <= 10; seed++)
        {
            Replay replay = new Replay(trace.Image, seed);
            Assert.True(replay.Run());
            Assert.Equal(0, replay.Unmapped);
        }
    }

    [Fact]
    public void Import_ForkingLog_GivesTheReferenceTrace()
    {
        (ImportSummary summary, string text) = Logs.Import(
            new LackeyImporter { Layout = "forkcow.d.gz" },
            Logs.Open("forkcow.l.5674.gz"),
            new ImportOptions { Name = "forkcow", Open = Logs.Open });
        Assert.Equal([5678UL, 5682UL, 5683UL], summary.Children);
        Assert.Equal(0, summary.Dropped);
        Assert.Equal(Reference("forkcow.vmt.gz"), text);
    }

    [Theory]
    [InlineData(5678)]
    [InlineData(5682)]
    [InlineData(5683)]
    public void Import_ForkedChild_GivesTheReferenceTrace(int process)
    {
        (ImportSummary summary, string text) = Logs.Import(
            "lackey", Logs.Open($"forkcow.l.{process}.gz"), new ImportOptions { Name = "forkcow-child" });
        Assert.Equal(0, summary.Dropped);
        Assert.Equal(Reference($"forkcow.child.{process}.vmt.gz"), text);
    }

    [Fact]
    public void Import_LayoutInTheLogItself_IsFound()
    {
        byte[] layout = Logs.Read("forkcow.d.gz");
        byte[] log = Logs.Read("forkcow.l.5674.gz");
        (_, string text) = Logs.Import("lackey", new MemoryStream([.. layout, .. log]), new ImportOptions { Name = "forkcow" });
        Assert.Equal(Reference("forkcow.vmt.gz"), text);
    }

    [Fact]
    public void Import_SlotUsedAgain_IsANewThread()
    {
        const string Yield = " --7--   SCHED[1]: releasing lock (VG_(vg_yield)) -> VgTs_Yielding";
        (_, string text) = Logs.ImportText("lackey", $"""
            --7--   SCHED[1]: entering VG_(scheduler)
            I  00001000,3
            SYSCALL[7,1](56) sys_clone ( 3d0f00, 0x1, 0x2, 0x2, 0x3 ) --> [pre-success] Success(0x8){Yield}
            --7--   SCHED[2]: entering VG_(scheduler)
             S 00002000,8
            --7--   SCHED[2]: exiting VG_(scheduler)
            --7--   SCHED[1]:  acquired lock (VG_(vg_yield))
            SYSCALL[7,1](56) sys_clone ( 3d0f00, 0x1, 0x2, 0x2, 0x3 ) --> [pre-success] Success(0x9){Yield}
            --7--   SCHED[2]: entering VG_(scheduler)
             L 00003ffc,8
            """);
        Assert.EndsWith("\nt 0\nI 1\nn 8\nt 1\nW 2\nx 1\nt 0\nn 9\nt 2\nR 3\nR 4\n", text);
    }

    [Fact]
    public void Import_ForeignLines_AreCountedAsDropped()
    {
        (ImportSummary summary, _) = Logs.ImportText("lackey", "I  00001000,3\nhello world\nI  zz,3\nI  1000,\n");
        Assert.Equal((1, 3), (summary.Fetches, summary.Dropped));
        Assert.Equal("line 2: hello world", summary.DroppedExamples[0]);
    }

    [Fact]
    public void Import_FailedCall_LeavesNoRecord()
    {
        (ImportSummary summary, string text) = Logs.ImportText(
            "lackey", "SYSCALL[7,1](9) sys_mmap ( 0x0, 8192, 3, 34, 4294967295, 0 ) --> [pre-fail] Failure(0xc) \nI  00001000,3\n");
        Assert.Empty(summary.Calls);
        Assert.DoesNotContain("\nm ", text);
    }

    private static (ImportSummary Summary, string Text) ImportThreaded() => Logs.Import(
        new LackeyImporter { Layout = "mt-2x3.valgrind-d.txt.gz" },
        Logs.Open("mt-2x3.lackey.log.gz"),
        new ImportOptions { Name = "mt", Open = Logs.Open });

    private static string Reference(string name)
    {
        using StreamReader reader = new StreamReader(TraceStreams.Unpack(TestTraces.Open(name)!));
        return reader.ReadToEnd();
    }
}
