namespace VmSim.Core.Traces.Import.Perf;

/// <summary>What a line of perf trace says.</summary>
internal enum PerfTraceKind
{
    /// <summary>A call with its result.</summary>
    Call,

    /// <summary>A call that goes on: other lines come before its result.</summary>
    Begin,

    /// <summary>The result of a call that went on.</summary>
    End,

    /// <summary>A trace event.</summary>
    Event,
}

/// <summary>A line of <c>perf trace</c>: time, (duration), NAME/TID, and a call with its result or an event.</summary>
/// <remarks>
/// tools/perf/builtin-trace.c, trace__fprintf_entry_head and its callers. The thread's name may hold anything; what counts is the last
/// /TID that a call or an event follows, as long as it lies where a name of at most 15 bytes lets it.
/// </remarks>
internal ref struct PerfTraceLine
{
    private const int LastSlash = 16;

    /// <summary>What the line says.</summary>
    public PerfTraceKind Kind { get; private set; }

    /// <summary>The thread.</summary>
    public ulong Thread { get; private set; }

    /// <summary>The call's or event's name.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>The arguments without their brackets.</summary>
    public ReadOnlySpan<byte> Arguments { get; private set; }

    /// <summary>What stands behind the = sign; empty if nothing does.</summary>
    public ReadOnlySpan<byte> Result { get; private set; }

    /// <summary>Takes a line apart.</summary>
    /// <returns>False when it is no line of perf trace.</returns>
    public static bool TryRead(ReadOnlySpan<byte> line, out PerfTraceLine result)
    {
        result = default;
        if (!TryTimes(ref line))
        {
            return false;
        }

        bool isFound = TryThread(line, out PerfTraceLine found);
        result = found;
        for (int at = 0; at < line.Length && at <= LastSlash; at++)
        {
            if (line[at] == (byte)'/' && TryThread(line[(at + 1)..], out found))
            {
                result = found;
                isFound = true;
            }
        }

        return isFound;
    }

    /// <summary>3711.661 or ?, and ( 0.004 ms): if it is there.</summary>
    private static bool TryTimes(ref ReadOnlySpan<byte> line)
    {
        PerfText.SkipBlanks(ref line);
        if (line.IsEmpty)
        {
            return false;
        }

        if (line[0] == (byte)'?')
        {
            line = line[1..];
        }
        else if (!PerfText.TryDecimal(ref line, out _) || line.IsEmpty || line[0] != (byte)'.' || !TryFraction(ref line))
        {
            return false;
        }

        if (line.IsEmpty || line[0] != (byte)' ')
        {
            return false;
        }

        PerfText.SkipBlanks(ref line);
        int close = line.IsEmpty || line[0] != (byte)'(' ? -1 : line.IndexOf("):"u8);
        line = close < 0 ? line : line[(close + 2)..];
        PerfText.SkipBlanks(ref line);
        return true;
    }

    private static bool TryFraction(ref ReadOnlySpan<byte> line)
    {
        line = line[1..];
        return PerfText.TryDecimal(ref line, out _);
    }

    private static bool TryThread(ReadOnlySpan<byte> rest, out PerfTraceLine line)
    {
        line = default;
        if (!PerfText.TryDecimal(ref rest, out ulong thread) || thread > int.MaxValue || rest.IsEmpty || rest[0] != (byte)' ')
        {
            return false;
        }

        line.Thread = thread;
        PerfText.SkipBlanks(ref rest);
        bool isEnd = rest.StartsWith("... [continued]: "u8);
        rest = isEnd ? rest[17..] : rest;
        int length = 0;
        while (length < rest.Length && (char.IsAsciiLetterOrDigit((char)rest[length]) || rest[length] is (byte)'_' or (byte)':'))
        {
            length++;
        }

        if (length == 0 || length >= rest.Length || rest[length] != (byte)'(')
        {
            return false;
        }

        line.Name = rest[..length];
        rest = rest[(length + 1)..];
        if (line.Name.IndexOf((byte)':') >= 0)
        {
            line.Kind = PerfTraceKind.Event;
            line.Arguments = rest.TrimEnd(" )"u8);
            return true;
        }

        return TryCall(rest, isEnd, ref line);
    }

    private static bool TryCall(ReadOnlySpan<byte> rest, bool isEnd, ref PerfTraceLine line)
    {
        ReadOnlySpan<byte> whole = rest.TrimEnd((byte)' ');
        if (!isEnd && whole.EndsWith("..."u8))
        {
            line.Kind = PerfTraceKind.Begin;
            line.Arguments = whole[..^3].TrimEnd(" )"u8);
            return true;
        }

        // perf trace prints nothing for the 0 that clone returns in the child.
        bool isEmpty = whole.EndsWith(" ="u8);
        int equals = isEmpty ? whole.Length - 2 : whole.LastIndexOf(" = "u8);
        ReadOnlySpan<byte> arguments = equals < 0 ? default : whole[..equals].TrimEnd((byte)' ');
        if (arguments.IsEmpty || arguments[^1] != (byte)')')
        {
            return false;
        }

        line.Kind = isEnd ? PerfTraceKind.End : PerfTraceKind.Call;
        line.Arguments = arguments[..^1];
        line.Result = isEmpty ? "0"u8 : whole[(equals + 3)..].TrimStart((byte)' ');
        return true;
    }
}
