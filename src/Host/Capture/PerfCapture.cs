using VmSim.Core.Traces.Import;
using VmSim.Core.Traces.Import.Perf;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Capture;

/// <summary>Records a program with perf's trace events: its faults, its calls and the kernel's TLB flushes.</summary>
internal static class PerfCapture
{
    /// <summary>Where the kernel lists its trace events.</summary>
    /// <summary>How long perf may take to write what it has, once it is interrupted: it goes through all of the recording.</summary>
    private static readonly TimeSpan WritingPatience = TimeSpan.FromSeconds(60);

    private static readonly string[] EventFolders = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"];

    /// <summary>
    /// The stack that perf keeps of a call and unwinds afterwards: frame pointers would leave out who called the C library, whose functions
    /// set none. 4 KiB are a few dozen frames, and a call of memory costs more than to copy them.
    /// </summary>
    private const string Stack = "/call-graph=dwarf,stack-size=4096/";

    /// <summary>Calls whose stacks are kept.</summary>
    private static readonly string[] MemoryCalls =
    [
        "mmap", "munmap", "mprotect", "pkey_mprotect", "mremap", "brk", "madvise", "mlock", "mlock2", "munlock", "mlockall", "munlockall",
        "msync", "mincore", "mseal", "shmat", "shmdt",
    ];

    private static readonly string[] Calls = [.. MemoryCalls, "clone", "clone3", "fork", "vfork", "execve", "execveat"];

    private static readonly string[] AllEvents =
    [
        "exceptions:page_fault_user", "exceptions:page_fault_kernel", "tlb:tlb_flush", "sched:sched_switch", "sched:sched_waking",
        "sched:sched_process_fork", "sched:sched_process_exec", "sched:sched_process_exit", "migrate:mm_migrate_pages",
        .. Calls.SelectMany(call => new[] { $"syscalls:sys_enter_{call}", $"syscalls:sys_exit_{call}" }),
    ];

    /// <summary>Records the program and writes its trace and those of the processes that it forks.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="folder">A folder for the recording.</param>
    /// <param name="target">The trace to write.</param>
    /// <param name="way">How it is run.</param>
    /// <param name="stacks">Whether to record from where calls on memory are made.</param>
    /// <param name="maps">The file of the kernel's word on areas, and calls before which to ask; null to ask nothing.</param>
    /// <param name="error">Where to say what was found.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="UsageException">perf may not record here.</exception>
    public static int Run(
        string program,
        IReadOnlyList<string> arguments,
        string folder,
        string target,
        TracedWay way,
        bool stacks,
        (string File, string Points)? maps,
        TextWriter error)
    {
        string recording = Path.Combine(folder, "perf.data");
        string script = Path.Combine(folder, "perf.script");
        string[] record =
            ["record", "-q", "-d", "--switch-events", "-m", "16M", "-e", string.Join(',', Events(stacks)), "-o", recording, "--", program];
        (string tool, string[] line) = maps is { } wanted
            ? MapsCapture.Around(wanted.File, wanted.Points, CaptureTools.Find(CaptureTools.Perf)!, [.. record, .. arguments])
            : (CaptureTools.Perf, [.. record, .. arguments]);
        int exitCode = CaptureTools.RunTraced(tool, line, way, patience: WritingPatience);
        if (!File.Exists(recording))
        {
            throw new UsageException(
                "--with perf: perf recorded nothing. Trace events need root, or kernel.perf_event_paranoid = -1 and a readable "
                + "/sys/kernel/tracing; containers often forbid them");
        }

        // perf script writes to standard output alone.
        string command = $"exec \"$0\" script --no-inline -i \"$1\" -F comm,pid,tid,cpu,time,event,trace{(stacks ? ",ip,sym,dso" : "")} "
            + "--show-task-events --show-mmap-events --show-switch-events --show-lost-events > \"$2\"";
        int scriptCode = CaptureTools.Run(
            "/bin/sh",
            ["-c", command, CaptureTools.Find(CaptureTools.Perf)!, recording, script],
            _ => { },
            patience: Timeout.InfiniteTimeSpan);
        if (scriptCode != 0)
        {
            throw new UsageException($"--with perf: perf script ended with exit code {scriptCode}");
        }

        using FileStream log = File.OpenRead(script);
        using TraceOutput trace = new(target);
        using ChildTraces children = new(target, binary: false);
        using SourceLines lines = new();
        ImportSummary summary = new PerfImporter().Import(log, trace.Sink, new ImportOptions
        {
            File = script,
            Name = Path.GetFileName(program),
            Children = children,
            SourceLine = lines.Find,
        });
        trace.Finish();
        Leftovers.Whole(() =>
        {
            children.Complete();
            trace.Complete();
        });
        ImportSummaryView.Show(summary, target, error, forks: children.Paths.Count < summary.Children.Count);
        ImportSummaryView.ShowChildren(children.Paths, error);
        if (lines.IsToolMissing)
        {
            error.WriteLine(SourceLines.Missing);
        }

        return exitCode;
    }

    /// <summary>The trace events that this kernel has; without page_fault_user the software event of faults.</summary>
    private static IEnumerable<string> Events(bool stacks)
    {
        string folder = Array.Find(EventFolders, Directory.Exists) ?? throw new UsageException(
            $"--with perf: {EventFolders[0]} cannot be read: mount -t tracefs tracefs /sys/kernel/tracing, as root");
        List<string> there = [.. AllEvents.Where(name => Directory.Exists(Path.Combine(folder, name.Replace(':', '/'))))];
        string[] enters = stacks ? [.. MemoryCalls.Select(call => $"syscalls:sys_enter_{call}")] : [];
        IEnumerable<string> asked = there.Select(name => enters.Contains(name) ? name + Stack : name);
        return there.Contains(AllEvents[0]) ? asked : asked.Append("page-faults");
    }
}
