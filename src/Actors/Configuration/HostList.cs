using System.Buffers;
using System.Globalization;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>
/// A list of hosts as SLURM writes it in SLURM_JOB_NODELIST: names separated by commas, of which a part in brackets stands for numbers and
/// ranges of numbers: <c>n[01-04,07],gpu3,rack[1-2]n[01-10]-ib</c>. The form is that of NodeName in slurm.conf(5), "node range expression":
/// leading zeros give the width of a number, and every combination of several brackets is meant, the last one changing first. Nothing else
/// is read: no nested brackets, no steps, no letters in a range.
/// </summary>
public static class HostList
{
    /// <summary>The longest text that is read, in characters.</summary>
    public const int LengthMax = 65_536;

    /// <summary>The most hosts of a list, as many as SLURM expands one range to (MAX_RANGE of its hostlist.c).</summary>
    public const int HostsMax = 65_536;

    /// <summary>The most brackets in a name.</summary>
    public const int BracketsMax = 4;

    /// <summary>The longest name of a host (RFC 1035, 2.3.4, without the root).</summary>
    public const int NameMax = 253;

    /// <summary>The most digits of a number in brackets.</summary>
    public const int DigitsMax = 9;

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

    /// <summary>The numbers of a range, each with at least so many digits.</summary>
    private readonly record struct Range(int From, int To, int Digits)
    {
        public long Count => (long)To - From + 1;
    }

    /// <summary>A part of a name: text as it stands, or ranges in its place.</summary>
    private readonly record struct Part(string Text, IReadOnlyList<Range> Ranges)
    {
        public long Count => Ranges.Count == 0 ? 1 : Ranges.Sum(range => range.Count);

        public int Length => Ranges.Count == 0 ? Text.Length : Ranges.Max(range => Math.Max(range.Digits, DigitsOf(range.To)));
    }

    /// <summary>Names the hosts of a list, in its order, each once.</summary>
    /// <param name="text">The list.</param>
    /// <param name="origin">What to call it in messages.</param>
    /// <exception cref="ScenarioException">It is no such list, or too long.</exception>
    public static IReadOnlyList<string> Parse(string text, string origin)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is 0 or > LengthMax)
        {
            throw new ScenarioException($"{origin}: a list of hosts of {text.Length} characters found; 1 to {LengthMax} are allowed");
        }

        List<IReadOnlyList<Part>> names = [];
        long hosts = 0;
        int at = 0;
        do
        {
            List<Part> parts = ReadName(text, ref at, origin);
            hosts += parts.Aggregate(1L, (count, part) => Math.Min(count * part.Count, HostsMax + 1L));
            if (hosts > HostsMax)
            {
                throw new ScenarioException($"{origin}: more than {HostsMax} hosts found; at most so many are allowed");
            }

            names.Add(parts);
        }
        while (at++ < text.Length);
        return [.. names.SelectMany(Expand).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Reads a name up to the comma after it, or the end.</summary>
    private static List<Part> ReadName(string text, ref int at, string origin)
    {
        int begin = at;
        List<Part> parts = [];
        while (at < text.Length && text[at] != ',')
        {
            if (text[at] == '[')
            {
                at++;
                parts.Add(new Part("", ReadRanges(text, ref at, origin)));
                if (parts.Count(part => part.Ranges.Count > 0) > BracketsMax)
                {
                    throw Wrong(text, begin, origin, $"more than {BracketsMax} brackets in a name");
                }

                continue;
            }

            int end = text.AsSpan(at).IndexOfAny('[', ',');
            string literal = end < 0 ? text[at..] : text.Substring(at, end);
            if (literal.AsSpan().IndexOfAnyExcept(NameCharacters) is >= 0 and int strange)
            {
                throw Wrong(text, at + strange, origin, "no character of a name; letters, digits and - . _ are, and [ ] around numbers");
            }

            parts.Add(new Part(literal, []));
            at += literal.Length;
        }

        int length = parts.Sum(part => part.Length);
        return length is > 0 and <= NameMax
            ? parts
            : throw Wrong(text, begin, origin, $"a name of {length} characters; 1 to {NameMax} are allowed");
    }

    /// <summary>Reads what is in brackets, and the closing one.</summary>
    private static List<Range> ReadRanges(string text, ref int at, string origin)
    {
        List<Range> ranges = [];
        while (true)
        {
            int begin = at;
            (int from, int digits) = ReadNumber(text, ref at, origin);
            int to = from;
            if (at < text.Length && text[at] == '-')
            {
                at++;
                (to, int digitsOfLast) = ReadNumber(text, ref at, origin);
                bool isPadded = digits != DigitsOf(from) || digitsOfLast != DigitsOf(to);
                if (to < from || digitsOfLast < digits || (isPadded && digitsOfLast != Math.Max(digits, DigitsOf(to))))
                {
                    throw Wrong(
                        text,
                        begin,
                        origin,
                        "a range whose numbers do not rise, or have different leading zeros; such as 1-16, 01-16 is allowed");
                }
            }

            ranges.Add(new Range(from, to, digits));
            if (at < text.Length && text[at] is ',' or ']')
            {
                if (text[at++] == ']')
                {
                    return ranges;
                }

                continue;
            }

            throw Wrong(text, at, origin, at < text.Length
                ? "not allowed in brackets; numbers, - and , are"
                : "the end within brackets; ] is missing");
        }
    }

    private static (int Number, int Digits) ReadNumber(string text, ref int at, string origin)
    {
        int begin = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        int digits = at - begin;
        return digits is > 0 and <= DigitsMax
            ? (int.Parse(text.AsSpan(begin, digits), NumberStyles.None, CultureInfo.InvariantCulture), digits)
            : throw Wrong(text, begin, origin, $"a number of 1 to {DigitsMax} digits is needed in brackets");
    }

    private static int DigitsOf(int number) => number.ToString(CultureInfo.InvariantCulture).Length;

    private static IEnumerable<string> Expand(IReadOnlyList<Part> parts) => parts.Aggregate(
        (IEnumerable<string>)[""],
        (names, part) => part.Ranges.Count == 0
            ? names.Select(name => name + part.Text)
            : names.SelectMany(name => part.Ranges.SelectMany(range => NumbersOf(range).Select(number => name + number))));

    private static IEnumerable<string> NumbersOf(Range range) => Enumerable.Range(range.From, (int)range.Count)
        .Select(number => number.ToString($"D{range.Digits}", CultureInfo.InvariantCulture));

    private static ScenarioException Wrong(string text, int at, string origin, string what)
    {
        const int Shown = 20;
        string found = at < text.Length ? $"\"{text.AsSpan(at, Math.Min(Shown, text.Length - at))}\"" : "the end";
        return new ScenarioException($"{origin}: character {at + 1}: {found} found: {what} (a list of hosts is such as n[01-04,07],gpu3)");
    }
}
