using System.Text;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>Sleeps of threads in the logs of other tools.</summary>
public class ImportedSleepTests
{
    private const string Waking = "app 7/7 [0] 0.5: sched:sched_waking: comm=x pid=99 prio=120 target_cpu=001\n";

    /// <summary>Two threads, each with a fault.</summary>
    private const string Threads = """
        app 7/7 [000] 1.000000: exceptions:page_fault_user: address=0x5000 ip=0x1000 error_code=0x6
        app 7/8 [001] 1.000001: exceptions:page_fault_user: address=0x6000 ip=0x1000 error_code=0x6

        """;

    private const string Fault = "app 7/7 [000] 1.002000: exceptions:page_fault_user: address=0x7000 ip=0x1000 error_code=0x6\n";

    [Theory]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120")]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=1 ==> next_comm=swapper/0 next_pid=0 next_prio=120")]
    [InlineData("prev_comm=a ==> b prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=next_pid=8 next_pid=0 next_prio=120")]
    [InlineData("app:7 [120] S ==> swapper/0:0 [120]")]
    public void Perf_SwitchOfAThreadThatIsNotRunnable_IsASleepUpToItsNextEvent(string switched)
    {
        (ImportSummary summary, string text) = Import("perf", $"{Threads}app 7/7 [000] 1.001000: sched:sched_switch: {switched}\n{Fault}");
        Assert.Contains("t 0\nw unknown 1000000 *\nW 7\n", text);
        Assert.Equal((1, 1_000_000, 0), (summary.Sleeps, summary.SleptNanoseconds, summary.Dropped));
    }

    [Theory]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=R ==> next_comm=b next_pid=9 next_prio=120", true)]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=R+ ==> next_comm=b next_pid=9 next_prio=120", true)]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=0 ==> next_comm=b next_pid=9 next_prio=120", true)]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=256 ==> next_comm=b next_pid=9 next_prio=120", true)]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=D ==> next_comm=b next_pid=9 next_prio=120", true)]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=16 ==> next_comm=b next_pid=9 next_prio=120", false)]
    [InlineData("prev_comm=app prev_pid=7 prev_prio=120 prev_state=T ==> next_comm=b next_pid=9 next_prio=120", false)]
    [InlineData("nothing of that kind", false)]
    public void Perf_SwitchOfARunnableOrFaultingThread_IsNoSleepButTimeOffItsCore(string switched, bool isOffCore)
    {
        (ImportSummary summary, string text) = Import("perf", $"{Threads}app 7/7 [000] 1.001000: sched:sched_switch: {switched}\n{Fault}");
        Assert.Equal(isOffCore, text.Contains("w off_core 1000000 -\nW 7\n", StringComparison.Ordinal));
        Assert.DoesNotContain("w unknown", text);
        Assert.Equal(0, summary.Sleeps);
    }

    [Fact]
    public void Perf_ThreadWithSchedulerEvents_HadNoCoreUpToItsFirst()
    {
        const string Made = "app 7/7 [000] 1.0: PERF_RECORD_FORK(7:8):(7:7)\n";
        const string Runs = "app 7/8 [001] 1.1: exceptions:page_fault_user: address=0x6000 ip=0x1000 error_code=0x6\n";
        (_, string told) = Import("perf", $"{Fault}{Made}app 7/8 [001] 1.05: PERF_RECORD_SWITCH IN\n{Runs}");
        (_, string silent) = Import("perf", $"{Fault}{Made}{Runs}");
        Assert.Contains("t 1\nw off_core 0 -\nW 6\n", told);
        Assert.Contains("t 1\nW 6\n", silent);
    }

    [Fact]
    public void Perf_OneThreadAlone_NeedsNoTimeOffItsCore()
    {
        (_, string text) = Import(
            "perf", $"{Fault}app 7/7 [000] 1.1: PERF_RECORD_SWITCH OUT preempt\napp 7/7 [000] 1.2: PERF_RECORD_SWITCH IN\n{Fault}");
        Assert.DoesNotContain("off_core", text);
    }

    [Fact]
    public void Perf_SecondWaitForADeviceBehindAFault_IsASleep()
    {
        const string Switch = "sched:sched_switch: app:7 [120] D ==> swapper/0:0 [120]\n";
        (ImportSummary summary, string text) = Import(
            "perf",
            $"{Threads}app 7/7 [000] 1.001: {Switch}app 7/7 [000] 1.0011: PERF_RECORD_SWITCH IN\napp 7/7 [000] 1.0015: {Switch}{Fault}");
        Assert.Contains("w unknown 500000 *\nW 7\n", text);
        Assert.Equal((1, 1), (summary.Sleeps, summary.Records["sched:sched_switch within a fault"]));
    }

    [Fact]
    public void Perf_SwitchTo_EndsASleepAndNamesItsCall()
    {
        (_, string text) = Import(
            "perf",
            Threads + """
            app 7/7 [000] 1.000500: syscalls:sys_enter_futex: uaddr: 0x1, op: 0x80
            app 7/7 [000] 1.001000: sched:sched_switch: app:7 [120] S ==> app:8 [120]
            app 7/8 [000] 1.001100: exceptions:page_fault_user: address=0x8000 ip=0x1000 error_code=0x6
            app 7/8 [000] 1.001200: sched:sched_switch: prev_comm=app prev_pid=8 prev_state=R ==> next_comm=app next_pid=7 next_prio=120
            app 7/7 [000] 1.001300: syscalls:sys_exit_futex: 0x0

            """);
        Assert.Contains("W 8\nt 0\nw futex 200000 *\n", text);
    }

    [Theory]
    [InlineData("app 7/8", "1")]
    [InlineData("other 55/55", "-")]
    [InlineData("swapper 0/0", "-")]
    [InlineData("app 7/7", "-")]
    public void Perf_Waking_SaysWhoEndedTheSleep(string waker, string expected)
    {
        (_, string text) = Import(
            "perf",
            $"""
            {Threads}app 7/7 [000] 1.001000: PERF_RECORD_SWITCH OUT
            {waker} [001] 1.001500: sched:sched_waking: comm=app pid=7 prio=120 target_cpu=000
            app 7/7 [000] 1.001600: PERF_RECORD_SWITCH IN
            {Fault}
            """);
        Assert.Contains($"w unknown 600000 {expected}\nW 7\n", text);
    }

    [Fact]
    public void Perf_RecordingWithWakings_ASleepWithoutOneEndedOutside()
    {
        (_, string text) = Import("perf", $"{Threads}{Waking}app 7/7 [000] 1.001: PERF_RECORD_SWITCH OUT\n{Fault}");
        Assert.Contains("w unknown 1000000 -\n", text);
    }

    [Fact]
    public void Perf_PreemptionsAndWaitsWithinMemoryCalls_AreNoSleeps()
    {
        (ImportSummary summary, string text) = Import(
            "perf",
            Threads + """
            app 7/7 [000] 1.001000: PERF_RECORD_SWITCH OUT preempt
            app 7/7 [000] 1.001001: PERF_RECORD_SWITCH IN
            app 7/7 [000] 1.001002: syscalls:sys_enter_munmap: addr: 0x5000, len: 0x1000
            app 7/7 [000] 1.001003: PERF_RECORD_SWITCH OUT
            app 7/7 [000] 1.001004: PERF_RECORD_SWITCH IN
            app 7/7 [000] 1.001005: syscalls:sys_exit_munmap: 0x0

            """);
        Assert.Contains("w off_core 1000 -\nw off_core 1000 -\nu 5000 1000\n", text);
        Assert.Equal((0, 1), (summary.Sleeps, summary.Records["sched:sched_switch within munmap"]));
    }

    [Theory]
    [InlineData("nanosleep({tv_sec=0, tv_nsec=5000000}, NULL) = 0 <0.005100>", "w nanosleep 5100000 -")]
    [InlineData("clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=0}, 0x7ffc) = 0", "w clock_nanosleep 0 -")]
    [InlineData("poll([{fd=3, events=POLLIN}], 1, 20) = 0 (Timeout) <0.020060>", "w poll 20060000 -")]
    [InlineData("epoll_wait(4, [], 32, 10) = 0 <0.010001>", "w epoll_wait 10001000 -")]
    [InlineData("select(0, NULL, NULL, NULL, {tv_sec=0, tv_usec=200}) = 0 (Timeout) <0.0003>", "w select 300000 -")]
    [InlineData("futex(0x7f00, FUTEX_WAIT_PRIVATE, 2, NULL) = 0 <0.001000>", "w futex 1000000 *")]
    [InlineData("futex(0x7f00, 0x81, 2, NULL) = 0 <0.001000>", null)]
    [InlineData("futex(0x7f00, 0x80, 0x2, NULL) = 0 <0.001000>", "w futex 1000000 *")]
    [InlineData("futex(0x7f00, FUTEX_WAIT_BITSET, 2, {tv_sec=9, tv_nsec=1}, 0xff) = -1 ETIMEDOUT (Connection timed out)", "w futex 0 -")]
    [InlineData("pause() = ? ERESTARTNOHAND (To be restarted if no handler) <2.5>", "w pause 2500000000 *")]
    [InlineData("futex(0x7f00, FUTEX_WAIT_PRIVATE, 2, NULL) = -1 EAGAIN (Resource temporarily unavailable) <0.001000>", null)]
    [InlineData("futex(0x7f00, FUTEX_WAKE_PRIVATE, 1) = 1 <0.001000>", null)]
    [InlineData("poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout) <0.020060>", null)]
    [InlineData("poll([{fd=3, events=POLLIN}], 1, 20) = 1 ([{fd=3, revents=POLLIN}]) <0.010060>", null)]
    [InlineData("nanosleep({tv_sec=0, tv_nsec=0}, NULL) = 0 <0.000060>", null)]
    [InlineData("nanosleep(0xffff, NULL) = -1 EFAULT (Bad address) <0.000060>", null)]
    [InlineData("read(3, \"x\", 1) = 1 <3.000060>", null)]
    [InlineData("nanosleep({tv_sec=9, tv_nsec=0}, NULL) = 0 <900000000.0>", "w nanosleep 562949953421312 -")]
    public void Strace_CallThatMustHaveSlept_IsASleep(string call, string? expected)
    {
        (ImportSummary summary, string text) = Import("strace", $"7 brk(NULL) = 0x5000\n7 {call}\n7 brk(0x6000) = 0x6000\n");
        Assert.Equal(expected, text.Split('\n').FirstOrDefault(line => line.StartsWith("w ", StringComparison.Ordinal)));
        Assert.Equal((expected is null ? 0 : 1, 1), (summary.Sleeps, summary.OtherCalls));
    }

    [Fact]
    public void Strace_CallThatOtherLinesInterrupt_SleptWhereItGoesOn()
    {
        (_, string text) = Import("strace", """
            7 brk(NULL) = 0x5000
            7 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_THREAD) = 8
            7 futex(0x7f00, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>
            8 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
            7 <... futex resumed>) = 0 <0.020000>

            """);
        Assert.Contains("t 1\nm 7f0000001000 1000 1 22 - 0\nt 0\nw futex 20000000 *\n", text);
    }

    [Theory]
    [InlineData("8 +++ exited with 0 +++\n", "w wait4 5000 -")]
    [InlineData("8 getpid() = 8\n", null)]
    public void Strace_WaitForAChild_SleptIfThatEndedMeanwhile(string meanwhile, string? expected)
    {
        (_, string text) = Import("strace", $"""
            7 brk(NULL) = 0x5000
            7 fork() = 8
            7 wait4(-1,  <unfinished ...>
            {meanwhile}7 <... wait4 resumed>[WIFEXITED(s) && WEXITSTATUS(s) == 0], 0, NULL) = 8 <0.000005>

            """);
        Assert.Equal(expected, text.Split('\n').FirstOrDefault(line => line.StartsWith("w ", StringComparison.Ordinal)));
    }

    private static (ImportSummary Summary, string Text) Import(string importer, string log) =>
        Logs.Import(importer, new MemoryStream(Encoding.UTF8.GetBytes(log)));
}
