using System.Buffers;

namespace VmSim.Core.Traces.Import;

/// <summary>The arguments of a call that strace prints, split at commas outside brackets, quotes and paths.</summary>
internal readonly ref struct StraceArguments
{
    /// <summary>Arguments kept; no memory call has more.</summary>
    public const int Most = 8;

    private static readonly SearchValues<byte> Marks = SearchValues.Create("\"([{<)]}>,"u8);
    private readonly ReadOnlySpan<byte> _text;
    private readonly ReadOnlySpan<Range> _ranges;

    /// <summary>Splits the text between a call's parentheses at its commas.</summary>
    /// <param name="text">What stands between the call's parentheses.</param>
    /// <param name="ranges">Room for <see cref="Most"/> ranges.</param>
    public StraceArguments(ReadOnlySpan<byte> text, Span<Range> ranges)
    {
        int depth = 0;
        int start = 0;
        bool isQuoted = false;
        for (int i = Next(text, 0); i < text.Length && Count < Most - 1; i = Next(text, i + 1))
        {
            byte mark = text[i];
            if (mark == (byte)'"')
            {
                isQuoted ^= i == 0 || text[i - 1] != (byte)'\\';
            }
            else if (!isQuoted && mark is (byte)'(' or (byte)'[' or (byte)'{' or (byte)'<')
            {
                depth++;
            }
            else if (!isQuoted && mark != (byte)',')
            {
                depth--;
            }
            else if (!isQuoted && depth <= 0)
            {
                ranges[Count++] = start..i;
                start = i + 1;
            }
        }

        ranges[Count++] = start..text.Length;
        _text = text;
        _ranges = ranges;
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>An argument without blanks around it; empty for one that is not there.</summary>
    public ReadOnlySpan<byte> this[int index] => index < Count ? _text[_ranges[index]].Trim((byte)' ') : default;

    /// <summary>An argument as a number; 0 for one that is none.</summary>
    public ulong Number(int index) => StraceValues.TryNumber(this[index], out ulong value) ? value : 0;

    private static int Next(ReadOnlySpan<byte> text, int from)
    {
        int found = text[from..].IndexOfAny(Marks);
        return found < 0 ? text.Length : from + found;
    }
}
