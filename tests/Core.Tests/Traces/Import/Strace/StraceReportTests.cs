namespace VmSim.Core.Tests.Traces.Import.Strace;

/// <summary>Logs as people post them, each with the calls that it has.</summary>
public class StraceReportTests
{
    [Fact]
    public void Import_HugePageShiftInFlags_KeepsEveryMapping()
    {
        StraceLogs logs = StraceLogs.OfFile("hugeshift.strace");
        Assert.Equal(
            """
            t 0
            m 7f0000210000 286000 3 22 - 0
            u 7f0000210000 286000
            m 7e0000420000 277000 7 4004032 - 0
            m 7f0000ead000 800000 3 4000122 - 0
            m 7f0002000000 200000 3 54040022 - 0
            u 7f0002000000 200000

            """,
            logs.Text);
        Assert.Equal(0, logs.Summary.Dropped);
    }

    [Fact]
    public void Import_ThreadOnStandardError_HasTwoThreads()
    {
        StraceLogs logs = StraceLogs.OfFile("stderr-thread.strace");
        Assert.Equal(2, logs.Summary.Threads);
        Assert.Equal(
            """
            t 0
            k exec
            m 7f1000000000 800000 3 22 - 0
            n 120a
            t 1
            m 7f1000a00000 1000 3 22 - 0
            t 0
            m 7f1000b00000 2000 3 22 - 0
            t 1
            u 7f1000a00000 1000
            x 1
            t 0
            u 7f1000b00000 2000

            """,
            logs.Text);
    }

    [Fact]
    public void Import_ForkOnStandardError_PutsTheChildsCallsInItsOwnTrace()
    {
        StraceLogs logs = StraceLogs.OfFile("stderr-fork.strace");
        Assert.Equal(1, logs.Summary.Threads);
        Assert.Equal([70123UL], logs.Summary.Children);
        Assert.Equal("t 0\nk exec\nm 7f2000000000 2000 3 22 - 0\nk fork 70123\nw wait4 0 -\nm 7f2000200000 1000 1 22 - 0\n", logs.Text);
        Assert.Equal("t 0\nm 7f2000100000 100000 3 22 - 0\nu 7f2000000000 2000\n", logs.TextOf(70123));
    }

    [Fact]
    public void Import_MapWithPageOffsets_HasBytes()
    {
        StraceLogs logs = StraceLogs.OfFile("mmap2.strace");
        Assert.Equal(
            """
            t 0
            k exec
            b 804b000
            m f7fd2000 2000 3 22 - 0
            f 1 descriptor 3
            m f7fc9000 8e05 1 2 1 0
            m f7e00000 3000 3 812 1 1b0000
            u f7fc9000 8e05
            m f7fd5000 1000 1 22 - 0
            p f7e00000 2000 1

            """,
            logs.Text);
        Assert.Equal(4, logs.Summary.Calls["mmap"]);
    }

    [Fact]
    public void Import_SignExtendedResult_IsTheAddressBelow4GiB() => Assert.Equal(
        "t 0\nk exec\nb 8b19000\nm f7753000 1000 3 22 - 0\nu f7753000 1000\n", StraceLogs.OfFile("sign-extended.strace").Text);

    [Theory]
    [InlineData("ip-nr", "k exec", "u 7300e61df000 2000")]
    [InlineData("k", "k exec", "u 7300e61df000 2000")]
    [InlineData("r", "k exec\nb 5800d2a6a000", "u 7300e61df000 2000")]
    [InlineData("rt", "k exec\nb 5800d2a6a000", "u 7300e61df000 2000")]
    [InlineData("xraw", "", "d 7300e61df000 2000 4\np 7300e61df000 1000 1\nu 7300e61df000 2000")]
    [InlineData("xverbose", "", "d 7300e61df000 2000 4\np 7300e61df000 1000 1\nr 7300e61df000 2000 4000 1 7300e61df000")]
    public void Import_EveryPrefixAndStyle_HasTheSameMapping(string name, string before, string after)
    {
        StraceLogs logs = StraceLogs.OfFile($"{name}.strace");
        Assert.Equal($"t 0\n{before}{(before.Length > 0 ? "\n" : "")}m 7300e61df000 2000 3 22 - 0\n{after}\n", logs.Text);
        Assert.Equal(0, logs.Summary.Dropped);
    }

    [Fact]
    public void Import_EveryMemoryCall_IsInTheTraceOrCounted()
    {
        StraceLogs logs = StraceLogs.OfFile("mm-calls.strace");
        Assert.Equal(
            """
            t 0
            m 7f0000100000 4000 3 22 - 0
            m 7f0000800000 2000 3 21 - 0
            d 7f0000101000 1000 102
            d 7f0000102000 1000 102
            d 7f0000101000 1000 103
            d 7f0000100000 1000 10
            d 7f0000100000 1000 16
            d 7f0000100000 1000 20
            d 7f0000100000 1000 12
            d 7f0000100000 1000 18
            d 7f0000100000 1000 24
            d 7f0000100000 1000 4
            c process_madvise 4 7f0000102000 1000
            c mseal 7f0000103000 1000
            f 1 /SYSV00000000 32769
            m 7f0000200000 1000 3 1 1 0
            p 7f0000200000 1000 1
            c shmdt 7f0000200000 1000
            c remap_file_pages 7f0000800000 1000 1000 0
            c mlock 7f0000100000 1000 1
            c msync 7f0000800000 1000 4
            m 7f0000300000 100000 1 22 - 0
            p 7f0000100000 1000 5
            r 7f0000800000 0 1000 1 7f0000400000
            r 7f0000100000 1000 1000 5 7f0000500000
            b 555500000000
            b 555500021000

            """,
            logs.Text);
        Assert.Equal(["madvise EINVAL", "munmap EPERM"], logs.Summary.Failed.Keys);
        Assert.Empty(logs.Summary.NotSimulated);
        Assert.Contains("1 shared segments", Assert.Single(logs.Summary.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Import_AArch64_KeepsAddressesOf48Bits()
    {
        StraceLogs logs = StraceLogs.OfFile("aarch64.strace");
        Assert.Equal((3, 2, 2, 1), (
            logs.Summary.Calls["mmap"], logs.Summary.Calls["brk"], logs.Summary.Calls["mprotect"], logs.Summary.Calls["munmap"]));
        Assert.Contains("m ffffbe3d0000 172c50 5 802 1 0\n", logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_LogOfEachProcess_TakesTheChildsLogToo()
    {
        StraceLogs logs = StraceLogs.OfFile("sh.strace.500");
        Assert.Equal(
            "t 0\nk exec\nb 555500000000\nm 7f2000000000 2000 3 22 - 0\nb 555500021000\nk fork 501\nu 7f2000000000 2000\n", logs.Text);
        const string Child = "t 0\nk exec\nb 560000000000\nm 7f9000000000 2000 3 22 - 0\nb 560000021000\nu 7f9000000000 2000\n";
        Assert.Equal(Child, logs.TextOf(501));
        Assert.Equal(Child, StraceLogs.OfFile("sh.strace.501").Text);
        Assert.Empty(logs.Load().Warnings);
    }
}
