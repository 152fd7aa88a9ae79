namespace VmSim.Core.Tests.Traces.Import.Strace;

/// <summary>Who made whom, who runs a line, and in what order calls of threads count.</summary>
public class StraceProcessTests
{
    private const string ThreadFlags = "CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD";

    [Fact]
    public void Import_ChildBeforeItsCloneReturns_IsThatChild()
    {
        StraceLogs logs = StraceLogs.Of($$"""
            10 clone3({flags={{ThreadFlags}}, stack=0x7f00, stack_size=0x7fff80} <unfinished ...>
            11 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            10 <... clone3 resumed> => {parent_tid=[11]}, 88) = 11
            11 munmap(0x7f0000001000, 4096) = 0
            11 +++ exited with 0 +++
            """);
        Assert.Equal("t 1\nm 7f0000001000 1000 1 22 - 0\nt 0\nn b\nt 1\nu 7f0000001000 1000\nx 1\n", logs.Text);
        Assert.Empty(logs.Summary.Notes);
    }

    [Fact]
    public void Import_ChildThatEndsBeforeItsForkReturns_IsThatChild()
    {
        StraceLogs logs = StraceLogs.Of("""
            10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>
            11 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            11 +++ exited with 0 +++
            10 <... clone resumed>, child_tidptr=0x7f10) = 11
            """);
        Assert.Equal("t 0\nk fork 11\n", logs.Text);
        Assert.Equal("t 0\nm 7f0000001000 1000 1 22 - 0\n", logs.TextOf(11));
        Assert.Empty(logs.Summary.Notes);
    }

    [Fact]
    public void Import_TwoOpenForks_WaitsForTheReturnThatTellsWhose()
    {
        StraceLogs logs = StraceLogs.Of("""
            10 clone(child_stack=NULL, flags=SIGCHLD) = 20
            10 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
            20 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
            22 brk(NULL) = 0x5000
            21 brk(NULL) = 0x6000
            22 +++ exited with 0 +++
            10 <... clone resumed>) = 21
            20 <... clone resumed>) = 22
            """);
        Assert.Equal((0UL, 0UL, 20UL), (logs.Parents[20], logs.Parents[21], logs.Parents[22]));
        Assert.Equal("t 0\nb 5000\n", logs.TextOf(22));
        Assert.Equal("t 0\nb 6000\n", logs.TextOf(21));
    }

    [Fact]
    public void Import_UnmapThatReturnsAfterAnotherThreadMappedThere_StandsBefore()
    {
        StraceLogs logs = StraceLogs.Of($$"""
            10 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            10 clone3({flags={{ThreadFlags}}}, 88) = 11
            10 munmap(0x7f0000001000, 8192 <unfinished ...>
            11 mprotect(0x7f0000009000, 4096, PROT_READ) = -1 EACCES (Permission denied)
            11 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            10 <... munmap resumed>) = 0
            """);
        Assert.Equal(
            "t 0\nm 7f0000001000 2000 1 22 - 0\nn b\nu 7f0000001000 2000\nt 1\nm 7f0000001000 2000 3 22 - 0\n", logs.Text);
    }

    [Fact]
    public void Import_RemapThatReturnsAfterAnotherThreadMappedTheOldPlace_StandsBefore()
    {
        StraceLogs logs = StraceLogs.Of($$"""
            10 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            10 clone3({flags={{ThreadFlags}}}, 88) = 11
            10 mremap(0x7f0000001000, 4096, 8192, MREMAP_MAYMOVE <unfinished ...>
            11 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            10 <... mremap resumed>) = 0x7f0000100000
            """);
        Assert.EndsWith(
            "r 7f0000001000 1000 2000 1 7f0000100000\nt 1\nm 7f0000001000 1000 1 22 - 0\n", logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_ExecuteInAThread_EndsTheOthersAndTakesTheFirstsNumber()
    {
        StraceLogs logs = StraceLogs.Of($$"""
            500 execve("./t", ["./t"], 0x7ffdd1377fa0 /* 43 vars */) = 0
            500 clone3({flags={{ThreadFlags}}}, 88) = 501
            500 clone3({flags={{ThreadFlags}}}, 88) = 502
            500 pause( <unfinished ...>
            502 execve("/bin/true", ["true"], 0x7ffd4c18aaf0 /* 43 vars */ <pid changed to 500 ...>
            501 +++ exited with 0 +++
            500 +++ superseded by execve in pid 502 +++
            500 <... execve resumed>) = 0
            500 brk(NULL) = 0x7000
            500 +++ exited with 0 +++
            """);
        Assert.Equal("t 0\nk exec\nn 1f5\nn 1f6\nx 1\nx 0\nt 2\nk exec\nb 7000\nx 2\n", logs.Text);
    }

    [Fact]
    public void Import_VForkedChild_ChangesItsParentsMemoryUntilItExecutes()
    {
        StraceLogs logs = StraceLogs.Of("""
            10 vfork( <unfinished ...>
            11 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            11 execve("/bin/ls", ["ls"], 0x7f) = 0
            11 brk(NULL) = 0x5000
            10 <... vfork resumed>) = 11
            """);
        Assert.Equal("t 0\nm 7f0000001000 1000 1 22 - 0\nk fork 11\n", logs.Text);
        Assert.Equal("t 0\nk exec\nb 5000\n", logs.TextOf(11));
    }

    [Fact]
    public void Import_ProcessThatSharesMemoryForGood_IsAThreadUntilItExecutes()
    {
        StraceLogs logs = StraceLogs.Of("""
            10 clone(child_stack=0x7f00, flags=CLONE_VM|SIGCHLD) = 11
            11 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            11 execve("/bin/ls", ["ls"], 0x7f) = 0
            11 brk(NULL) = 0x5000
            """);
        Assert.Equal("t 0\nn b\nt 1\nm 7f0000001000 1000 1 22 - 0\nk fork 11\nx 1\n", logs.Text);
        Assert.Equal("t 0\nk exec\nb 5000\n", logs.TextOf(11));
    }

    [Fact]
    public void Import_ThreadWithoutItsMaker_IsAThreadAndIsNamed()
    {
        StraceLogs logs = StraceLogs.Of("10 brk(NULL) = 0x5000\n11 munmap(0x7000, 4096) = 0\n");
        Assert.Equal("t 0\nb 5000\nt 1\nu 7000 1000\n", logs.Text);
        Assert.Contains("that made 11", Assert.Single(logs.Summary.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Import_ChildrenThatStraceDidNotFollow_AreNamed()
    {
        StraceLogs logs = StraceLogs.Of("brk(NULL) = 0x5000\nclone(child_stack=NULL, flags=SIGCHLD) = 77\n");
        Assert.Contains("is of 77", Assert.Single(logs.Summary.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Import_NumbersOfAnotherNamespace_AreThoseThatLinesBeginWith()
    {
        StraceLogs logs = StraceLogs.Of("""
            10<sh> clone(child_stack=NULL, flags=SIGCHLD) = 2 /* 11 in strace's PID NS */
            11<a > b] c> brk(NULL) = 0x5000
            """.Replace("a > b", "a \\76 b", StringComparison.Ordinal));
        Assert.Equal("t 0\nb 5000\n", logs.TextOf(11));
    }

    [Fact]
    public void Import_NumberUsedAgain_IsANewProcess()
    {
        StraceLogs logs = StraceLogs.Of($$"""
            10 clone3({flags={{ThreadFlags}}}, 88) = 11
            11 exit(0) = ?
            10 clone3({flags={{ThreadFlags}}}, 88) = 11
            11 brk(NULL) = 0x5000
            """);
        Assert.Equal("t 0\nn b\nx 1\nn b\nt 2\nb 5000\n", logs.Text);
    }

    [Theory]
    [InlineData("vfork()")]
    [InlineData("fork()")]
    [InlineData("clone(child_stack=NULL, flags=0x1200000|0x11, child_tidptr=0x7f)")]
    [InlineData("clone(child_stack=NULL, flags=0x1200000 /* CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID */|17 /* SIGCHLD */, child_tidptr=0)")]
    [InlineData("clone(0x1200011, 0, 0, 0x7f, 0)")]
    [InlineData("clone3({flags=0, exit_signal=SIGCHLD, stack=NULL, stack_size=0}, 88)")]
    public void Import_EveryKindOfFork_IsAFork(string call) =>
        Assert.Equal("t 0\nk fork 11\n", StraceLogs.Of($"10 {call} = 11\n11 +++ exited with 0 +++\n").Text);

    [Theory]
    [InlineData("clone(0x3d0f00, 0x7f00, 0x7f00, 0x7f00, 0x7f00)", "0xb")]
    [InlineData("clone(child_stack=0x7f, flags=0x3d0f00 /* CLONE_VM|CLONE_THREAD */)", "11<name>")]
    public void Import_EveryKindOfThread_IsAThread(string call, string result) =>
        Assert.Equal("t 0\nn b\nx 1\n", StraceLogs.Of($"10 {call} = {result}\n11 +++ exited with 0 +++\n").Text);
}
