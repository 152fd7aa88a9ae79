using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>Recordings of perf, as people have them and as perf 6.1 printed them of a program with threads and a child.</summary>
public class PerfImporterTests
{
    [Fact]
    public void Script_DefaultOfFaultsWithAddresses_HasEachFaultAndThread()
    {
        (ImportSummary summary, string text) = Logs.Import("perf", Logs.OpenCase("perf", "a-default.txt"));
        Assert.Equal((3, 0, 2, 0), (summary.DataReferences, summary.Fetches, summary.Threads, summary.Dropped));
        Assert.Contains("W 7fda3ea48\n", text);
    }

    [Theory]
    [InlineData("b-callgraph.txt")]
    [InlineData("c-ip-only.txt")]
    public void Script_WithoutDataAddresses_IsRefused(string file)
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => Logs.Import("perf", Logs.OpenCase("perf", file)));
        Assert.Equal(1, error.Line);
        Assert.Contains("record -d", error.Message);
    }

    [Theory]
    [InlineData("d-tracepoint-riscv.txt", 0x7fff94c75400, 0x7fff94cf6400)]
    [InlineData("d-tracepoint-x86.txt", 0x57060420, 0x5706a430)]
    [InlineData("d-perf-trace.txt", 0x57060420, -1)]
    public void Tracepoint_Faults_AreWhatTheirCodeSays(string file, long stored, long loaded)
    {
        (ImportSummary summary, string text) = Logs.Import("perf", Logs.OpenCase("perf", file));
        Assert.Equal((2, 0, 1, 0), (summary.DataReferences, summary.Fetches, summary.Threads, summary.Dropped));
        Assert.Contains($"\nW {stored >> 12:x}", text);
        Assert.True(loaded < 0 || text.Contains($"\nR {loaded >> 12:x}", StringComparison.Ordinal));
        Assert.Equal(file == "d-perf-trace.txt" ? 20 : 0, summary.Lost);
    }

    [Fact]
    public void Script_SamplesOfOtherEvents_AreCountedByName()
    {
        (ImportSummary summary, _) = Logs.Import("perf", Logs.OpenCase("perf", "f-dtlb.txt"));
        Assert.Equal((1, 0), (summary.DataReferences, summary.Dropped));
        Assert.Equal(2, summary.Records["dTLB-load-misses:u"]);
    }

    [Fact]
    public void Bpftrace_OfAProgramThatPerfRecordedToo_HasTheSameCallsFaultsAndSleeps()
    {
        (ImportSummary summary, string text) = Logs.Import("perf", Logs.OpenCase("perf", "g-bpftrace.txt"));
        (ImportSummary other, string otherText) = Logs.Import("perf", Logs.OpenCase("perf", "g-perf-script.txt"));
        Assert.Equal(other.Calls, summary.Calls);
        Assert.Equal((57, 57), (summary.Fetches + summary.DataReferences, other.Fetches + other.DataReferences));
        Assert.Equal((2, 1, 0), (summary.Threads, summary.Sleeps, summary.Dropped));
        Assert.Equal((2, 1, 0), (other.Threads, other.Sleeps, other.Dropped));
        Assert.Equal(Sleep(otherText), Sleep(text));
        Assert.Contains(" /tmp/", otherText);
        Assert.Contains("libc.so.6\n", text);

        static string Sleep(string trace) => string.Join(' ', Array.Find(trace.Split('\n'), line => line.StartsWith('w'))!.Split(' ')[..2]);
    }

    [Fact]
    public void Script_HeapOfAProgramThatIsExecuted_IsNotTheOneBefore()
    {
        (ImportSummary summary, string text) = Import("""
            app 7/7 [000] 1.000001: syscalls:sys_enter_brk: brk: 0x0
            app 7/7 [000] 1.000002: syscalls:sys_exit_brk: 0x555500000000
            app 7/7 [000] 1.000003: syscalls:sys_enter_execve: filename: 0x1000, argv: 0x2000, envp: 0x3000
            app 7/7 [000] 1.000004: exceptions:page_fault_kernel: address=0x7fffffffe000 ip=copy error_code=0x2
            new 7/7 [000] 1.000005: PERF_RECORD_COMM exec: new:7/7
            new 7/7 [000] 1.000006: syscalls:sys_exit_execve: 0x0
            new 7/7 [000] 1.000007: syscalls:sys_enter_brk: brk: 0x0
            new 7/7 [000] 1.000008: syscalls:sys_exit_brk: 0x666600000000
            new 7/7 [000] 1.000009: syscalls:sys_enter_brk: brk: 0x666600001000
            new 7/7 [000] 1.000010: syscalls:sys_exit_brk: 0x666600001000
            """);
        Assert.Contains("k exec\nm 666600000000 1000 3 22 - 0\n", text);
        Assert.Equal(1, summary.Records["exceptions:page_fault_kernel of a program that is not there yet"]);
    }

    [Fact]
    public void Script_HeapOfAProcessThatRanBefore_GrowsFromWhereItEnded()
    {
        (_, string text) = Import("""
            app 0/0 [000] 0.000000: PERF_RECORD_MMAP2 7/7: [0x555500000000(0x2000) @ 0 00:00 0 0]: rw-p [heap]
            app 7/7 [000] 1.000001: syscalls:sys_enter_brk: brk: 0x555500005000
            app 7/7 [000] 1.000002: syscalls:sys_exit_brk: 0x555500005000
            app 7/7 [000] 1.000003: exceptions:page_fault_user: address=0x555500004000 ip=0x1000 error_code=0x6
            """);
        Assert.Contains("m 555500002000 3000 3 22 - 0\nW 555500004\n", text);
    }

    [Fact]
    public void Script_HeapOfAForkedChild_GoesOnFromItsParents()
    {
        ChildSinks children = new ChildSinks();
        (_, string text) = Import(
            """
            app 7/7 [000] 1.000001: syscalls:sys_enter_brk: brk: 0x0
            app 7/7 [000] 1.000002: syscalls:sys_exit_brk: 0x555500000000
            app 7/7 [000] 1.000003: sched:sched_process_fork: comm=app pid=7 child_comm=app child_pid=8
            app 8/8 [000] 1.000004: syscalls:sys_enter_brk: brk: 0x555500001000
            app 8/8 [000] 1.000005: syscalls:sys_exit_brk: 0x555500001000
            """,
            children);
        Assert.Contains("k fork 8\n", text);
        Assert.Contains("m 555500000000 1000 3 22 - 0\n", children.Texts.Values.Single());
    }

    [Fact]
    public void Script_FaultOnTheFirstPage_IsCountedAndMapsNothing()
    {
        (ImportSummary summary, string text) = Import("""
            app 7/7 [000] 1.000001: exceptions:page_fault_user: address=0x10 ip=0x401000 error_code=0x6
            app 7/7 [000] 1.000002: exceptions:page_fault_user: address=0x7f0000000000 ip=0x401000 error_code=0x6
            """);
        Assert.DoesNotContain("W 0\n", text);
        Assert.Equal(1, summary.Records["faults outside user space or on its first page"]);
    }

    [Theory]
    [InlineData("threads.script.txt", true)]
    [InlineData("plain.script.txt", false)]
    [InlineData("threads.trace.txt", false)]
    public void Recording_OfThreadsAndAChild_LosesNothing(string file, bool namesProcesses)
    {
        string log = Encoding.UTF8.GetString(Logs.ReadCase("perf", file));
        ChildSinks children = new ChildSinks();
        (ImportSummary summary, string text) = Logs.Import(
            "perf", Logs.OpenCase("perf", file), new ImportOptions { File = file, Children = children });
        List<ImportSummary> all = [summary, .. children.Summaries.Values];
        Assert.Equal(0, all.Sum(one => one.Dropped));
        Assert.Equal(Regex.Count(log, @"page_fault_user[:(]"), all.Sum(one => one.Fetches + one.DataReferences));
        foreach (string call in new[] { "mmap", "munmap", "mremap", "madvise", "brk" })
        {
            long ends = Regex.Count(log, $@"sys_exit_{call}:|\d {call}\(.*\) += |continued\]: {call}\(");
            Assert.True(ends > 0 || call == "mremap");
            Assert.Equal(
                ends,
                all.Sum(one => one.Calls.GetValueOrDefault(call) + one.Failed.Where(f => f.Key.StartsWith(call, StringComparison.Ordinal))
                    .Sum(f => f.Value) + one.WithoutResult.Where(f => f.Key.StartsWith(call, StringComparison.Ordinal)).Sum(f => f.Value)));
        }

        LoadedTrace trace = children.Load(text);
        Assert.True(!namesProcesses || (trace.Image.Threads.Count == 3 && trace.Image.Children.Count == 1));
        Replay replay = new Replay(trace.Image, 1);
        Assert.True(replay.Run());
        Assert.Equal(0, replay.Unmapped);
    }

    [Fact]
    public void Recording_WithMappings_HasTheProgramsLayoutAndFiles()
    {
        ChildSinks children = new ChildSinks();
        (ImportSummary summary, string text) = Logs.Import(
            "perf", Logs.OpenCase("perf", "threads.script.txt"), new ImportOptions { Children = children });
        Assert.Contains(" [stack]\n", text);
        Assert.Contains("/usr/lib/x86_64-linux-gnu/libc.so.6\n", text);
        Assert.DoesNotContain("descriptor", text);
        Assert.Equal(2, summary.Calls["clone"]);
        Assert.Equal(1, summary.Calls["fork"]);
        Assert.Equal(1, children.Summaries.Single().Value.Calls["execve"]);
        Assert.Contains("# kernel tlb_flush local-mm-shootdown ", text);
        Assert.Matches(@"# thread 1 ran on cores \d+:\d+", text);
        Assert.Contains(summary.Failed, failed => failed.Key.StartsWith("mmap ", StringComparison.Ordinal));
    }

    [Fact]
    public void Names_OfAnyKind_AreNotTakenForFields()
    {
        string alphabet = "ab [](){}:/.,0123456789=-_#\t";
        Gen<string> name = Gen.OneOf(
            Gen.Char[alphabet].Array[1, 15].Select(letters => new string(letters)),
            Gen.Int[0, 3].Select(index => new[] { "7 1.000000: a:", "1/2 [003] 1.0:", "x/9 mmap(", "PERF_RECORD_X" }[index]));
        Gen.Select(name, Gen.Int[1, 4_000_000], Gen.Int[1, 4_000_000], Gen.Int[0, 999], Gen.ULong[0x1000, (1UL << 47) - 1], Gen.Bool)
            .Sample((comm, process, thread, core, address, isTrace) =>
        {
            string line = isTrace
                ? $"  3711.661 {comm}/{thread} exceptions:page_fault_user(address: 0x{address:x}, ip: 4195786, error_code: 6)\n"
                : $"{comm,16} {process,7}/{thread,-7} [{core:d3}] 15123.513317: exceptions:page_fault_user: address=0x{address:x} ip=0x1 "
                    + "error_code=0x6\n";
            (ImportSummary summary, string text) = Logs.ImportText("perf", line);
            Assert.Equal((1, 0), (summary.DataReferences, summary.Dropped));
            Assert.Contains($"\nW {address >> 12:x}\n", text);
        }, iter: 2000);
    }

    [Fact]
    public void Unmapping_WhoseRangeAnotherThreadGets_IsOverBefore()
    {
        (_, string text) = Logs.ImportText("perf", """
            a 5/5 [000] 1.000001: exceptions:page_fault_user: address=0x7000000 ip=0x1 error_code=0x6
            a 5/5 [000] 1.000002: syscalls:sys_enter_munmap: addr: 0x07000000, len: 0x00001000
            a 5/6 [001] 1.000003: syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x1000, prot: 0x3, flags: 0x22, fd: 0xffffffff
            a 5/6 [001] 1.000004: syscalls:sys_exit_mmap: 0x7000000
            a 5/6 [001] 1.000005: exceptions:page_fault_user: address=0x7000000 ip=0x1 error_code=0x6
            a 5/5 [000] 1.000006: syscalls:sys_exit_munmap: 0x0
            """);
        Assert.Contains("u 7000000 1000\nt 1\nm 7000000 1000 3 22 - 0\nW 7000\n", text);
        Assert.Equal(1, text.Split('\n').Count(line => line.StartsWith("u ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Calls_ThatFailAtAHole_KeepWhatTheyChanged()
    {
        (ImportSummary summary, string text) = Logs.ImportText("perf", """
            a 5/5 [000] 1.000001: syscalls:sys_enter_madvise: start: 0x07000000, len_in: 0x00003000, behavior: 0x00000004
            a 5/5 [000] 1.000002: syscalls:sys_exit_madvise: 0xfffffffffffffff4
            a 5/5 [000] 1.000003: syscalls:sys_enter_munmap: addr: 0x07000001, len: 0x00001000
            a 5/5 [000] 1.000004: syscalls:sys_exit_munmap: 0xffffffffffffffea
            a 5/5 [000] 1.000005: syscalls:sys_enter_mlock: start: 0x07000000, len: 0x00003000
            a 5/5 [000] 1.000006: syscalls:sys_exit_mlock: 0x0
            a 5/5 [000] 1.000007: syscalls:sys_enter_shmget: key: 0x1, size: 0x1000, shmflg: 0x0
            a 5/5 [000] 1.000008: syscalls:sys_exit_shmget: 0x3
            a 5/5 [000] 1.000009: syscalls:sys_enter_read: fd: 0x3
            a 5/5 [000] 1.000010: syscalls:sys_exit_read: 0x3
            a 5/5 [000] 1.000011: syscalls:sys_enter_munmap: addr: 0x07000000, len: 0x00001000
            """);
        Assert.Contains("d 7000000 3000 4 ENOMEM\n", text);
        Assert.Contains("c mlock 7000000 3000 0\n", text);
        Assert.Equal(1, summary.Failed["munmap EINVAL"]);
        Assert.Equal(1, summary.NotSimulated["shmget"]);
        Assert.Equal(1, summary.WithoutResult["munmap"]);
        Assert.Equal(1, summary.OtherCalls);
    }

    [Fact]
    public void Maps_OfOtherMachines_HaveTheirOffsets()
    {
        (ImportSummary summary, string text) = Logs.ImportText("perf", """
            a 5/5 [000] 1.000001: syscalls:sys_enter_mmap_pgoff: addr: 0x0, len: 0x1000, prot: 0x1, flags: 0x2, fd: 0x3, pgoff: 0x2
            a 5/5 [000] 1.000002: syscalls:sys_exit_mmap_pgoff: 0xb6f00000
            a 5/5 [000] 1.000003: syscalls:sys_enter_mmap: addr: 0x0, len: 0x1000, prot: 0x1, flags: 0x2, fd: 0x3, offset: 0x5000
            a 5/5 [000] 1.000004: syscalls:sys_exit_mmap: 0x7f0000000000
            """);
        Assert.Contains("m b6f00000 1000 1 2 1 2000\n", text);
        Assert.Contains("m 7f0000000000 1000 1 2 1 5000\n", text);
        Assert.Equal(2, summary.Calls["mmap"]);
    }

    [Fact]
    public void Mapping_ThatGrewByANewOne_MapsWhatIsNew()
    {
        (_, string text) = Logs.ImportText("perf", """
            a 5/5 [000] 1.000001: page-faults: 7f0000000000
            a 5/5 [000] 1.000002: PERF_RECORD_MMAP2 5/5: [0xf7f1a000(0x4000) @ 0xf7f1a000 00:00 0 0]: rw-p //anon
            a 5/5 [000] 1.000003: PERF_RECORD_MMAP2 5/5: [0xf7f18000(0x6000) @ 0xf7f18000 00:00 0 0]: rw-p //anon
            """);
        Assert.Contains("m f7f1a000 4000 3 22 - 0\nm f7f18000 2000 3 22 - 0\n", text);
    }

    [Theory]
    [InlineData("", "on-task-switch 1 pages 0 full 0")]
    [InlineData("reason: 5", "remote-wrong-cpu 1 pages 0 full 0")]
    [InlineData("pages: 3", "on-task-switch 1 pages 3 full 0")]
    [InlineData("pages: -1, reason: 2", "local-shootdown 1 pages 0 full 1")]
    public void Trace_FlushWithoutItsZeros_IsRead(string text, string comment)
    {
        (ImportSummary summary, string trace) = Logs.ImportText("perf", $"""
               1.000 a/5 exceptions:page_fault_user(address: 0x7000000, error_code: 6)
               2.000 a/5 tlb:tlb_flush({text})
               3.000 a/5 tlb:tlb_flush(nonsense)
            """);
        Assert.Contains($"# kernel tlb_flush {comment}\n", trace);
        Assert.Equal(1, summary.Dropped);
    }

    [Fact]
    public void Processes_WithoutTraces_AreNamedInOneNote()
    {
        string log = string.Concat(Enumerable.Range(5, 20).Select(process =>
            $"a {process}/{process} [000] 1.000001: exceptions:page_fault_user: address=0x7000000 ip=0x1 error_code=0x6\n"));
        (ImportSummary summary, _) = Logs.ImportText("perf", log);
        Assert.Single(summary.Notes, note => note.StartsWith("No traces are written for 19 of the processes", StringComparison.Ordinal)
            && note.EndsWith(": 6, 7, 8, 9, 10, ....", StringComparison.Ordinal));
    }

    [Fact]
    public void Lost_Events_AreReported()
    {
        (ImportSummary summary, _) = Logs.ImportText("perf", """
            Lost 3 events
            LOST 4 events!
            a 5/5 [000] 1.000001: PERF_RECORD_LOST lost 5
            a 5/5 [000] 1.000001: PERF_RECORD_LOST_SAMPLES lost 6
            a 5/5 [000] 1.000001: page-faults: 7f0000001000
            """);
        Assert.Equal(18, summary.Lost);
        Assert.Contains(summary.Notes, note => note.StartsWith("perf lost 18 events", StringComparison.Ordinal));
    }

    [Fact]
    public void Processes_ThatNoneForked_GetTracesBesideTheFirst()
    {
        ChildSinks children = new ChildSinks();
        (ImportSummary summary, string text) = Logs.Import(
            "perf",
            new MemoryStream("""
                a 5/5 [000] 1.000001: page-faults: 7f0000001000
                b 9/9 [001] 1.000002: page-faults: 7f0000002000
                a 5/5 [000] 1.000003: page-faults: 7f0000003000
                """u8.ToArray()),
            new ImportOptions { Children = children });
        Assert.Equal((2, 1), (summary.DataReferences, children.Summaries[9].DataReferences));
        Assert.EndsWith("W 7f0000002\n# thread 0 ran on cores 1:1\n", children.Texts["test-9.vmt"]);
        Assert.DoesNotContain("7f0000002", text);
    }

    [Theory]
    [InlineData("threads.script.txt")]
    [InlineData("plain.script.txt")]
    [InlineData("threads.trace.txt")]
    public void Recording_Mutated_EndsWellOrWithAnError(string file) =>
        Logs.Mutate(Logs.ReadCase("perf", file)).Sample(bytes => Logs.EndsWell("perf", bytes), iter: 150);

    private static (ImportSummary Summary, string Text) Import(string script, ChildSinks? children = null) => Logs.Import(
        "perf", new MemoryStream(Encoding.UTF8.GetBytes(script + "\n")), new ImportOptions { File = "x.script", Children = children });
}
