using System.Text;
using VmSim.Core.Programs;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;
using VmSim.Core.Traces.Import.Strace;

namespace VmSim.Core.Tests.Traces;

/// <summary>From where calls are made: records, replays, and logs that say so.</summary>
public class CallSiteTests
{
    private const string Logged = """
        mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
         > /usr/lib/libc.so.6(__mmap+0x13) [0x1019b3]
         > /tmp/pool(pool_take+0x20) [0x1180]
         > /tmp/pool(main+0x58) [0x121c]
        munmap(0x7f0000000000, 4096)         = 0
         > /usr/lib/libc.so.6(__munmap+0x7) [0x101a07]
         > /tmp/pool(pool_release+0x9) [0x11a0] /home/me/a pool (2).c:212
        getpid()                                = 5
         > /usr/lib/libc.so.6(getpid+0x7) [0x1]
        munmap(0x7f0000001000, 4096)            = 0
        +++ exited with 0 +++
        """;

    [Fact]
    public void Text_SitesAndCallsFromThem_AreTheSameThroughBothForms()
    {
        const string Text = "t 0\ng 1 munmap libc.so.6+0x7;pool_release pool.c:212;main pool.c:40\n@ 1\nu 5000 1000\n"
            + "g 2147483647 f\n@ 2147483647\nu 6000 1000\n";
        Assert.Equal(Text, Copied(Text, binary: false));
        Assert.Equal(Text, Copied(Text, binary: true));
    }

    [Theory]
    [InlineData("g 1")]
    [InlineData("g x f")]
    [InlineData("g 2147483648 f")]
    [InlineData("g 1 f;")]
    [InlineData("g 1 f;;h")]
    [InlineData("@")]
    [InlineData("@ 2147483648")]
    [InlineData("@ 1 2")]
    [InlineData("@ 7")]
    public void Text_WhatIsNoSite_IsRefusedWithItsLine(string line)
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => TestTraces.LoadText($"t 0\n{line}\n"));
        Assert.Equal(2, error.Line);
    }

    [Fact]
    public void Text_TooManyFramesOrOneTooLong_IsRefused()
    {
        string most = string.Join(';', Enumerable.Repeat("f", CallSite.FramesMax));
        TestTraces.LoadText($"g 1 {most}\n");
        Assert.Throws<TraceFormatException>(() => TestTraces.LoadText($"g 1 {most};f\n"));
        TestTraces.LoadText($"g 1 {new string('f', CallSite.FrameLengthMax)}\n");
        Assert.Throws<TraceFormatException>(() => TestTraces.LoadText($"g 1 {new string('f', CallSite.FrameLengthMax + 1)}\n"));
    }

    /// <summary>A site is that of the thread's next record alone, if it is a call.</summary>
    [Fact]
    public void Load_CallFrom_IsTheNextCallOfItsThread()
    {
        ProgramImage image = TestTraces.LoadText(
            "g 1 a;b\ng 2 c\nt 0\nm 5000 4000 3 22 - 0\nn 11\n@ 1\nt 1\n@ 2\nu 5000 1000\nu 6000 1000\n"
                + "t 0\nu 7000 1000\n@ 1\nW 8\nu 8000 1000\n").Image;
        Assert.Equal([null, "a;b", null], image.Threads[0].SystemCalls.Select(call => call.Site?.Text));
        Assert.Equal(["c", null], image.Threads[1].SystemCalls.Select(call => call.Site?.Text));
    }

    [Theory]
    [InlineData("munmap libc.so.6+0x7;pool_release pool.c:212;main pool.c:40", "pool_release pool.c:212")]
    [InlineData("__munmap libc.so.6+0x7;free libc.so.6+0x9;main pool+0x40", "main pool+0x40")]
    [InlineData("__munmap libc.so.6+0x7;free libc-2.31.so+0x9", "__munmap libc.so.6+0x7")]
    [InlineData("munmap", "munmap")]
    [InlineData("0x7f00", "0x7f00")]
    public void Place_OfFrames_IsTheLineThatAReaderLooksFor(string frames, string expected) =>
        Assert.Equal(expected, new CallSite(frames.Split(';')).Place);

    [Fact]
    public void Import_StraceWithStacks_NamesTheSitesOfCalls()
    {
        string[] trace = Imported(stacks: true);
        Assert.Equal(
            [
                "g 1 __mmap libc.so.6+0x1019b3;pool_take pool.c:12;main pool+0x121c",
                "@ 1",
                "m 7f0000000000 2000 3 22 - 0",
                "g 2 __munmap libc.so.6+0x101a07;pool_release a_pool_(2).c:212",
                "@ 2",
                "u 7f0000000000 1000",
                "u 7f0000001000 1000",
            ],
            trace.Where(line => line[0] is 'g' or '@' or 'm' or 'u'));
        Assert.DoesNotContain(Imported(stacks: false), line => line[0] is 'g' or '@');
    }

    /// <summary>What a program writes between the lines is no frame, and is refused as any other text.</summary>
    [Theory]
    [InlineData(" > hello")]
    [InlineData(" > a prompt (of 3) ]")]
    public void Import_StraceWithTextOfTheProgram_IsRefusedWithItsLine(string text)
    {
        string log = Logged.Replace("getpid()", text + "\ngetpid()", StringComparison.Ordinal);
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => Imported(stacks: true, log));
        Assert.Equal(8, error.Line);
    }

    private static string[] Imported(bool stacks, string log = Logged)
    {
        using MemoryStream text = new();
        using (VmtTextWriter writer = new(text))
        {
            ImportSummary summary = new StraceImporter().Import(new MemoryStream(Encoding.UTF8.GetBytes(log)), writer, new ImportOptions
            {
                Stacks = stacks,
                SourceLine = (module, address) => (module, address) is ("/tmp/pool", 0x117f) ? "pool.c:12" : null,
            });
            Assert.Equal((11, 0), (summary.Lines, summary.Dropped));
        }

        return Encoding.UTF8.GetString(text.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Copied(string text, bool binary)
    {
        using MemoryStream copy = new();
        IVmtSink sink = binary ? new VmtBinaryWriter(copy) : new VmtTextWriter(copy);
        TraceTools.Copy(TraceSources.Open(new MemoryStream(Encoding.UTF8.GetBytes(text)), "t.vmt"), sink);
        ((IDisposable)sink).Dispose();
        if (!binary)
        {
            return Encoding.UTF8.GetString(copy.ToArray());
        }

        using MemoryStream back = new();
        using (VmtTextWriter writer = new(back))
        {
            TraceTools.Copy(TraceSources.Open(new MemoryStream(copy.ToArray()), "t.vmtb"), writer);
        }

        return Encoding.UTF8.GetString(back.ToArray());
    }
}
