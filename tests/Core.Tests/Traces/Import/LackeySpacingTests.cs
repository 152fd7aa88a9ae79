using CsCheck;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>Lackey logs as handouts have them: without a memory layout, and with spacing that editors and systems changed.</summary>
public class LackeySpacingTests
{
    [Theory]
    [InlineData("handout.trace", 1, 3, 0)]
    [InlineData("long-style.trace", 1, 5, 0)]
    [InlineData("crlf.trace", 1, 1, 0)]
    [InlineData("mixed.trace", 2, 2, 4)]
    public void Import_Handout_CountsEveryLineAndMapsWhereMemoryIsUsed(string file, long fetches, long data, long dropped)
    {
        (ImportSummary summary, string text) = Logs.Import("lackey", Logs.OpenCase("lackey", file));
        Assert.Equal((fetches, data, dropped), (summary.Fetches, summary.DataReferences, summary.Dropped));
        Replay replay = new Replay(TestTraces.LoadText(text).Image, 1);
        Assert.True(replay.Run());
        Assert.Equal(0, replay.Unmapped);
    }

    [Theory]
    [InlineData("I  0400d7d4,8")]
    [InlineData("I 0400d7d4,8")]
    [InlineData(" I\t0400d7d4,8")]
    [InlineData("\tI \t 0x0400D7D4 , 8 ")]
    [InlineData("I  0400d7d4,8\r")]
    [InlineData("I  0400d7d4,8 \t\r")]
    public void Import_OneReference_IsReadWhateverItsSpacing(string line)
    {
        (ImportSummary summary, string text) = Logs.ImportText("lackey", $"{line}\n");
        Assert.Equal((1, 0), (summary.Fetches, summary.Dropped));
        Assert.EndsWith("t 0\nI 400d\n", text);
    }

    [Theory]
    [InlineData("I0400d7d4,8")]
    [InlineData("I 0400d7d4")]
    [InlineData("I 0400d7d4,")]
    [InlineData("I 0400d7d4,0")]
    [InlineData("I 0400d7d4,8x")]
    [InlineData("I 12345678123456789,8")]
    [InlineData("I 0x,8")]
    [InlineData("X 0400d7d4,8")]
    [InlineData("I I 0400d7d4,8")]
    [InlineData("I 0400d7d4,99999999999")]
    [InlineData("I ffffffff81000000,8")]
    public void Import_WhatIsNoReference_IsCounted(string line)
    {
        (ImportSummary summary, _) = Logs.ImportText("lackey", $"I  00001000,3\n{line}\n");
        Assert.Equal((1, 1), (summary.Fetches, summary.Dropped));
        Assert.StartsWith("line 2: ", summary.DroppedExamples[0]);
    }

    [Fact]
    public void Import_RandomSpacing_GivesWhatLackeyItselfWouldHavePrinted()
    {
        Gen<string> blanks = OneOf(" ", "  ", "\t", " \t ");
        Gen<string> maybe = OneOf("", " ", "\t", "  ");
        Gen<(string Plain, string Changed)> line =
            from letter in OneOf('I', 'L', 'S', 'M')
            from address in Gen.ULong[0, (1UL << 47) - 1]
            from size in Gen.Int[1, 64]
            from before in maybe
            from between in blanks
            from left in maybe
            from right in maybe
            from after in maybe
            from end in OneOf("\n", "\r\n")
            from prefix in OneOf("", "0x")
            select (
                letter == 'I' ? $"I  {address:x8},{size}\n" : $" {letter} {address:x8},{size}\n",
                $"{before}{letter}{between}{prefix}{address:x8}{left},{right}{size}{after}{end}");
        line.Array[1, 60].Sample(lines =>
        {
            (ImportSummary plain, string expected) = Logs.ImportText("lackey", string.Concat(lines.Select(one => one.Plain)));
            (ImportSummary changed, string found) = Logs.ImportText("lackey", string.Concat(lines.Select(one => one.Changed)));
            Assert.Equal(lines.Length, plain.Fetches + plain.DataReferences);
            Assert.Equal((0, 0), (plain.Dropped, changed.Dropped));
            Assert.Equal(expected, found);
        }, iter: 300);
    }

    private static Gen<T> OneOf<T>(params T[] choices) => Gen.Int[0, choices.Length - 1].Select(index => choices[index]);

    [Fact]
    public void Import_CallsWithoutALayout_MapAndUnmapAsTheProgramDid()
    {
        (ImportSummary summary, string text) = Logs.ImportText("lackey", """
            ==7== Lackey, an example Valgrind tool
            --7--   SCHED[1]: entering VG_(scheduler)
            I  00401000,3
            SYSCALL[7,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x404000)
            SYSCALL[7,1](12) sys_brk ( 0x425000 ) --> [pre-success] Success(0x425000)
             S 00404010,8
            SYSCALL[7,1](11) sys_munmap ( 0x404000, 4096 ) --> [pre-success] Success(0x0)
             L 00404010,8
            SYSCALL[7,1](149) sys_mlock ( 0x405000, 4096 ) --> [pre-success] Success(0x0)
            SYSCALL[7,1](440) sys_process_madvise ( 0x3, 0x7000, 1, 4, 0 ) --> [pre-success] Success(0x0)
            SYSCALL[7,1](10) sys_mprotect ( 0x1000, 4096, 1 ) --> [pre-fail] Failure(0xc)
            SYSCALL[7,1](11) sys_munmap ( 0x405000, 4096 ) --> [async] ...
            """);
        Assert.EndsWith(
            "t 0\nI 401\nm 404000 21000 3 22 - 0\nW 404\nu 404000 1000\nm 404000 1000 7 22 - 0\nR 404\nc mlock 405000 1000 0\n", text);
        Assert.Equal(new Dictionary<string, long> { ["process_madvise"] = 1 }, summary.NotSimulated);
        Assert.Equal(new Dictionary<string, long> { ["mprotect"] = 1 }, summary.Failed);
        Assert.Equal(new Dictionary<string, long> { ["munmap"] = 1 }, summary.WithoutResult);
        Assert.Equal(0, summary.Dropped);
    }

    [Fact]
    public void Import_LayoutWithoutABlock_IsAnError()
    {
        ImportOptions options = new ImportOptions { Open = _ => new MemoryStream("nothing\n"u8.ToArray()) };
        LackeyImporter importer = new LackeyImporter { Layout = "d.txt" };
        TraceFormatException error = Assert.Throws<TraceFormatException>(
            () => Logs.Import(importer, new MemoryStream("I  00001000,3\n"u8.ToArray()), options));
        Assert.Equal("d.txt", error.File);
    }

    [Fact]
    public void Import_ReferenceOverManyPages_CountsOnEach()
    {
        (_, string text) = Logs.ImportText("lackey", " S 00001ff8,8200\n");
        Assert.EndsWith("W 1\nW 2\nW 3\n", text);
    }
}
