using System.Buffers;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// Finds where the parts of what strace prints end: strings, comments, what stands in angle brackets, and the arguments of a call.
/// </summary>
/// <remarks>
/// strace escapes quotes, backslashes and, since 4.26, angle brackets in what it quotes (string_quote in src/util.c). Older versions print
/// angle brackets of a path as they are, so a closing one counts only before what may follow a descriptor.
/// </remarks>
internal static class StraceSyntax
{
    /// <summary>Arguments kept; no memory call has more than six.</summary>
    public const int MostArguments = 8;

    private static readonly SearchValues<byte> Marks = SearchValues.Create("\"/([{<)]}>,"u8);
    private static readonly SearchValues<byte> BehindAnnotation = SearchValues.Create(",) ]}>([="u8);

    /// <summary>
    /// Splits a call's arguments at their commas, from behind its opening parenthesis up to the closing one.
    /// </summary>
    /// <param name="text">The call.</param>
    /// <param name="start">What follows the opening parenthesis.</param>
    /// <param name="arguments">Room for <see cref="MostArguments"/>; those behind share the last one.</param>
    /// <param name="count">How many there are; 0 for none.</param>
    /// <returns>Where the closing parenthesis stands; -1 if there is none, or if another call's end stands before it.</returns>
    public static int Split(ReadOnlySpan<byte> text, int start, Span<Range> arguments, out int count)
    {
        count = 0;
        int depth = 0;
        int from = start;
        for (int i = Next(text, start); i < text.Length; i = Next(text, i))
        {
            byte mark = text[i];
            if (mark is (byte)')' or (byte)',' && depth <= 0)
            {
                bool isEnd = mark == (byte)')';
                if (count < MostArguments && !(isEnd && count == 0 && text[from..i].Trim((byte)' ').IsEmpty))
                {
                    arguments[count++] = from..i;
                }

                if (isEnd)
                {
                    return i;
                }

                from = i + 1;
            }
            else if (mark == (byte)')' && IsAnswered(text, i))
            {
                return -1;
            }

            i = Behind(text, i, ref depth);
            if (i < 0)
            {
                return -1;
            }
        }

        return -1;
    }

    /// <summary>
    /// The arguments of mmap by its last commas, for a path that an old strace printed as it is and that looks like an end.
    /// </summary>
    public static int SplitFromBehind(ReadOnlySpan<byte> text, Span<Range> ranges, out int count)
    {
        count = 0;
        int close = text.LastIndexOf(") "u8);
        while (close > 0 && !text[(close + 1)..].TrimStart((byte)' ').StartsWith("= "u8))
        {
            close = text[..close].LastIndexOf(") "u8);
        }

        if (close < 0 || !text.StartsWith("mmap"u8))
        {
            return -1;
        }

        int from = text.IndexOf((byte)'(') + 1;
        for (; count < 4; count++)
        {
            int comma = text[from..close].IndexOf((byte)',');
            if (comma < 0)
            {
                return -1;
            }

            ranges[count] = from..(from + comma);
            from += comma + 1;
        }

        int last = text[from..close].LastIndexOf((byte)',');
        if (last < 0)
        {
            return -1;
        }

        ranges[count++] = from..(from + last);
        ranges[count++] = (from + last + 1)..close;
        ReadOnlySpan<byte> file = text[from..(from + last)].Trim((byte)' ');
        return file.IndexOf((byte)'<') > 0 && file[^1] is (byte)'>' or (byte)')' && !StraceNames.HaveCall(file) ? close : -1;
    }

    /// <summary>Splits the structure that is a call's only argument, as in mmap({addr=NULL, len=4096, ...}) of i386.</summary>
    /// <param name="text">The call.</param>
    /// <param name="ranges">Its argument, then those in the structure.</param>
    /// <returns>How many there are; 1 for an argument that is no structure.</returns>
    public static int SplitStructure(ReadOnlySpan<byte> text, Span<Range> ranges)
    {
        ReadOnlySpan<byte> whole = text[ranges[0]].Trim((byte)' ');
        if (whole.Length < 2 || whole[0] is not ((byte)'{' or (byte)'[') || whole[^1] is not ((byte)'}' or (byte)']'))
        {
            return 1;
        }

        int close = Split(text, ranges[0].Start.GetOffset(text.Length) + text[ranges[0]].IndexOf(whole[0]) + 1, ranges, out int count);
        int last = text[..close].LastIndexOfAny((byte)'}', (byte)']');
        ranges[count - 1] = ranges[count - 1].Start..last;
        return count;
    }

    /// <summary>
    /// Where a call ends whose arguments cannot be told apart, by its answer; only for one that does not matter, and if nothing in it
    /// looks like another call.
    /// </summary>
    /// <returns>Where the closing parenthesis stands; -1 if there is none.</returns>
    public static int EndFromBehind(ReadOnlySpan<byte> text, int start)
    {
        int close = text.LastIndexOf((byte)')');
        while (close >= start && !IsAnswered(text, close))
        {
            close = text[..close].LastIndexOf((byte)')');
        }

        return close >= start && !StraceNames.HaveCall(text[start..]) ? close : -1;
    }

    /// <summary>
    /// Whether what begins a call has another call in it: two processes wrote to one file, one in the middle of the other's line.
    /// </summary>
    /// <param name="text">The beginning.</param>
    /// <param name="start">What follows the opening parenthesis.</param>
    public static bool IsMixed(ReadOnlySpan<byte> text, int start)
    {
        int depth = 0;
        for (int i = Next(text, start); i < text.Length; i = Next(text, i))
        {
            bool isCall = text[i] == (byte)'(' && StraceNames.EndInCall(text[start..i]);
            if (isCall || (text[i] == (byte)')' && (depth <= 0 || IsAnswered(text, i))))
            {
                return true;
            }

            i = Behind(text, i, ref depth);
            if (i < 0)
            {
                return StraceNames.HaveCall(text[start..]);
            }
        }

        return false;
    }

    /// <summary>Where what begins with a parenthesis ends.</summary>
    /// <returns>The place behind the closing one; -1 if there is none.</returns>
    public static int EndOfGroup(ReadOnlySpan<byte> text, int open)
    {
        int depth = 0;
        for (int i = open; i < text.Length; i = Next(text, i))
        {
            if (depth > 0 && text[i] == (byte)')' && IsAnswered(text, i))
            {
                return -1;
            }

            i = Behind(text, i, ref depth);
            if (i < 0 || depth <= 0)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>
    /// Where what begins with an angle bracket behind a descriptor or a process id ends. A device's numbers and a process's name stand in
    /// brackets of their own: &lt;/dev/null&lt;char 1:3&gt;&gt;, &lt;pid:4711&lt;name&gt;&gt;.
    /// </summary>
    /// <returns>The place behind the closing bracket; -1 if there is none.</returns>
    public static int EndOfAnnotation(ReadOnlySpan<byte> text, int open)
    {
        int depth = 0;
        bool isProcess = text[(open + 1)..].StartsWith("pid:"u8);
        for (int i = open + 1; i < text.Length; i++)
        {
            byte mark = text[i];
            if (mark == (byte)'\\')
            {
                i++;
            }
            else if (mark == (byte)'"')
            {
                int end = EndOfString(text, i);
                i = end < 0 ? i : end - 1;
            }
            else if (mark == (byte)'<'
                && (isProcess || text[(i + 1)..].StartsWith("char "u8) || text[(i + 1)..].StartsWith("block "u8)))
            {
                depth++;
            }
            else if (mark == (byte)'>' && EndsAnnotation(text, i) && depth-- == 0)
            {
                return i + 1;
            }
        }

        return -1;
    }

    /// <summary>The first argument, without its name and without a comment behind it.</summary>
    public static ReadOnlySpan<byte> Word(ReadOnlySpan<byte> arguments)
    {
        ReadOnlySpan<byte> text = arguments.TrimStart((byte)' ');
        int length = text.IndexOfAny(",) "u8);
        return StraceValues.WithoutName(length < 0 ? text : text[..length]);
    }

    /// <summary>Where a quoted string ends.</summary>
    /// <returns>The place behind the closing quote; -1 if there is none.</returns>
    public static int EndOfString(ReadOnlySpan<byte> text, int open)
    {
        for (int i = open + 1; i < text.Length; i++)
        {
            if (text[i] == (byte)'\\')
            {
                i++;
            }
            else if (text[i] == (byte)'"')
            {
                return i + 1;
            }
        }

        return -1;
    }

    /// <summary>Passes one mark that is neither the end of the arguments nor a comma between them.</summary>
    private static int Behind(ReadOnlySpan<byte> text, int at, ref int depth)
    {
        switch (text[at])
        {
            case (byte)'"':
                return EndOfString(text, at);
            case (byte)'/':
                return BehindComment(text, at);
            case (byte)'<':
                return BehindAngle(text, at);
            case (byte)'(' or (byte)'[' or (byte)'{':
                depth++;
                return at + 1;
            case (byte)')' or (byte)']' or (byte)'}':
                depth--;
                return at + 1;
            default:
                return at + 1;
        }
    }

    private static int BehindComment(ReadOnlySpan<byte> text, int at)
    {
        if (at + 1 >= text.Length || text[at + 1] != (byte)'*')
        {
            return at + 1;
        }

        int end = text[at..].IndexOf("*/"u8);
        return end < 0 ? -1 : at + end + 2;
    }

    /// <summary>A shift such as 21&lt;&lt;MAP_HUGE_SHIFT, a descriptor's path, or a remark such as &lt;unfinished ...&gt;.</summary>
    private static int BehindAngle(ReadOnlySpan<byte> text, int at)
    {
        if (text[(at + 1)..].StartsWith("<"u8))
        {
            return at + 2;
        }

        int end = EndOfAnnotation(text, at);
        return end < 0 ? -1 : end;
    }

    private static bool EndsAnnotation(ReadOnlySpan<byte> text, int at)
    {
        bool isArrow = text[at - 1] == (byte)'-' && at + 1 < text.Length && text[at + 1] == (byte)'[';
        return !isArrow && (at + 1 == text.Length || BehindAnnotation.Contains(text[at + 1]));
    }

    /// <summary>Whether a closing parenthesis ends a call: its answer follows.</summary>
    private static bool IsAnswered(ReadOnlySpan<byte> text, int close) =>
        text[(close + 1)..].TrimStart((byte)' ').StartsWith("= "u8);

    private static int Next(ReadOnlySpan<byte> text, int from)
    {
        int found = text[from..].IndexOfAny(Marks);
        return found < 0 ? text.Length : from + found;
    }
}
