using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces.Import.Strace;

/// <summary>What single calls and odd lines become.</summary>
public class StraceCallTests
{
    private const string Area = "mmap(NULL, 16384, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000\n";
    private const string Mapped = "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</lib/a.so>, 0) = 0x7f0000100000";
    private const string AreaRecord = "t 0\nm 7f0000001000 4000 3 22 - 0\n";

    [Theory]
    [InlineData("3</tmp/a, b (c)>", "/tmp/a, b (c)")]
    [InlineData("3</tmp/x\\76y\\74z>", "/tmp/x>y<z")]
    [InlineData("3</tmp/q\\\"q\\\\>", "/tmp/q\"q\\")]
    [InlineData("3</tmp/line\\nend>", "/tmp/line\\nend")]
    [InlineData("3</tmp/\\303\\244>", "/tmp/ä")]
    [InlineData("3</tmp/\\xc3\\xa4>", "/tmp/ä")]
    [InlineData("3</tmp/\\377>", "/tmp/\\377")]
    [InlineData("3</tmp/gone>(deleted)", "/tmp/gone (deleted)")]
    [InlineData("3</tmp/a>b>", "/tmp/a>b")]
    [InlineData("3</tmp/a>, b) = 0x1 <x>", "/tmp/a>, b) = 0x1 <x")]
    [InlineData("3</dev/zero<char 1:5>>", "/dev/zero")]
    [InlineData("3</dev/gone<block 8:5>>(deleted)", "/dev/gone (deleted)")]
    [InlineData("3", "descriptor 3")]
    [InlineData("0x3", "descriptor 3")]
    public void Import_AnyPath_IsTheMappingsFile(string descriptor, string path)
    {
        StraceLogs logs = StraceLogs.Of($"mmap(NULL, 4096, PROT_READ, MAP_SHARED, {descriptor}, 0x2000) = 0x7f0000001000\n");
        Assert.Equal($"t 0\nf 1 {path}\nm 7f0000001000 1000 1 1 1 2000\n", logs.Text);
    }

    [Fact]
    public void Import_MemoryFilesOfOneName_AreTwoFiles()
    {
        StraceLogs logs = StraceLogs.Of("""
            memfd_create("x", MFD_CLOEXEC) = 3</memfd:x>(deleted)
            mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</memfd:x>(deleted), 0) = 0x7f0000001000
            close(3</memfd:x>(deleted)) = 0
            memfd_create("x", MFD_CLOEXEC) = 3</memfd:x>(deleted)
            mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</memfd:x>(deleted), 0) = 0x7f0000002000
            """);
        Assert.Equal("t 0\nf 1 memfd:x\nm 7f0000001000 1000 1 1 1 0\nf 2 memfd:x #2\nm 7f0000002000 1000 1 1 2 0\n", logs.Text);
        Assert.Equal(2, logs.Summary.NotSimulated["memfd_create"]);
    }

    [Fact]
    public void Import_OpenedFiles_NameMappingsWithoutPaths()
    {
        StraceLogs logs = StraceLogs.Of("""
            openat(AT_FDCWD, "/lib/a.so", O_RDONLY|O_CLOEXEC) = 3
            dup2(3, 5) = 5
            close(3) = 0
            mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 5, 0) = 0x7f0000001000
            """);
        Assert.Equal("t 0\nf 1 /lib/a.so\nm 7f0000001000 1000 1 2 1 0\n", logs.Text);
    }

    [Fact]
    public void Import_NamesThatStraceCut_SayThatTheyGoOn()
    {
        StraceLogs logs = StraceLogs.Of("""
            openat(AT_FDCWD, "/lib/a"..., O_RDONLY|O_CLOEXEC) = 3
            mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000001000
            memfd_create(""..., MFD_CLOEXEC) = 4
            mmap(NULL, 4096, PROT_READ, MAP_SHARED, 4, 0) = 0x7f0000002000
            """);
        Assert.Equal("t 0\nf 1 /lib/a...\nm 7f0000001000 1000 1 2 1 0\nf 2 memfd:...\nm 7f0000002000 1000 1 1 2 0\n", logs.Text);
    }

    [Fact]
    public void Import_SharedSegment_HasItsSize()
    {
        StraceLogs logs = StraceLogs.Of("""
            shmget(IPC_PRIVATE, 10000, IPC_CREAT|0600) = 7
            shmget(0x1234, 8192, IPC_CREAT|21<<SHM_HUGE_SHIFT|0600) = 8
            shmat(7, NULL, 0) = 0x7f0000001000
            shmat(8, NULL, SHM_RDONLY|SHM_EXEC) = 0x7f0000010000
            shmdt(0x7f0000001000) = 0
            """);
        Assert.Equal(
            "t 0\nf 1 /SYSV00000000 7\nm 7f0000001000 3000 3 1 1 0\nf 2 /SYSV00001234 8\nm 7f0000010000 2000 5 1 2 0\n"
                + "c shmdt 7f0000001000 3000\n",
            logs.Text);
    }

    [Theory]
    [InlineData("mlock(0x7f0000001000, 4096) = 0", "c mlock 7f0000001000 1000 0")]
    [InlineData("munlock(0x7f0000001000, 4096) = 0", "c munlock 7f0000001000 1000")]
    [InlineData("mlockall(MCL_CURRENT|MCL_FUTURE|MCL_ONFAULT) = 0", "c mlockall 7")]
    [InlineData("munlockall() = 0", "c munlockall")]
    [InlineData("mincore(0x7f0000001000, 8192, [1, 0]) = 0", "c mincore 7f0000001000 2000")]
    [InlineData("msync(0x7f0000001000, 8192, MS_ASYNC|MS_INVALIDATE) = 0", "c msync 7f0000001000 2000 3")]
    [InlineData("madvise(0x7f0000001000, 4096, MADV_POPULATE_WRITE) = 0", "d 7f0000001000 1000 23")]
    [InlineData("madvise(0x7f0000001000, 4096, 0x67 /* MADV_??? */) = 0", "d 7f0000001000 1000 103")]
    [InlineData("pkey_mprotect(0x7f0000001000, 4096, PROT_READ, 1) = 0", "p 7f0000001000 1000 1")]
    [InlineData("mprotect(addr=0x7f0000001000, length=4096, prot=PROT_READ|PROT_WRITE|PROT_EXEC) = 0", "p 7f0000001000 1000 7")]
    [InlineData("mprotect(0x7f0000001000, 4096, PROT_READ) = 0 (DELAYED)", "p 7f0000001000 1000 1")]
    [InlineData("syscall_0x1ce(0x7f0000001000, 0x1000, 0, 0, 0, 0) = 0", "c mseal 7f0000001000 1000")]
    [InlineData("syscall_0x145(0x7f0000001000, 0x1000, 0x1, 0, 0, 0) = 0", "c mlock 7f0000001000 1000 1")]
    [InlineData("syscall_0x1c5(0, 0x4000, 0x1, 0, 0, 0) = 0x7f0000100000", "m 7f0000100000 4000 1 22 - 0")]
    [InlineData("map_shadow_stack(NULL, 16384, SHADOW_STACK_SET_TOKEN) = 139637977776128", "m 7f0000100000 4000 1 22 - 0")]
    [InlineData(
        "process_madvise(-1, [{iov_base=0x7f0000001000, iov_len=4096}, {iov_base=0x7f0000003000, iov_len=8192}], 2, MADV_COLD, 0) = 8192",
        "c process_madvise 20 7f0000001000 1000 7f0000003000 1000")]
    [InlineData("mremap(0x7f0000001000, 16384, 4096, 0) = 0x7f0000001000", "r 7f0000001000 4000 1000 0 7f0000001000")]
    [InlineData("munmap(0x7f0000001000, 16384) = 0 <0.000012>", "u 7f0000001000 4000")]
    public void Import_SuccessfulCall_IsItsRecord(string call, string record) =>
        Assert.Equal($"{AreaRecord}{record}\n", StraceLogs.Of($"{Area}{call}\n").Text);

    [Theory]
    [InlineData("madvise(0x7f0000001000, 4096, MADV_NEW) = 0", "madvise MADV_NEW")]
    [InlineData("userfaultfd(O_CLOEXEC) = 4", "userfaultfd")]
    [InlineData("pkey_alloc(0, PKEY_DISABLE_WRITE) = 1", "pkey_alloc")]
    [InlineData("process_mrelease(3, 0) = 0", "process_mrelease")]
    [InlineData(
        "process_madvise(3<pid:999>, [{iov_base=0x7f0000001000, iov_len=4096}], 1, MADV_COLD, 0) = 4096",
        "process_madvise of another process")]
    [InlineData("process_madvise(3, 0x7f00, 100, MADV_COLD, 0) = 4096", "process_madvise of ranges that strace did not print")]
    [InlineData("syscall_0x1ff(0x7f0000001000, 0x1000, 0, 0, 0, 0) = 0", "syscall_0x1ff")]
    [InlineData("????(0x7f0000001000, 0x1000, 0, 0, 0, 0) = 0", "????")]
    [InlineData("munmap(0x7f0000001000, 4096) = 0 (INJECTED)", "munmap answered by strace")]
    [InlineData("frobnicate(0x7f0000001000, 0x1000) = 0", "frobnicate")]
    [InlineData("osf_mmap(0, 0x1000, 0x3, 0x22, 0xffffffff, 0) = 0x7f0000100000", "osf_mmap")]
    [InlineData("n32_munmap(0x7f0000001000, 0x1000) = 0", "n32_munmap")]
    [InlineData("vm_remap_pages(0x7f0000001000, 0x1000) = 0", "vm_remap_pages")]
    [InlineData("syscall_511(0x7f0000001000, 0x1000, 0, 0, 0, 0) = 0", "syscall_511")]
    [InlineData("syscall_323(0x80000, 0, 0, 0, 0, 0) = 4", "userfaultfd")]
    [InlineData("ipc(SHMAT, 0x7, 0, 0xffd3e4a0, 0, 0) = 0", "ipc SHMAT")]
    [InlineData("ipc(0x10015, 0x7, 0, 0xffd3e4a0, 0, 0) = 0", "ipc SHMAT")]
    [InlineData("ipc(1<<16|SHMDT, 0, 0, 0, 0xf7f00000) = 0", "ipc SHMDT")]
    [InlineData("prctl(PR_SET_MM, PR_SET_MM_BRK, 0x555500000000, 0, 0) = 0", "prctl PR_SET_MM")]
    [InlineData("prctl(0x23 /* PR_SET_MM */, 0x7, 0x555500000000, 0, 0) = 0", "prctl PR_SET_MM")]
    [InlineData("prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, 0x7f0000001000, 4096, \"a, (b\") = 0", "prctl PR_SET_VMA")]
    [InlineData("arch_prctl(ARCH_SHSTK_ENABLE, 0x1) = 0", "arch_prctl ARCH_SHSTK_ENABLE")]
    [InlineData("ioctl(4<anon_inode:[userfaultfd]>, UFFDIO_COPY, {dst=0x7f00, copy=4096}) = 0", "ioctl UFFDIO_COPY")]
    [InlineData("ioctl(4, 0xc028aa03, 0x7ffc0000) = 0", "ioctl UFFDIO_COPY")]
    [InlineData("ioctl(4, 0xc018aa3f /* UFFDIO_API */, {api=0xaa}) = 0", "ioctl UFFDIO_API")]
    [InlineData("ioctl(4, 0xc028aa33, 0x7ffc0000) = 0", "ioctl UFFDIO_???")]
    public void Import_CallThatIsNotSimulated_IsCountedByName(string call, string name)
    {
        StraceLogs logs = StraceLogs.Of($"10 {Area}10 {call}\n");
        Assert.Equal(AreaRecord, logs.Text);
        Assert.Equal((name, 1L), (Assert.Single(logs.Summary.NotSimulated).Key, logs.Summary.NotSimulated[name]));
    }

    [Theory]
    [InlineData("prctl(PR_SET_NAME, \"x\") = 0")]
    [InlineData("arch_prctl(ARCH_SET_FS, 0x7f0000001740) = 0")]
    [InlineData("ioctl(1</dev/pts/0<char 136:0>>, TCGETS, {c_iflag=ICRNL, c_cc=\"\\x03\"}) = 0")]
    [InlineData("ioctl(1, TCGETS, 0x7ffc) = -1 ENOTTY (Inappropriate ioctl for device)")]
    [InlineData("ipc(SEMOP, 0x1, 0x2, 0, 0xf7f00000, 0) = 0")]
    [InlineData("osf_getpid() = 7")]
    [InlineData("syscall_318(0x7f00, 0x10, 0, 0, 0, 0) = 0x10")]
    [InlineData("poll([{fd=3, events=POLLIN}], 1, 10) = 1 ([{fd=3, revents=POLLIN}])")]
    [InlineData("select(5, [3 4], NULL, NULL, {5, 0}) = 1 (in [3], left {4, 999})")]
    [InlineData("getxattr(3</x>, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)")]
    [InlineData("wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 11")]
    [InlineData("restart_syscall(<... resuming interrupted poll ...>) = 1")]
    [InlineData("getcwd(\"unclosed) = 0 (INJECTED)")]
    [InlineData("getppid() = 1 (DELAYED) <0.000010>")]
    [InlineData("getpid() = 7 /* 11 in strace's PID NS */")]
    [InlineData("getcwd(1) = -1 (errno 530)")]
    [InlineData("getppid() = 5</a b> [system_u:object_r:x_t:s0]")]
    public void Import_CallThatDoesNotConcernMemory_IsCountedWithTheOthers(string call)
    {
        StraceLogs logs = StraceLogs.Of($"{Area}{call}\n");
        Assert.Equal((AreaRecord, 0), (logs.Text, logs.Summary.NotSimulated.Count));
        Assert.Equal(1, logs.Summary.OtherCalls);
    }

    [Theory]
    [InlineData("old_mmap({addr=NULL, len=8192, prot=PROT_READ, flags=MAP_PRIVATE|MAP_ANONYMOUS, fd=-1, offset=0}) = 0xf7753000")]
    [InlineData("mmap({NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0}) = 0xf7753000")]
    [InlineData("old_mmap([0, 0x2000, 0x1, 0x22, 0xffffffff, 0]) = 0xf7753000")]
    [InlineData("old_mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0xf7753000")]
    [InlineData("syscall_9(0, 0x2000, 0x1, 0x22, 0xffffffff, 0) = 0xf7753000")]
    [InlineData("syscall_0x9(0, 0x2000, 0x1, 0x22, 0xffffffff, 0) = 0xf7753000")]
    public void Import_OtherFormsOfMmap_AreMappings(string call) =>
        Assert.Equal("t 0\nm f7753000 2000 1 22 - 0\n", StraceLogs.Of($"{call}\n").Text);

    [Fact]
    public void Import_UnknownFlag_KeepsTheCallAndCountsTheFlag()
    {
        StraceLogs logs = StraceLogs.Of("mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NEW, -1, 0) = 0x7f0000001000\n");
        Assert.Equal("t 0\nm 7f0000001000 1000 1 22 - 0\n", logs.Text);
        Assert.Equal(1, logs.Summary.NotSimulated["mmap flag MAP_NEW"]);
    }

    [Theory]
    [InlineData("munmap(0x7f0000001000, 4096) = -1 EINVAL (Invalid argument)", "munmap EINVAL")]
    [InlineData("brk(0x7f0000001000) = 0x5000", "brk ENOMEM")]
    [InlineData("execve(\"/bin/x\", [\"x\"], 0x7f) = -1 ENOENT (No such file or directory)", "execve ENOENT")]
    [InlineData("madvise(0x7f0000002000, 4096, MADV_COLD) = -1 ENOMEM (Cannot allocate memory)", "madvise ENOMEM")]
    public void Import_FailedCall_IsCountedByNameAndError(string call, string name)
    {
        StraceLogs logs = StraceLogs.Of($"{Area}{call}\n");
        Assert.Equal(AreaRecord, logs.Text);
        Assert.Equal(1, logs.Summary.Failed[name]);
    }

    [Fact]
    public void Import_CallThatFailedAtAHole_IsWrittenWithItsError()
    {
        StraceLogs logs = StraceLogs.Of($"{Area}madvise(0x7f0000001000, 32768, MADV_DONTNEED) = -1 ENOMEM (Cannot allocate memory)\n");
        Assert.Equal($"{AreaRecord}d 7f0000001000 8000 4 ENOMEM\n", logs.Text);
        Assert.Equal(1, logs.Summary.Failed["madvise ENOMEM"]);
    }

    [Theory]
    [InlineData("munmap(0x7f0000001000, 4096 <unfinished ...>\n+++ killed by SIGKILL +++")]
    [InlineData("munmap(0x7f0000001000, 4096) = ?")]
    [InlineData("munmap(0x7f0000001000, 4096) = ? <unavailable>")]
    [InlineData("munmap(0x7f0000001000, 4096 <unfinished ...>) = ?")]
    [InlineData("munmap(0x7f0000001000, 4096 <detached ...>")]
    [InlineData("munmap(0x7f0000001000, 4096 <unfinished ...>")]
    public void Import_CallWithoutAnEnd_IsCountedByName(string call)
    {
        StraceLogs logs = StraceLogs.Of($"{Area}{call}\n");
        Assert.Equal(AreaRecord, logs.Text);
        Assert.Equal(1, logs.Summary.WithoutResult["munmap"]);
    }

    [Fact]
    public void Import_RestartedCall_IsCountedAsInterruptedAndUsedOnce()
    {
        StraceLogs logs = StraceLogs.Of(
            $"{Area}munmap(0x7f0000001000, 4096) = ? ERESTARTNOINTR (To be restarted)\nmunmap(0x7f0000001000, 4096) = 0\n");
        Assert.Equal($"{AreaRecord}u 7f0000001000 1000\n", logs.Text);
        Assert.Empty(logs.Summary.WithoutResult);
        Assert.Equal(1, logs.Summary.Interrupted["munmap ERESTARTNOINTR"]);
    }

    [Fact]
    public void Import_HeapThatEndsBeforeItsStart_IsRefused()
    {
        const string Log = "execve(\"/bin/a\", [\"a\"], 0x7f) = 0\nbrk(NULL) = 0x555500000000\nbrk(0x1000) = 0x1000\n";
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => StraceLogs.Of(Log));
        Assert.Contains("at least 555500000000", error.Message, StringComparison.Ordinal);
        Assert.Equal("t 0\nk exec\nb 555500000000\n", StraceLogs.Of(Log, drop: true).Text);
    }

    [Fact]
    public void Import_HeapsEndOfA32BitCall_IsWhereTheHeapEnds() => Assert.Equal(
        "t 0\nk exec\nb 5555cf672000\nb 5555cf672000\n",
        StraceLogs.Of("execve(\"/bin/a\", [\"a\"], 0x7f) = 0\nbrk(NULL) = 0x5555cf672000\nbrk(NULL) = 0xcf672000\n").Text);

    [Fact]
    public void Import_LastLineWithoutALineEnd_IsNamed()
    {
        Assert.Empty(StraceLogs.OfCut(Area).Summary.Notes);
        Assert.Contains("of log has no line end", Assert.Single(StraceLogs.OfCut(Area[..^1]).Summary.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Import_OutputOfTheProgramInACall_IsPassedOver()
    {
        StraceLogs logs = StraceLogs.Of($"write(1, \"hello\\n\", 6hello\n) = 6\n{Area}");
        Assert.Equal(AreaRecord, logs.Text);
        Assert.Equal((1L, 0L), (logs.Summary.OtherCalls, logs.Summary.Dropped));
    }

    [Fact]
    public void Import_ColouredLog_IsTheSame() =>
        Assert.Equal(AreaRecord, StraceLogs.Of("\u001b[1mmmap\u001b[0m" + Area[4..]).Text);

    [Fact]
    public void Import_TableOfCounts_IsPassedOver()
    {
        StraceLogs logs = StraceLogs.Of(
            $"{Area}% time     seconds  usecs/call     calls    errors syscall\n------ -----\n 33.13    0.000330    33        10   mmap\n");
        Assert.Equal((AreaRecord, 0L), (logs.Text, logs.Summary.Dropped));
    }

    [Fact]
    public void Import_RightsChangedWhereNoCallMapped_MapsWhatExecMapped()
    {
        StraceLogs logs = StraceLogs.Of("brk(NULL) = 0x555500000000\nmprotect(0x555400000000, 4096, PROT_READ) = 0\n");
        Assert.Equal("t 0\nb 555500000000\ni 555400000000 1000 3 22 - 0 [exec]\np 555400000000 1000 1\n", logs.Text);
    }

    [Theory]
    [InlineData("hello", "strace lines such as")]
    [InlineData("munmap(0x7f0000001000, 40", "a whole call")]
    [InlineData("munmap(0x7f0000001000, 4096) = 0x7z", "and the end of the line")]
    [InlineData("munmap(x, 4096) = 0", "the arguments and the result")]
    [InlineData("old_mmap(0xffd3e4a0) = 0xf7753000", "the arguments and the result")]
    [InlineData("<... munmap resumed>) = 0", "the arguments and the result")]
    [InlineData("clone3(0x7ffef5b05330, 88) = 77", "its flags")]
    [InlineData("munmap(0x7f0000001000, 4096) = 0 garbage", "and the end of the line")]
    [InlineData("munmap(0x7f0000001000, 4096) = 0 <0.000012> <0.000012>", "and the end of the line")]
    [InlineData("munmap(0x7f0000001000, 4096) = 0 (garbage)", "nothing behind the result")]
    [InlineData("munmap(0x7f0000001000, 4096) = -1 EINVAL", "and the end of the line")]
    [InlineData("munmap(0x7f0000001000, 4096) = -1 EINVAL (Invalid argument", "and the end of the line")]
    [InlineData("munmap(0x7f0000001000, 4096) = -1 EINVAL (Invalid argument)mmap(NULL", "and the end of the line")]
    [InlineData(Mapped + " munmap(0x7f0000001000, 4096) = 0", "and the end of the line")]
    [InlineData(Mapped + "munmap(0x7f0000001000, 4096) = 0", "and the end of the line")]
    [InlineData(Mapped + "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000200000", "and the end of the line")]
    [InlineData(Mapped + "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</lib/b.so>, 0) = 0x7f0000200000", "and the end of the line")]
    [InlineData("getppid() = 1munmap(0x7f0000001000, 4096) = 0", "and the end of the line")]
    [InlineData("getppid() = 1 munmap(0x7f0000001000, 4096) = 0", "and the end of the line")]
    [InlineData("openat(AT_FDCWD, \"/x\", 0) = 3</x> munmap(0x7f0000001000, 4096) = 0", "and the end of the line")]
    [InlineData("munmap(0x1000, 4096mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000200000", "one call a line")]
    [InlineData("write(1, \"a\", 1munmap(0x7f0000001000, 4096) = 0", "one call a line")]
    [InlineData("write(1, \"a\", 1munmap(0x7f0000001000, 4096) = 0) = 1", "one call a line")]
    [InlineData("futex(0x7f00, FUTEX_WAIT, 1munmap(0x7f0000001000, 4096 <unfinished ...>", "one call a line")]
    [InlineData("munmap(0x7f0000001000, 4096) = 0mmap(NULL, 4096 <unfinished ...>", "one call a line")]
    [InlineData("doneclone(child_stack=NULL, flags=SIGCHLD) = 77", "one call a line")]
    [InlineData("donemmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>", "one call a line")]
    [InlineData("5munmap(0x7f0000001000, 4096) = 0", "strace lines such as")]
    [InlineData("+++ exited with 0 +++munmap(0x7f0000001000, 4096) = 0", "strace lines such as")]
    [InlineData("--- SIGCHLD {si_signo=SIGCHLD} ---+++ exited with 0 +++", "strace lines such as")]
    [InlineData("<... futex resumed>) = 0munmap(0x7f0000001000, 4096) = 0", "and the end of the line")]
    [InlineData("munmap(0x7f0000001000, 4096) = 1", "the result 0")]
    [InlineData("munmap(0x7f0000001001, 4096) = 0", "a multiple of 4096")]
    [InlineData("munmap(0x7f0000001000, 0) = 0", "the arguments and the result")]
    [InlineData("mprotect(0x7f0000001000, 4096, PROT_READ) = 5", "the result 0")]
    [InlineData("mprotect(0x7f0000001, 4096, PROT_READ) = 0", "a multiple of 4096")]
    [InlineData("madvise(0x7f0000001000, 4096, MADV_COLD) = 1", "the result 0")]
    [InlineData("mlockall(MCL_CURRENT) = 1", "the result 0")]
    [InlineData("execve(\"/bin/x\", [\"x\"], 0x7f) = 7", "the result 0")]
    [InlineData("mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f00000010", "the address of a page")]
    [InlineData("mmap(0x10000, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0", "the address of a page")]
    [InlineData("mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0", "the address of a page")]
    [InlineData("mmap(0x10000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x20000", "MAP_FIXED asked for")]
    [InlineData("mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0xffff888000000000", "a page of the program")]
    [InlineData("mremap(0x7f0000001000, 4096, 8192, MREMAP_MAYMOVE) = 0xffff888000000000", "a page of the program")]
    [InlineData("shmat(7, NULL, 0) = 0xffff888000000000", "a page of the program")]
    [InlineData("munmap(0xffff888000000000, 4096) = 0", "below 2^56")]
    [InlineData("mprotect(0x7f0000001000, 0xffffffffffffe000, PROT_READ) = 0", "below 2^56")]
    [InlineData("brk(0xff00000000000000) = 0xff00000000000000", "below 2^56")]
    [InlineData("mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0) = 0x7f0000200000", "MAP_SHARED or MAP_PRIVATE")]
    [InlineData("mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0x10) = 0x7f0000200000", "an offset that is a multiple of 4096")]
    [InlineData("mremap(0x7f0000001000, 4096, 8192, 0) = 0x7f0000200000", "the old address")]
    [InlineData("mremap(0x7f0000001000, 8192, 4096, MREMAP_MAYMOVE) = 0x7f0000200000", "the old address")]
    [InlineData("mremap(0x7f0000001000, 4096, 8192, MREMAP_MAYMOVE) = 0x7f00002", "the address of a page")]
    [InlineData("brk(0x555500000000) = 0", "the heap's end")]
    [InlineData("mremap(0x7f0000001000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x10000) = 0x7f0000200000", "MREMAP_FIXED asked for")]
    [InlineData("shmat(7, NULL, 0) = 0", "the address of a page")]
    [InlineData("clone(child_stack=NULL, flags=SIGCHLD) = 4194305", "a process id")]
    [InlineData("process_madvise(3, [{iov_base=0x7f0000001000, iov_len=4096}], 1, MADV_COLD, 0) = 8192", "at most the bytes")]
    public void Import_LineThatCannotBeUsed_IsRefusedOrDropped(string line, string allowed)
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => StraceLogs.Of($"{Area}{line}\n{Area}", file: "a.log"));
        Assert.Equal(("a.log", 2L), (error.File, error.Line));
        Assert.Contains(allowed, error.Message, StringComparison.Ordinal);
        Assert.Contains("--drop", error.Message, StringComparison.Ordinal);
        StraceLogs logs = StraceLogs.Of($"{Area}{line}\n{Area}", drop: true);
        Assert.Equal((1L, 2L), (logs.Summary.Dropped, logs.Summary.Calls["mmap"]));
    }

    [Theory]
    [InlineData("mbind(0x7f0000001000, 8192, MPOL_BIND, [0x00000000000001], 64, MPOL_MF_STRICT) = 0", "c mbind 7f0000001000 2000 2 1 1")]
    [InlineData(
        "mbind(0x7f0000001000, 4096, MPOL_PREFERRED|MPOL_F_STATIC_NODES, [0x3, 0000], 128, MPOL_MF_MOVE) = 0",
        "c mbind 7f0000001000 1000 32769 3 2")]
    [InlineData(
        "mbind(0x7f0000001000, 8192, 0x2 /* MPOL_BIND */, {0x1}, 64, 0x1 /* MPOL_MF_STRICT */) = 0",
        "c mbind 7f0000001000 2000 2 1 1")]
    [InlineData("set_mempolicy(MPOL_INTERLEAVE, [0x00000000000003], 64) = 0", "c set_mempolicy 3 3")]
    [InlineData("set_mempolicy(MPOL_DEFAULT, NULL, 0)    = 0", "c set_mempolicy 0 0")]
    [InlineData("set_mempolicy(MPOL_BIND, 0x7ffc1000, 64) = 0", null)]
    [InlineData("set_mempolicy(MPOL_BIND, [0x1, 0x2], 128) = 0", null)]
    public void Import_MemoryPolicy_IsKept(string call, string? record)
    {
        StraceLogs logs = StraceLogs.Of($"7 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000\n7 {call}\n");
        Assert.Equal(record, logs.Text.Split('\n').FirstOrDefault(line => line.StartsWith("c ", StringComparison.Ordinal)));
        Assert.Equal(record is null ? 1 : 0, logs.Summary.NotSimulated.Count);
    }
}
