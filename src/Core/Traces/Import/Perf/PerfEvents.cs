using System.Text;

namespace VmSim.Core.Traces.Import.Perf;

/// <summary>Takes the lines of a recording one by one.</summary>
internal sealed class PerfEvents(PerfRecording recording, ImportSummary summary)
{
    /// <summary>Bits of an x86 page fault's error code: a write, a fetch (arch/x86/include/asm/trap_pf.h).</summary>
    private const ulong WriteFault = 1 << 1;

    private const ulong FetchFault = 1 << 4;

    /// <summary>Page faults among RISC-V's causes (privileged architecture, mcause): fetch, load, store.</summary>
    private const ulong CauseFetch = 12;

    private const ulong CauseLoad = 13;
    private const ulong CauseStore = 15;
    private const string EnterPrefix = "syscalls:sys_enter_";
    private const string ExitPrefix = "syscalls:sys_exit_";
    private readonly PerfCalls _calls = new(recording, summary);
    private readonly PerfSleeps _sleeps = new(recording, summary);
    private bool _namesProcesses;

    /// <summary>The thread whose call the lines of a call chain belong to; null for chains of anything else.</summary>
    private PerfThread? _chained;

    /// <summary>Events that a trace was made of.</summary>
    public long Used { get; private set; }

    /// <summary>Faults whose kind is not known.</summary>
    public long WithoutKind { get; private set; }

    /// <summary>Takes a line.</summary>
    /// <returns>False if it says nothing that is known.</returns>
    public bool TryTake(ReadOnlySpan<byte> line)
    {
        if (TryLost(line) || (line.StartsWith("Attaching "u8) && line.EndsWith(" probes..."u8)))
        {
            return true;
        }

        // A line of perf trace begins with a time; what looks like an event without one behind it is a part of the thread's name.
        bool isSample = PerfLine.TryRead(line, out PerfLine sample);
        PerfTraceLine traced = default;
        bool isTraced = (!isSample || sample.Nanoseconds < 0) && PerfTraceLine.TryRead(line, out traced);
        if (isSample && !isTraced)
        {
            _chained = null;
            _namesProcesses |= sample.HasProcess;
            return TrySample(sample);
        }

        if (isTraced)
        {
            return TryTraced(traced);
        }

        if (!IsCallChain(line))
        {
            return false;
        }

        ImportSummary.Add(summary.Records, "lines of call chains");
        if (_chained is { Call: { } call } caller)
        {
            caller.Process.Stacks.Take(line.TrimStart(" \t"u8), call);
        }

        return true;
    }

    /// <summary>LOST 11 events! of perf trace, Lost 11 events of bpftrace.</summary>
    private bool TryLost(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> rest = line.TrimStart((byte)' ');
        if (!rest.StartsWith("LOST "u8) && !rest.StartsWith("Lost "u8))
        {
            return false;
        }

        rest = rest[5..];
        bool isCount = PerfText.TryDecimal(ref rest, out ulong count) && rest.StartsWith(" event"u8);
        summary.Lost += isCount ? (long)Math.Min(count, int.MaxValue) : 0;
        return isCount;
    }

    private bool TrySample(PerfLine sample)
    {
        string name = Encoding.UTF8.GetString(sample.Event[..Math.Min(sample.Event.Length, 100)]);
        if (name.StartsWith(EnterPrefix, StringComparison.Ordinal))
        {
            PerfThread? caller = Thread(sample);
            _sleeps.Run(caller, sample.Nanoseconds, isFault: false);
            Used++;
            _chained = caller;
            return caller is not null && _calls.TryEnter(caller, name[EnterPrefix.Length..], sample.Text);
        }

        if (name.StartsWith(ExitPrefix, StringComparison.Ordinal))
        {
            ReadOnlySpan<byte> text = sample.Text.TrimStart((byte)' ');
            PerfThread? caller = Thread(sample);
            _sleeps.Run(caller, sample.Nanoseconds, isFault: false);
            if (caller is null || !PerfText.TryNumber(ref text, out ulong result))
            {
                return false;
            }

            _calls.Exit(caller, name[ExitPrefix.Length..], result, _namesProcesses);
            Used++;
            return true;
        }

        if (name.StartsWith("PERF_RECORD_SWITCH", StringComparison.Ordinal))
        {
            _sleeps.Switch(sample.Text, Thread(sample, isNew: false), sample.Nanoseconds);
        }

        if (name.StartsWith("PERF_RECORD_", StringComparison.Ordinal))
        {
            return new PerfRecords(recording, summary, _namesProcesses).TryTake(name, sample);
        }

        TakeScheduling(name, sample);
        PerfThread? thread = Thread(sample, isNew: IsFault(name));
        if (name.StartsWith("exceptions:", StringComparison.Ordinal) || IsFault(name))
        {
            _sleeps.Run(thread, sample.Nanoseconds, isFault: true);
        }

        return TryEvent(name, sample.Text, thread, sample.Thread);
    }

    private void TakeScheduling(string name, PerfLine sample)
    {
        switch (name)
        {
            case "sched:sched_switch":
                _sleeps.Switch(sample);
                break;
            case "sched:sched_waking" or "sched:sched_wakeup":
                _sleeps.Wake(sample);
                break;
            default:
                break;
        }
    }

    private static bool IsFault(string name) => name is "exceptions:page_fault_user" || name.Contains("faults", StringComparison.Ordinal);

    private bool TryTraced(PerfTraceLine line)
    {
        string name = Encoding.UTF8.GetString(line.Name[..Math.Min(line.Name.Length, 100)]);
        if (line.Kind == PerfTraceKind.Event)
        {
            PerfThread? ran = IsFault(name) ? recording.Get(0, line.Thread, -1) : recording.Find(line.Thread, -1);
            return TryEvent(name, line.Arguments, ran, line.Thread);
        }

        PerfThread? caller = recording.Get(0, line.Thread, -1);
        if (caller is null)
        {
            return false;
        }

        bool isRead = line.Kind == PerfTraceKind.End || _calls.TryEnter(caller, name, line.Arguments);
        return isRead && (line.Kind == PerfTraceKind.Begin || Use(_calls.TryExit(caller, name, line.Result)));
    }

    private bool TryEvent(string name, ReadOnlySpan<byte> text, PerfThread? thread, ulong id)
    {
        switch (name)
        {
            case "exceptions:page_fault_user":
                return thread is not null && TryFault(text, thread);
            case "exceptions:page_fault_kernel":
                return TryKernelFault(text, thread);
            case "tlb:tlb_flush":
                return (thread?.Process.Flushes ?? recording.OtherFlushes).TryTake(text);
            case "sched:sched_process_fork":
                return TryFork(text, thread);
            case "sched:sched_process_exec":
                Execute(thread);
                return true;
            case "sched:sched_process_exit":
                recording.Exit(id);
                ImportSummary.Add(summary.Records, name);
                return true;
            default:
                return TryOther(name, text, thread);
        }
    }

    private bool TryOther(string name, ReadOnlySpan<byte> text, PerfThread? thread)
    {
        if (!name.Contains("faults", StringComparison.Ordinal))
        {
            ImportSummary.Add(summary.Records, name);
            return true;
        }

        if (thread is null)
        {
            return false;
        }

        text = text.Trim(" \t"u8);
        bool hasAddress = PerfText.TryHex(ref text, out ulong address) && (text.IsEmpty || text[0] == (byte)' ');
        ReadOnlySpan<byte> code = text.TrimStart((byte)' ');
        bool hasCode = PerfText.TryHex(ref code, out ulong ip) && (code.IsEmpty || code[0] == (byte)' ');
        if (!hasAddress || address == 0 || (!text.IsEmpty && !hasCode))
        {
            ImportSummary.Add(summary.Records, $"{name} without a data address");
            return true;
        }

        VmtKind kind = hasCode && ip >> 12 == address >> 12 ? VmtKind.Fetch : VmtKind.Store;
        WithoutKind += kind == VmtKind.Store ? 1 : 0;
        return Touch(thread, kind, address);
    }

    private bool TryFault(ReadOnlySpan<byte> text, PerfThread thread)
    {
        PerfFields fields = new PerfFields(text);
        if (!fields.TryNumber("address"u8, out ulong address))
        {
            return false;
        }

        if (fields.TryNumber("error_code"u8, out ulong code))
        {
            return Touch(
                thread, (code & FetchFault) != 0 ? VmtKind.Fetch : (code & WriteFault) != 0 ? VmtKind.Store : VmtKind.Load, address);
        }

        return fields.TryNumber("cause"u8, out ulong cause) && cause is CauseFetch or CauseLoad or CauseStore
            && Touch(thread, cause == CauseFetch ? VmtKind.Fetch : cause == CauseLoad ? VmtKind.Load : VmtKind.Store, address);
    }

    private bool TryKernelFault(ReadOnlySpan<byte> text, PerfThread? thread)
    {
        PerfFields fields = new PerfFields(text);
        if (!fields.TryNumber("address"u8, out ulong address))
        {
            return false;
        }

        bool isStore = fields.TryNumber("error_code"u8, out ulong code)
            ? (code & WriteFault) != 0
            : fields.TryNumber("cause"u8, out ulong cause) && cause == CauseStore;
        if (isStore && thread is { Call.Form.IsExecute: true, Process.IsExecuting: false })
        {
            // copy_strings writes arguments to a stack of the next program before there is that program (fs/exec.c)
            ImportSummary.Add(summary.Records, "exceptions:page_fault_kernel of a program that is not there yet");
            return true;
        }

        bool isUsed = thread is not null && thread.Process.KernelTouch(thread, isStore, address);
        if (!isUsed)
        {
            ImportSummary.Add(summary.Records, "exceptions:page_fault_kernel of no process's memory");
        }

        return true;
    }

    private bool TryFork(ReadOnlySpan<byte> text, PerfThread? thread)
    {
        // Names may hold anything, and the child's number is the last thing said.
        int at = text.LastIndexOf("child_pid"u8);
        if (at < 0 || !new PerfFields(text[at..]).TryNumber("child_pid"u8, out ulong child))
        {
            return false;
        }

        if (thread is null)
        {
            ImportSummary.Add(summary.Records, "sched:sched_process_fork of others");
        }
        else
        {
            recording.Fork(thread, child, process: 0, _namesProcesses);
        }

        return true;
    }

    /// <summary>A program was executed, unless PERF_RECORD_COMM has said so.</summary>
    private void Execute(PerfThread? thread)
    {
        ImportSummary.Add(summary.Records, "sched:sched_process_exec");
        if (thread is { Process.IsExecuting: false })
        {
            thread.Process.Execute(thread);
        }
    }

    private bool Touch(PerfThread thread, VmtKind kind, ulong address)
    {
        if (!thread.Process.Touch(thread, kind, address))
        {
            ImportSummary.Add(summary.Records, "faults outside user space or on its first page");
        }

        Used++;
        return true;
    }

    private PerfThread? Thread(PerfLine sample, bool isNew = true) => isNew
        ? recording.Get(sample.Process, sample.Thread, sample.Core)
        : recording.Find(sample.Thread, sample.Core);

    private bool Use(bool isRead)
    {
        Used += isRead ? 1 : 0;
        return isRead;
    }

    /// <summary>A line of a call chain: blanks, an address and a symbol.</summary>
    private static bool IsCallChain(ReadOnlySpan<byte> line)
    {
        if (line[0] is not ((byte)' ' or (byte)'\t'))
        {
            return false;
        }

        PerfText.SkipBlanks(ref line);
        return PerfText.TryHex(ref line, out _) && !line.IsEmpty && line[0] == (byte)' ';
    }
}
