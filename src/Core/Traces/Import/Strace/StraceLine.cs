using System.Buffers;
using System.Buffers.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>A line without what strace prints before a call: process, times, number of the call, instruction pointer.</summary>
/// <remarks>
/// printleader of strace's src/strace.c prints, in this order: "PID " or "[pid PID] ", PID perhaps followed by a name in angle brackets
/// (--decode-pids=comm); a security context in brackets; the time of day or since 1970 (-t, -tt, -ttt); the time since the last line, in
/// parentheses behind another time (-r); the number of the call in brackets (-n); the instruction pointer in brackets (-i).
/// </remarks>
internal readonly ref struct StraceLine
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>The least time that is one since 1970; a time since the last line is shorter than that.</summary>
    private const long LeastUnixSeconds = 1_000_000;

    private static readonly SearchValues<byte> TimeCharacters = SearchValues.Create("0123456789.:"u8);

    private StraceLine(long process, long nanoseconds, ReadOnlySpan<byte> text)
    {
        Process = process;
        Nanoseconds = nanoseconds;
        Text = text;
    }

    /// <summary>The process id that the line begins with; -1 for none.</summary>
    public long Process { get; }

    /// <summary>The time of day, or since 1970, in nanoseconds; -1 if the line has none.</summary>
    public long Nanoseconds { get; }

    /// <summary>The call, signal or end of a process.</summary>
    public ReadOnlySpan<byte> Text { get; }

    /// <summary>Takes a line apart.</summary>
    public static StraceLine Parse(ReadOnlySpan<byte> line)
    {
        long process = -1;
        long time = -1;
        bool hasTime = false;
        ReadOnlySpan<byte> rest = line;
        bool isIndented = false;
        while (!rest.IsEmpty)
        {
            byte first = rest[0];
            if (first == (byte)' ')
            {
                rest = rest.TrimStart((byte)' ');
                isIndented = true;
            }
            else if (first == (byte)'[')
            {
                if (!TakeBracket(ref rest, ref process))
                {
                    break;
                }

                isIndented = false;
            }
            else if (first == (byte)'(' && hasTime && rest.StartsWith("(+"u8) && rest.IndexOf(") "u8) is > 0 and int close)
            {
                rest = rest[(close + 2)..];
            }
            else if (!char.IsAsciiDigit((char)first) || !TakeNumber(ref rest, isIndented, ref process, ref time, ref hasTime))
            {
                break;
            }
            else
            {
                isIndented = false;
            }
        }

        return new StraceLine(process, time, rest);
    }

    /// <summary>A process id, a time, or a time since the last line, with the blank behind it.</summary>
    private static bool TakeNumber(ref ReadOnlySpan<byte> text, bool isIndented, ref long process, ref long time, ref bool hasTime)
    {
        int length = text.IndexOfAnyExcept(TimeCharacters);
        if (length <= 0)
        {
            return false;
        }

        ReadOnlySpan<byte> word = text[..length];
        bool isInteger = !word.ContainsAny((byte)'.', (byte)':');
        if (isInteger && text[length] == (byte)'<' && process < 0 && !hasTime)
        {
            int end = StraceSyntax.EndOfAnnotation(text, length);
            if (end < 0 || end >= text.Length || text[end] != (byte)' ' || !TryProcess(word, out process))
            {
                return false;
            }

            text = text[(end + 1)..];
            return true;
        }

        if (text[length] != (byte)' ')
        {
            return false;
        }

        if (isInteger && process < 0 && !hasTime && !isIndented && TryProcess(word, out long id))
        {
            process = id;
        }
        else if (!hasTime && TryTime(word, out long nanoseconds)
            && (!isInteger || isIndented || nanoseconds >= LeastUnixSeconds * NanosecondsPerSecond))
        {
            hasTime = true;
            time = word.Contains((byte)':') || nanoseconds >= LeastUnixSeconds * NanosecondsPerSecond ? nanoseconds : -1;
        }
        else
        {
            return false;
        }

        text = text[(length + 1)..];
        return true;
    }

    /// <summary>[pid 4711], [pid 4711&lt;name&gt;], [  59], [00007f3c0001a2b7], [????????????????] or a security context.</summary>
    private static bool TakeBracket(ref ReadOnlySpan<byte> text, ref long process)
    {
        if (text.StartsWith("[pid "u8))
        {
            ReadOnlySpan<byte> number = text[5..].TrimStart((byte)' ');
            int digits = number.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            if (digits <= 0 || !TryProcess(number[..digits], out process))
            {
                return false;
            }

            number = number[digits..];
            int end = number[0] == (byte)'<' ? StraceSyntax.EndOfAnnotation(number, 0) : 0;
            if (end < 0 || !number[end..].StartsWith("] "u8))
            {
                return false;
            }

            text = number[(end + 2)..];
            return true;
        }

        int close = text.IndexOf("] "u8);
        if (close < 0 || text[..close].ContainsAny((byte)'(', (byte)'"'))
        {
            return false;
        }

        text = text[(close + 2)..];
        return true;
    }

    private static bool TryProcess(ReadOnlySpan<byte> digits, out long process)
    {
        bool isProcess = Utf8Parser.TryParse(digits, out ulong value, out int length) && length == digits.Length
            && value <= StraceRules.MaxProcess;
        process = isProcess ? (long)value : -1;
        return isProcess;
    }

    /// <summary>10:11:12.123456, 1700000000.123456 or 0.000106, in nanoseconds.</summary>
    private static bool TryTime(ReadOnlySpan<byte> text, out long nanoseconds)
    {
        nanoseconds = 0;
        int point = text.IndexOf((byte)'.');
        ReadOnlySpan<byte> whole = point < 0 ? text : text[..point];
        long seconds = 0;
        while (!whole.IsEmpty)
        {
            int colon = whole.IndexOf((byte)':');
            ReadOnlySpan<byte> part = colon < 0 ? whole : whole[..colon];
            if (!Utf8Parser.TryParse(part, out uint value, out int length) || length != part.Length || seconds > uint.MaxValue)
            {
                return false;
            }

            seconds = (seconds * 60) + value;
            whole = colon < 0 ? default : whole[(colon + 1)..];
        }

        long fraction = 0;
        long unit = NanosecondsPerSecond;
        foreach (byte digit in point < 0 ? default : text[(point + 1)..])
        {
            if (!char.IsAsciiDigit((char)digit))
            {
                return false;
            }

            unit /= 10;
            fraction += unit * (digit - '0');
        }

        nanoseconds = (seconds * NanosecondsPerSecond) + fraction;
        return true;
    }
}
