namespace VmSim.Core.Traces.Import.Perf;

/// <summary>
/// Finds when threads slept by the scheduler's events: sched_switch away from a thread that is no longer runnable begins a sleep, and what
/// shows that it runs again ends it. sched_waking says who woke it. A thread that was taken off its core, or waited for a lock of the
/// kernel, slept in no call: the trace says so only of threads that are not alone.
/// </summary>
/// <remarks>
/// States are those of TASK_STATE_TO_CHAR (include/linux/sched.h): S and D sleep; R was taken off its core, others are stopped or ending.
/// The text is that of include/trace/events/sched.h, of libtraceevent's plug-in (NAME:PID [PRIO] S ==> NAME:PID [PRIO]), or of bpftrace,
/// which prints a state as its bits.
/// </remarks>
internal sealed class PerfSleeps(PerfRecording recording, ImportSummary summary)
{
    private const ulong Interruptible = 1;
    private const ulong Uninterruptible = 2;

    /// <summary>TASK_REPORT (include/linux/sched.h): a thread whose state has none of these bits was taken off its core.</summary>
    private const ulong Reported = 0x7F;
    private const string Unnamed = "unknown";
    private bool _hasStates;
    private bool _hasSwitches;
    private bool _hasWakings;

    /// <summary>A core switches from one thread to another: sched_switch.</summary>
    public void Switch(PerfLine line)
    {
        _hasStates = true;
        _hasSwitches = true;
        int arrow = line.Text.LastIndexOf(" ==> "u8);
        if (arrow < 0)
        {
            return;
        }

        ReadOnlySpan<byte> state = line.Text[..arrow];
        state = state[(state.LastIndexOfAny((byte)' ', (byte)'=') + 1)..];
        ulong? bits = StateBits(state);
        bool isDisk = state.StartsWith("D"u8) || bits == Uninterruptible;
        if (isDisk || state.StartsWith("S"u8) || bits == Interruptible)
        {
            Begin(recording.Find(line.Thread, line.Core), line.Nanoseconds, isDisk);
        }
        else if (state.StartsWith("R"u8) || (bits & Reported) == 0)
        {
            LeaveCore(recording.Find(line.Thread, line.Core), line.Nanoseconds);
        }

        if (TryThread(line.Text[(arrow + 5)..], "next_pid="u8, out ulong next))
        {
            End(recording.Find(next, -1), line.Nanoseconds);
        }
    }

    /// <summary>A thread left its core or came to one: PERF_RECORD_SWITCH, which has no states.</summary>
    public void Switch(ReadOnlySpan<byte> text, PerfThread? thread, long nanoseconds)
    {
        _hasSwitches = true;
        text = text.TrimStart((byte)' ');
        if (text.StartsWith("IN"u8))
        {
            End(thread, nanoseconds);
        }
        else if (text.StartsWith("OUT"u8) && text[3..].TrimStart((byte)' ').StartsWith("preempt"u8))
        {
            LeaveCore(thread, nanoseconds);
        }
        else if (!_hasStates && text.StartsWith("OUT"u8))
        {
            Begin(thread, nanoseconds, isDisk: false);
        }
    }

    /// <summary>A thread is about to be woken by the one that runs: sched_waking, or sched_wakeup.</summary>
    public void Wake(PerfLine line)
    {
        _hasWakings = true;
        if (TryThread(line.Text, "pid="u8, out ulong woken) && recording.Find(woken, -1) is { SleepsSince: >= 0 } sleeper)
        {
            PerfThread? waker = recording.Find(line.Thread, -1);
            sleeper.Waker = waker is not null && waker != sleeper && waker.Process == sleeper.Process ? waker : null;
        }
    }

    /// <summary>A thread does something, so that it is awake.</summary>
    public void Run(PerfThread? thread, long nanoseconds, bool isFault)
    {
        End(thread, nanoseconds);
        if (thread is not null)
        {
            thread.IsInFault = isFault;
        }
    }

    private void Begin(PerfThread? thread, long nanoseconds, bool isDisk)
    {
        if (thread is null || thread.SleepsSince >= 0 || nanoseconds < 0)
        {
            return;
        }

        bool isOfFault = isDisk && thread.IsInFault;
        thread.IsInFault = false;
        if (thread.Call?.Form is not null || isOfFault)
        {
            // locks and devices that calls on memory and faults wait for are the simulated kernel's
            ImportSummary.Add(summary.Records, $"sched:sched_switch within {(thread.Call?.Form is null ? "a fault" : thread.Call.Name)}");
            LeaveCore(thread, nanoseconds);
            return;
        }

        thread.SleepsSince = nanoseconds;
        thread.Waker = null;
    }

    private static void LeaveCore(PerfThread? thread, long nanoseconds)
    {
        if (thread is { SleepsSince: < 0, OffCoreSince: < 0 } && nanoseconds >= 0)
        {
            thread.OffCoreSince = nanoseconds;
        }
    }

    private void End(PerfThread? thread, long nanoseconds)
    {
        if (thread is { OffCoreSince: >= 0 })
        {
            long since = thread.OffCoreSince;
            thread.OffCoreSince = -1;
            if (_hasSwitches)
            {
                thread.Process.WasOffCore(thread, since == 0 ? 0 : Math.Min((ulong)Math.Max(0, nanoseconds - since), VmtRules.MaxSleep));
            }
        }

        if (thread is not { SleepsSince: >= 0 })
        {
            return;
        }

        ulong slept = (ulong)Math.Max(0, nanoseconds - thread.SleepsSince);
        WakeCause cause = thread.Waker is not null ? WakeCause.Thread : _hasWakings ? WakeCause.Outside : WakeCause.Unknown;
        string name = thread.Call?.Name ?? Unnamed;
        thread.SleepsSince = -1;
        thread.Process.Slept(thread, VmtRecord.Sleep(
            VmtRules.IsCallName(name) ? name : Unnamed,
            Math.Min(slept, VmtRules.MaxSleep),
            cause,
            cause == WakeCause.Thread ? (ulong)thread.Waker!.Number : 0));
    }

    /// <summary>A state as its bits; null for one that is not.</summary>
    private static ulong? StateBits(ReadOnlySpan<byte> text) => PerfText.TryNumber(ref text, out ulong bits) && text.IsEmpty ? bits : null;

    /// <summary>The thread behind a name that ends as this one, or in the plug-in's form.</summary>
    private static bool TryThread(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name, out ulong thread)
    {
        int at = text.LastIndexOf(name);
        if (at >= 0)
        {
            text = text[(at + name.Length)..];
            return PerfText.TryDecimal(ref text, out thread);
        }

        int bracket = text.LastIndexOf(" ["u8);
        ReadOnlySpan<byte> before = bracket < 0 ? default : text[..bracket];
        before = before[(before.LastIndexOf((byte)':') + 1)..];
        return PerfText.TryDecimal(ref before, out thread) && before.IsEmpty;
    }
}
