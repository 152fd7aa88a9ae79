using System.IO.Compression;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces;

public class VmtReaderTests
{
    private const string Header = "# vmt 1 test pagesize 4096 filter direct-mapped sets=16\n";

    [Fact]
    public void Load_OneThread_KeepsEveryRecord()
    {
        LoadedTrace trace = TestTraces.LoadText(
            Header + "f 7 /bin/x\ni 1000 1000 5 2 7 3000\nt 0\nI 1 5\nR 2\nW 3 2\ns 4fff 2 W\nm 10000 1800 3 22 - 0\nu 10000 1800\n");
        Assert.Equal(
            ["Fetch 1*5", "Load 2*1", "Store 3*2", "KernelStore 4", "KernelStore 5", "Map 10000", "Unmap 10000"],
            TestTraces.Describe(trace.Image.Threads[0]));
        SystemCall initial = Assert.Single(trace.Image.InitialMappings);
        Assert.Equal((MappingSource.File, 0, 0x3000UL, false), (initial.Source, initial.FileId, initial.Offset, initial.Shared));
        Assert.Equal(Protection.Read | Protection.Execute, initial.Protection);
        Assert.Equal("/bin/x", trace.Image.Files[0].Path);
        Assert.Equal(8, trace.Accesses);
        Assert.Equal(0x1800UL, trace.Image.Threads[0].SystemCalls[0].Length);
    }

    [Fact]
    public void Load_LongRun_TakesSeveralOperations()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nI 9 3000\nR 8\n");
        Assert.Equal(["Fetch 9*1024", "Fetch 9*1024", "Fetch 9*952", "Load 8*1"], TestTraces.Describe(trace.Image.Threads[0]));
        Assert.Equal(3001, trace.Accesses);
    }

    [Fact]
    public void Load_HugeRun_StaysSmallInMemory()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nI 9 1099511627776\n");
        ulong[] buffer = new ulong[1000];
        Assert.Equal(1000, trace.Image.Threads[0].Open().Read(buffer));
        Assert.All(buffer, word => Assert.Equal(1024, new Operation(word).Count));
    }

    [Fact]
    public void Load_UserOfRemoteMapping_WaitsForIt()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nn 11\nm 5000 2000 3 22 - 0\nR 5\nt 1\nR 5\nR 6\nR 1\n");
        Assert.Equal(["StartThread 1", "Map 5000", "Signal 0", "Load 5*1"], TestTraces.Describe(trace.Image.Threads[0]));
        Assert.Equal(["Await 0", "Load 5*1", "Load 6*1", "Load 1*1"], TestTraces.Describe(trace.Image.Threads[1]));
        Assert.Equal(1, trace.Image.EventCount);
        Assert.False(trace.Image.Threads[1].StartsRunnable);
    }

    [Fact]
    public void Load_Unmapping_WaitsForLastRemoteUse()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nm 5000 2000 3 22 - 0\nn 11\nt 1\nR 5\nR 6\nR 1\nt 0\nu 5000 2000\n");
        Assert.Equal(["Map 5000", "StartThread 1", "Await 0", "Unmap 5000"], TestTraces.Describe(trace.Image.Threads[0]));
        Assert.Equal(["Load 5*1", "Load 6*1", "Signal 0", "Load 1*1"], TestTraces.Describe(trace.Image.Threads[1]));
    }

    [Fact]
    public void Load_ImpliedOrder_NeedsNoEvent()
    {
        // thread 2 learns of thread 0's mapping through thread 1's unmapping, so one wait is enough
        LoadedTrace trace = TestTraces.LoadText(
            "t 0\nn 11\nn 12\nm 7000 1000 3 22 - 0\nm 5000 1000 3 22 - 0\nt 1\nu 5000 1000\nm 5000 1000 3 22 - 0\nt 2\nR 5\nR 7\n");
        Assert.Equal(["Await 1", "Load 5*1", "Load 7*1"], TestTraces.Describe(trace.Image.Threads[2]));
        Assert.Equal(
            ["StartThread 1", "StartThread 2", "Map 7000", "Map 5000", "Signal 0"], TestTraces.Describe(trace.Image.Threads[0])[..5]);
    }

    [Fact]
    public void Load_DisjointRanges_NeedNoEvents()
    {
        LoadedTrace trace = TestTraces.LoadText(
            "t 0\nn 11\nm 5000 1000 3 22 - 0\nR 5\nt 1\nm 9000 1000 3 22 - 0\nR 9\nu 9000 1000\nt 0\nu 5000 1000\n");
        Assert.Equal(0, trace.Image.EventCount);
    }

    [Fact]
    public void Load_ForkWithThreads_StandsBetweenMemoryOperations()
    {
        LoadedTrace trace = TestTraces.LoadText(
            "t 0\nn 11\nt 1\nm 9000 1000 3 22 - 0\nt 0\nk fork 44\nt 1\nu 9000 1000\n",
            new TraceLoadOptions { OpenFile = name => name == "test.44.vmt" ? new MemoryStream("t 0\nR 9\n"u8.ToArray()) : null });
        Assert.Equal(["StartThread 1", "Await 0", "Fork 0", "Signal 1"], TestTraces.Describe(trace.Image.Threads[0]));
        Assert.Equal(["Map 9000", "Signal 0", "Await 1", "Unmap 9000"], TestTraces.Describe(trace.Image.Threads[1]));
        Assert.Equal(["Load 9*1"], TestTraces.Describe(trace.Image.Children[0].Threads[0]));
        Assert.Empty(trace.Warnings);
    }

    [Fact]
    public void Load_ExecAfterBreaks_KeepsTheFirstProgramsHeap()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nb 10000\nb 14000\nW 11\nk exec\nb 50000\nb 52000\nW 51\n");
        Assert.Equal(0x1_0000UL, trace.Image.InitialBreak.Value);
        Assert.Equal(
            ["SetBreak 10000", "SetBreak 14000", "Store 11*1", "Unmap 0", "Map 50000", "Store 51*1"],
            TestTraces.Describe(trace.Image.Threads[0]));
    }

    [Fact]
    public void Load_ForkAfterExec_TheChildsHeapIsTheNewPrograms()
    {
        LoadedTrace trace = TestTraces.LoadText(
            "t 0\nb 10000\nk exec\nb 50000\nb 52000\nk fork 44\n",
            new TraceLoadOptions
            {
                OpenFile = name =>
                name == "test.44.vmt" ? new MemoryStream("t 0\nb 54000\nW 53\n"u8.ToArray()) : null
            });
        Assert.Equal(["Map 52000", "Store 53*1"], TestTraces.Describe(trace.Image.Children[0].Threads[0]));
    }

    [Fact]
    public void Load_ForkWithoutTrace_WarnsAndGivesEmptyChild()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nk fork 44\n");
        Assert.Contains("44", Assert.Single(trace.Warnings));
        Assert.Empty(TestTraces.Describe(Assert.Single(trace.Image.Children).Threads[0]));
    }

    [Fact]
    public void Load_ReusedThreadNumber_IsANewThread()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nn 1\nt 1\nR 1\nx 1\nt 0\nn 2\nt 1\nR 2\nx 1\n");
        Assert.Equal(3, trace.Image.Threads.Count);
        Assert.Equal(["Load 1*1", "Exit 0"], TestTraces.Describe(trace.Image.Threads[1]));
        Assert.Equal(["Load 2*1", "Exit 0"], TestTraces.Describe(trace.Image.Threads[2]));
    }

    [Fact]
    public void Load_ComputeAndCores_ShapeTheThreads()
    {
        LoadedTrace trace = TestTraces.LoadText(
            "t 0\nR 1 5\nn 1\nn 2\nt 1\nW 2\nm 5000 1000 3 22 - 0\n",
            new TraceLoadOptions { Compute = 7, Cores = [new CoreId(4), new CoreId(6)] });
        Assert.Equal(["Load 1*5", "Compute 23", "StartThread 1", "StartThread 2"], TestTraces.Describe(trace.Image.Threads[0]));
        Assert.Equal(["Store 2*1", "Compute 7", "Map 5000"], TestTraces.Describe(trace.Image.Threads[1]));
        Assert.Equal([4, 6, 4], trace.Image.Threads.Select(thread => thread.Core!.Value.Value));
    }

    [Fact]
    public void Load_ThreadBeforeItsClone_StartsWhereItIsSeen()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nR 1\nt 1\nR 2\nt 0\nn 2\nR 3\n");
        Assert.Equal(2, trace.Image.Threads.Count);
        Assert.Equal(["Load 1*1", "StartThread 1", "Load 3*1"], TestTraces.Describe(trace.Image.Threads[0]));
    }

    [Fact]
    public void Load_Exec_ReplacesTheAddressSpace()
    {
        LoadedTrace trace = TestTraces.LoadText(
            "i 1000 1000 5 22 - 0\nt 0\nb 8000\nk exec\ni 2000 1000 5 22 - 0\nb 9000\nb b000\nb a000\n");
        Assert.Equal(["SetBreak 8000", "Unmap 0", "Map 2000", "Map 9000", "Unmap a000"], TestTraces.Describe(trace.Image.Threads[0]));
    }

    [Fact]
    public void Load_StackMapping_MayGrowToItsLimit()
    {
        LoadedTrace trace = TestTraces.LoadText("i 1ffe900000 1000 3 22 - 0\ni 1ffefff000 2000 3 122 - 0 [stack]\nt 0\n");
        Assert.Equal(new VirtAddr(0x1ffe901000), trace.Image.InitialMappings[1].Start);
        Assert.Equal(0x1fff001000UL - 0x1ffe901000UL, trace.Image.InitialMappings[1].Length);
    }

    [Theory]
    [InlineData("t 0\nQ 1\n", 2, "Q 1")]
    [InlineData("t 0\nI 1\nI zz\n", 3, "I zz")]
    [InlineData("I 1 0\n", 1, "I 1 0")]
    [InlineData("I 1 2 3\n", 1, "I 1 2 3")]
    [InlineData("m 1000 0 3 22 - 0\n", 1, "m 1000 0 3 22 - 0")]
    [InlineData("m 1000 ffffffffffffffff 3 22 - 0\n", 1, "m 1000 ffffffffffffffff 3 22 - 0")]
    [InlineData("s 1000 ffffffffff R\n", 1, "s 1000 ffffffffff R")]
    [InlineData("# vmt 2 x\n", 1, "# vmt 2 x")]
    [InlineData("# vmt 1 x pagesize 16384\n", 1, "# vmt 1 x pagesize 16384")]
    [InlineData("t -1\n", 1, "t -1")]
    [InlineData("f 1\n", 1, "f 1")]
    [InlineData("I10\n", 1, "I10")]
    public void Load_BadLine_NamesIt(string text, int line, string found)
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => TestTraces.LoadText(text));
        Assert.Equal(("test.vmt", line, found), (error.File, error.Line, error.Found));
        Assert.NotEmpty(error.Allowed);
    }

    [Fact]
    public void Load_BadLineWithSalvage_KeepsWhatStandsBefore()
    {
        LoadedTrace trace = TestTraces.LoadText("t 0\nR 1\nR 2\nnonsense\nR 3\n", new TraceLoadOptions { Salvage = true });
        Assert.Equal(["Load 1*1", "Load 2*1"], TestTraces.Describe(trace.Image.Threads[0]));
        Assert.Contains("line 4", Assert.Single(trace.Warnings));
    }

    [Fact]
    public void Load_TruncatedGzip_IsAnErrorAtAByte()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(TestTraces.Folder, "ls.vmt.gz"));
        TraceFormatException error = Assert.Throws<TraceFormatException>(
            () => VmtReader.Load(new MemoryStream(whole, 0, whole.Length / 2), "cut.vmt.gz"));
        Assert.True(error.ByteOffset > 0, error.Message);
    }

    [Fact]
    public void Load_DamagedGzip_IsAnErrorAtAByteOrALine()
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(TestTraces.Folder, "ls.vmt.gz"));
        for (int i = 100; i < bytes.Length - 20; i += 997)
        {
            byte[] damaged = [.. bytes];
            damaged[i] ^= 0x55;
            TraceFormatException error = Assert.Throws<TraceFormatException>(() => VmtReader.Load(new MemoryStream(damaged), "bad.vmt.gz"));
            Assert.Equal("bad.vmt.gz", error.File);
        }
    }

    [Fact]
    public void Load_TruncatedGzipWithSalvage_GivesTheBeginning()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(TestTraces.Folder, "ls.vmt.gz"));
        LoadedTrace trace = VmtReader.Load(
            new MemoryStream(whole, 0, whole.Length / 2), "cut.vmt.gz", new TraceLoadOptions { Salvage = true });
        Assert.InRange(trace.Records, 1000, 53_000);
        Assert.Single(trace.Warnings);
    }

    [Fact]
    public void Load_PlainAndGzip_AreTheSame()
    {
        byte[] text = "t 0\nI 1 5\n"u8.ToArray();
        using MemoryStream packed = new MemoryStream();
        using (GZipStream gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(text);
        }

        packed.Position = 0;
        Assert.Equal(5, VmtReader.Load(packed, "a.vmt.gz").Accesses);
        Assert.Equal(5, VmtReader.Load(new MemoryStream(text), "a.vmt").Accesses);
    }
}
