namespace VmSim.Core.Traces.Import.Perf;

/// <summary>
/// A line of <c>perf script</c>: the thread's name, PID/TID or TID, [core], time, period, event and what the event says.
/// </summary>
/// <remarks>
/// tools/perf/builtin-script.c, perf_sample__fprintf_start and process_event: the name is padded to 16 columns, or not at all when call
/// chains follow. It may hold anything, a whole line's beginning too. So the place where PID and time fit last counts, as long as it lies
/// where a name of at most 15 bytes (TASK_COMM_LEN) lets it.
/// </remarks>
internal ref struct PerfLine
{
    /// <summary>Columns within which PID or TID begin: 16 of the name, a blank, and six of padding before a number of at most 7.</summary>
    private const int LastStart = 24;

    /// <summary>The process; 0 if the line does not name it.</summary>
    public ulong Process { get; private set; }

    /// <summary>Whether the line names the process.</summary>
    public bool HasProcess { get; private set; }

    /// <summary>The thread.</summary>
    public ulong Thread { get; private set; }

    /// <summary>The core; -1 if the line does not name it.</summary>
    public int Core { get; private set; }

    /// <summary>The event's name, such as exceptions:page_fault_user, page-faults:u or PERF_RECORD_FORK.</summary>
    public ReadOnlySpan<byte> Event { get; private set; }

    /// <summary>What the event says.</summary>
    public ReadOnlySpan<byte> Text { get; private set; }

    /// <summary>When it was, in nanoseconds; -1 if the line has no time.</summary>
    public long Nanoseconds { get; private set; }

    private readonly bool HasTime => Nanoseconds >= 0;

    /// <summary>Takes a line apart.</summary>
    /// <returns>False when it is no event's.</returns>
    public static bool TryRead(ReadOnlySpan<byte> line, out PerfLine result)
    {
        result = default;
        bool isFound = false;
        for (int at = 0; at < line.Length && at <= LastStart; at++)
        {
            bool begins = (at == 0 || IsBlank(line[at - 1])) && (char.IsAsciiDigit((char)line[at]) || line[at] == (byte)'-');
            if (begins && TryReadAt(line[at..], out PerfLine found) && (!isFound || found.HasTime || !result.HasTime))
            {
                result = found;
                isFound = true;
            }
        }

        return isFound;
    }

    private static bool TryReadAt(ReadOnlySpan<byte> rest, out PerfLine line)
    {
        line = new PerfLine { Core = -1 };
        if (!TryThread(ref rest, out ulong process, out bool hasProcess, out ulong thread))
        {
            return false;
        }

        (line.Process, line.HasProcess, line.Thread) = (process, hasProcess, thread);
        PerfText.SkipBlanks(ref rest);
        if (!rest.IsEmpty && rest[0] == (byte)'[')
        {
            rest = rest[1..];
            if (!PerfText.TryDecimal(ref rest, out ulong core) || rest.IsEmpty || rest[0] != (byte)']' || core > int.MaxValue)
            {
                return false;
            }

            line.Core = (int)core;
            rest = rest[1..];
            PerfText.SkipBlanks(ref rest);
        }

        line.Nanoseconds = TakeTime(ref rest);
        PerfText.SkipBlanks(ref rest);
        ReadOnlySpan<byte> period = rest;
        if (PerfText.TryDecimal(ref period, out _) && !period.IsEmpty && IsBlank(period[0]))
        {
            rest = period;
            PerfText.SkipBlanks(ref rest);
        }

        return TryEvent(rest, ref line);
    }

    /// <summary>PID/TID, or TID alone; -1 is a thread that perf does not know.</summary>
    private static bool TryThread(ref ReadOnlySpan<byte> rest, out ulong process, out bool hasProcess, out ulong thread)
    {
        (process, hasProcess) = (0, false);
        if (!TryNumber(ref rest, out thread))
        {
            return false;
        }

        if (!rest.IsEmpty && rest[0] == (byte)'/')
        {
            rest = rest[1..];
            (process, hasProcess) = (thread, true);
            if (!TryNumber(ref rest, out thread))
            {
                return false;
            }
        }

        return !rest.IsEmpty && IsBlank(rest[0]);
    }

    private static bool TryNumber(ref ReadOnlySpan<byte> rest, out ulong number)
    {
        bool isNegative = !rest.IsEmpty && rest[0] == (byte)'-';
        rest = isNegative ? rest[1..] : rest;
        bool isNumber = PerfText.TryDecimal(ref rest, out number) && number <= int.MaxValue;
        number = isNegative ? 0 : number;
        return isNumber;
    }

    /// <summary>15123.513216: and the like, in nanoseconds; -1 if there is no time.</summary>
    private static long TakeTime(ref ReadOnlySpan<byte> rest)
    {
        const int Digits = 9;
        ReadOnlySpan<byte> time = rest;
        if (!PerfText.TryDecimal(ref time, out ulong seconds) || time.IsEmpty || time[0] != (byte)'.' || seconds > uint.MaxValue)
        {
            return -1;
        }

        time = time[1..];
        int before = time.Length;
        if (!PerfText.TryDecimal(ref time, out ulong fraction) || time.IsEmpty || time[0] != (byte)':')
        {
            return -1;
        }

        for (int digits = before - time.Length; digits != Digits; digits += digits < Digits ? 1 : -1)
        {
            fraction = digits < Digits ? fraction * 10 : fraction / 10;
        }

        rest = time[1..];
        return (long)((seconds * 1_000_000_000) + fraction);
    }

    private static bool TryEvent(ReadOnlySpan<byte> rest, ref PerfLine line)
    {
        if (rest.StartsWith("PERF_RECORD_"u8))
        {
            int end = 0;
            while (end < rest.Length && (char.IsAsciiLetterOrDigit((char)rest[end]) || rest[end] == (byte)'_'))
            {
                end++;
            }

            line.Event = rest[..end];
            line.Text = rest[end..];
            return true;
        }

        // perf trace's lines have a bracket behind the event's name.
        int blank = rest.IndexOfAny((byte)' ', (byte)'\t');
        ReadOnlySpan<byte> word = blank < 0 ? rest : rest[..blank];
        if (word.Length < 2 || word[^1] != (byte)':' || !char.IsAsciiLetter((char)word[0]) || word.Contains((byte)'('))
        {
            return false;
        }

        line.Event = word[..^1];
        line.Text = blank < 0 ? default : rest[blank..];
        return true;
    }

    private static bool IsBlank(byte value) => value is (byte)' ' or (byte)'\t';
}
