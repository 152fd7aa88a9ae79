namespace VmSim.Core.Tests.Traces.Import.Strace;

/// <summary>Numbers that are used again, that no call made, or that change in exec: nothing of theirs is lost or mixed.</summary>
public class StraceNumberTests
{
    private const string M = "PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0";
    private const string ThreadFlags = "CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD";

    [Fact]
    public void Import_ProgramsThatNoCallMade_AreProcessesOfTheirOwn()
    {
        StraceLogs logs = StraceLogs.Of($"""
            100 execve("/bin/sh", ["sh"], 0x7f) = 0
            100 brk(NULL) = 0x5000
            101 execve("/bin/a", ["a"], 0x7f) = 0
            101 mmap(NULL, 4096, {M}) = 0x7f0000001000
            102 execve("/bin/b", ["b"], 0x7f <unfinished ...>
            101 munmap(0x7f0000001000, 4096) = 0
            102 <... execve resumed>) = 0
            102 mmap(NULL, 8192, {M}) = 0x7f0000001000
            100 munmap(0x6000, 4096) = 0
            """);
        Assert.Equal("t 0\nk exec\nb 5000\nk fork 101\nk fork 102\nu 6000 1000\n", logs.Text);
        Assert.Equal("t 0\nk exec\nm 7f0000001000 1000 3 22 - 0\nu 7f0000001000 1000\n", logs.TextOf(101));
        Assert.Equal("t 0\nk exec\nm 7f0000001000 2000 3 22 - 0\n", logs.TextOf(102));
        Assert.Contains("made 101, 102: taken as processes", Assert.Single(logs.Summary.Notes), StringComparison.Ordinal);
        Assert.Empty(logs.Load().Warnings);
    }

    [Fact]
    public void Import_ThreadThatNoCallMadeAndThatExecutes_IsAProcessFromThere()
    {
        StraceLogs logs = StraceLogs.Of($"""
            100 brk(NULL) = 0x5000
            101 mmap(NULL, 4096, {M}) = 0x7f0000001000
            101 execve("/bin/a", ["a"], 0x7f) = 0
            101 brk(NULL) = 0x7000
            100 munmap(0x7f0000001000, 4096) = 0
            """);
        Assert.Equal("t 0\nb 5000\nt 1\nm 7f0000001000 1000 3 22 - 0\nk fork 101\nx 1\nt 0\nu 7f0000001000 1000\n", logs.Text);
        Assert.Equal("t 0\nk exec\nb 7000\n", logs.TextOf(101));
        Assert.Equal(2, logs.Summary.Notes.Count);
    }

    [Theory]
    [InlineData("10 ", "20 ", 20)]
    [InlineData("", "", 4194305)]
    public void Import_ProgramsOneAfterAnother_AreProcesses(string first, string second, ulong number)
    {
        StraceLogs logs = StraceLogs.Of($"""
            {first}execve("/bin/a", ["a"], 0x7f) = 0
            {first}brk(NULL) = 0x5000
            {first}+++ exited with 0 +++
            {second}execve("/bin/b", ["b"], 0x7f) = 0
            {second}brk(NULL) = 0x7000
            {second}brk(0x8000) = 0x8000
            """);
        Assert.Equal($"t 0\nk exec\nb 5000\nk fork {number}\n", logs.Text);
        Assert.Equal("t 0\nk exec\nb 7000\nb 8000\n", logs.TextOf(number));
    }

    [Theory]
    [InlineData("11 +++ exited with 0 +++\n")]
    [InlineData("11 exit_group(0) = ?\n")]
    [InlineData("11 exit_group(0 <unfinished ...>\n")]
    [InlineData("")]
    public void Import_ProcessNumberUsedAgain_IsAnotherProcess(string end)
    {
        StraceLogs logs = StraceLogs.Of($"""
            10 fork() = 11
            11 mmap(NULL, 4096, {M}) = 0x7f0000001000
            {end}10 fork() = 11
            11 mmap(NULL, 8192, {M}) = 0x7f0000003000
            11 +++ exited with 0 +++
            """);
        Assert.Equal([11UL, 4194315UL], logs.Summary.Children);
        Assert.Equal("t 0\nk fork 11\nk fork 4194315\n", logs.Text);
        Assert.Equal("t 0\nm 7f0000001000 1000 3 22 - 0\n", logs.TextOf(11));
        Assert.Equal("t 0\nm 7f0000003000 2000 3 22 - 0\n", logs.TextOf(4194315));
        Assert.Empty(logs.Load().Warnings);
    }

    [Fact]
    public void Import_NumberUsedAgainBeforeItsCallReturns_IsAnotherProcess()
    {
        StraceLogs logs = StraceLogs.Of("""
            10 clone(child_stack=NULL, flags=SIGCHLD) = 11
            11 exit_group(0) = ?
            10 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
            11 brk(NULL) = 0x7000
            11 exit_group(0) = ?
            10 <... clone resumed>) = 11
            10 clone(child_stack=NULL, flags=SIGCHLD) = 11
            11 brk(NULL) = 0x8000
            """);
        Assert.Equal([11UL, 4194315UL, 8388619UL], logs.Summary.Children);
        Assert.Equal(("", "t 0\nb 7000\n", "t 0\nb 8000\n"), (logs.TextOf(11), logs.TextOf(4194315), logs.TextOf(8388619)));
    }

    [Fact]
    public void Import_LinesOfTwoProcessesOfOneNumberThatWait_AreNotMixed()
    {
        StraceLogs logs = StraceLogs.Of("""
            10 clone(child_stack=NULL, flags=SIGCHLD) = 20
            10 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
            20 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
            22 brk(NULL) = 0x5000
            22 +++ exited with 0 +++
            22 brk(NULL) = 0x6000
            20 <... clone resumed>) = 22
            10 <... clone resumed>) = 22
            22 brk(0x7000) = 0x7000
            """);
        Assert.Equal("t 0\nk fork 20\nk fork 4194326\n", logs.Text);
        Assert.Equal("t 0\nk fork 22\n", logs.TextOf(20));
        Assert.Equal("t 0\nb 5000\n", logs.TextOf(22));
        Assert.Equal("t 0\nb 6000\nb 7000\n", logs.TextOf(4194326));
    }

    [Fact]
    public void Import_LinesThatWaitForTheirMaker_StandBeforeThoseThatDoNot()
    {
        StraceLogs logs = StraceLogs.Of("""
            10 clone(child_stack=NULL, flags=SIGCHLD) = 20
            10 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
            20 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
            22 brk(NULL) = 0x5000
            10 <... clone resumed>) = 21
            22 brk(0x6000) = 0x6000
            20 <... clone resumed>) = 22
            """);
        Assert.Equal("t 0\nb 5000\nb 6000\n", logs.TextOf(22));
    }

    [Fact]
    public void Import_ThreadThatExitsBeforeItsCloneReturns_IsThatThread()
    {
        StraceLogs logs = StraceLogs.Of($$"""
            10 clone3({flags={{ThreadFlags}}} <unfinished ...>
            11 brk(NULL) = 0x5000
            11 exit(0) = ?
            10 <... clone3 resumed>, 88) = 11
            """);
        Assert.Equal("t 1\nb 5000\nt 0\nn b\n", logs.Text);
    }

    [Fact]
    public void Import_ChildWithNothingButItsEnd_IsThatChild()
    {
        StraceLogs logs = StraceLogs.Of($$"""
            10 clone3({flags={{ThreadFlags}}} <unfinished ...>
            11 +++ exited with 0 +++
            10 <... clone3 resumed>, 88) = 11
            10 brk(NULL) = 0x5000
            """);
        Assert.Equal("x 1\nt 0\nn b\nb 5000\n", logs.Text);
        Assert.Empty(logs.Summary.Notes);
    }

    [Fact]
    public void Import_NumberWithNothingButAnEnd_IsNamed()
    {
        StraceLogs logs = StraceLogs.Of("10 brk(NULL) = 0x5000\n12 +++ exited with 0 +++\n");
        Assert.Equal("t 0\nb 5000\n", logs.Text);
        Assert.Contains("of 12 the log", Assert.Single(logs.Summary.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("execve(\"/bin/x\", [\"x\"], 0x7f <unfinished ...>\n10 +++ killed by SIGKILL +++")]
    [InlineData("execve(\"/bin/x\", [\"x\"], 0x7f <unfinished ...>")]
    [InlineData("execve(\"/bin/x\", [\"x\"], 0x7f) = ?")]
    [InlineData("execve(\"/bin/x\", [\"x\"], 0x7f) = ? <unavailable>")]
    [InlineData("execve(\"/bin/x\", [\"x\"], 0x7f <detached ...>")]
    public void Import_ExecutionWithoutAnEnd_IsCounted(string call)
    {
        StraceLogs logs = StraceLogs.Of($"10 brk(NULL) = 0x5000\n10 {call}\n");
        Assert.Equal("t 0\nb 5000\n", logs.Text);
        Assert.Equal(1, logs.Summary.WithoutResult["execve"]);
    }

    [Theory]
    [InlineData("500 +++ superseded by execve in pid 502 +++\n", "<unfinished ...>")]
    [InlineData("500 +++ superseded by execve in pid 502 +++\n", "<pid changed to 500 ...>")]
    [InlineData("", "<unfinished ...>")]
    [InlineData("", "<pid changed to 500 ...>")]
    public void Import_ExecutionThatAnotherNumberEnds_IsThatThreads(string message, string remark)
    {
        StraceLogs logs = StraceLogs.Of($$"""
            500 clone3({flags={{ThreadFlags}}}, 88) = 502
            500 munmap(0x7000, 4096 <unfinished ...>
            502 execve("/bin/true", ["true"], 0x7f /* 43 vars */ {{remark}}
            {{message}}500 <... execve resumed>) = 0
            500 brk(NULL) = 0x7000
            """);
        Assert.Equal("t 0\nn 1f6\nx 0\nt 1\nk exec\nb 7000\n", logs.Text);
        Assert.Equal(1, logs.Summary.WithoutResult["munmap"]);
        Assert.Empty(logs.Summary.Notes);
    }

    [Theory]
    [InlineData("500 +++ exited with 0 +++\n500 +++ superseded by execve in pid 502 +++\n")]
    [InlineData("500 +++ exited with 0 +++\n")]
    [InlineData("500 +++ superseded by execve in pid 502 +++\n")]
    [InlineData("")]
    public void Import_ExecutionAfterTheFirstThreadEnded_IsThatThreads(string message)
    {
        StraceLogs logs = StraceLogs.Of($$"""
            500 clone3({flags={{ThreadFlags}}}, 88) = 502
            500 exit(0) = ?
            502 execve("/bin/true", ["true"], 0x7f /* 43 vars */ <pid changed to 500 ...>
            {{message}}500 <... execve resumed>) = 0
            500 brk(NULL) = 0x7000
            """);
        Assert.Equal("t 0\nn 1f6\nt 1\nk exec\nb 7000\n", logs.Text.Replace("x 0\n", "", StringComparison.Ordinal));
        Assert.Empty(logs.Summary.Notes);
    }

    [Theory]
    [InlineData("mprotect(0x7f0000001000, 4096, PROT_READ", "139637976735744", "mprotect")]
    [InlineData("munmap(0x7f0000001000, 4096", "139637976735744", "munmap")]
    public void Import_AnswerBeforePrintedOnceMore_IsNone(string call, string answer, string name)
    {
        StraceLogs logs = StraceLogs.Of($$"""
            10 mmap(NULL, 4096, {{M}}) = 0x7f0000001000
            10 clone3({flags={{ThreadFlags}}}, 88) = 11
            10 clone3({flags={{ThreadFlags}}}, 88) = 12
            11 {{call}} <unfinished ...>
            10 mmap(NULL, 4096, {{M}}) = 0x7f0000002000
            12 execve("/bin/true", ["true"], 0x7f <pid changed to 10 ...>
            11 <... {{name}} resumed>) = {{answer}}
            11 +++ exited with 0 +++
            10 +++ superseded by execve in pid 12 +++
            10 <... execve resumed>) = 0
            10 brk(NULL) = 0x7000
            """);
        Assert.Equal(1, Assert.Single(logs.Summary.WithoutResult, lost => lost.Key == name).Value);
        Assert.EndsWith("k exec\nb 7000\n", logs.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("u 7f", logs.Text, StringComparison.Ordinal);
        Assert.Equal(0, logs.Summary.Dropped);
    }

    [Fact]
    public void Import_NamesOfProcessesInDescriptors_ArePassed()
    {
        StraceLogs logs = StraceLogs.Of($$"""
            10<a\76b> mmap(NULL, 4096, {{M}}) = 0x7f0000001000 <0.000012>
            10<a\76b> pidfd_open(10<a\76b>, 0) = 3<pid:10<a\76b>> <0.000012>
            10<a\76b> process_madvise(3<pid:10<a\76b>>, [{iov_base=0x7f0000001000, iov_len=4096}], 1, MADV_COLD, 0) = 4096
            """);
        Assert.Equal("t 0\nm 7f0000001000 1000 3 22 - 0\nc process_madvise 20 7f0000001000 1000\n", logs.Text);
        Assert.Empty(logs.Summary.Notes);
    }

    [Fact]
    public void Import_LastLogThatIsStillRead_KeepsItsOrder()
    {
        Dictionary<string, string> files = new(StringComparer.Ordinal)
        {
            ["log.10"] = """
                1700000000.000100 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_THREAD) = 11 <0.000010>
                1700000000.000500 brk(NULL) = 0x5000 <0.000010>
                1700000000.000600 munmap(0x7000, 4096) = 0 <0.000010>
                1700000000.000700 exit_group(0) = ?
                """,
            ["log.11"] = "1700000000.000200 exit(0) = ?\n",
        };
        StraceLogs logs = StraceLogs.Of(files["log.10"], file: "log.10", others: files);
        Assert.Equal("t 0\nn b\nb 5000\nu 7000 1000\n", logs.Text);
        Assert.Empty(logs.Summary.Notes);
    }

    [Fact]
    public void Import_LogOfANumberThatWasUsedAgain_IsReadOnceForTheLast()
    {
        Dictionary<string, string> files = new(StringComparer.Ordinal)
        {
            ["log.10"] = """
                1700000000.000100 fork() = 11
                1700000000.000500 fork() = 11
                1700000000.000900 brk(NULL) = 0x5000
                """,
            ["log.11"] = "1700000000.000600 brk(NULL) = 0x7000\n1700000000.000700 brk(0x8000) = 0x8000\n",
        };
        StraceLogs logs = StraceLogs.Of(files["log.10"], file: "log.10", others: files);
        Assert.Equal("t 0\nk fork 11\nk fork 4194315\nb 5000\n", logs.Text);
        Assert.Equal(("", "t 0\nb 7000\nb 8000\n"), (logs.TextOf(11), logs.TextOf(4194315)));
        Assert.Contains(logs.Summary.Notes, note => note.Contains("numbers 11 were used again", StringComparison.Ordinal));
        Assert.Equal(5, logs.Summary.Lines);
    }

    [Fact]
    public void Import_LogThatNoCallMade_IsNamed()
    {
        Dictionary<string, string> files = new(StringComparer.Ordinal)
        {
            ["log.10"] = "fork() = 11\nbrk(NULL) = 0x5000\n",
            ["log.11"] = "brk(NULL) = 0x7000\n",
            ["log.12"] = "execve(\"/bin/a\", [\"a\"], 0x7f) = 0\n",
            ["log.txt"] = "",
        };
        StraceLogs logs = StraceLogs.Of(files["log.10"], file: "log.10", others: files);
        Assert.Equal("t 0\nk fork 11\nb 5000\n", logs.Text);
        Assert.Contains("made them: log.12 (import", Assert.Single(logs.Summary.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Import_CloneThatReturnedInTheChild_IsCounted() =>
        Assert.Equal(1, StraceLogs.Of("10 fork() = 0\n").Summary.NotSimulated["fork that returned in the child"]);
}
