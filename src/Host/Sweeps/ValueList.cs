using System.Globalization;
using System.Text.RegularExpressions;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>
/// Lists of values as people write them: <c>1,2,4</c>, <c>linux,latr</c>, and whole numbers <c>1..8</c>, <c>1..64*2</c>, <c>4..20+4</c>,
/// each with a unit: <c>16 KiB..1024 KiB*2</c>.
/// </summary>
internal static partial class ValueList
{
    /// <summary>Most values of a list.</summary>
    private const int CountMax = 100_000;

    /// <summary>Reads a list.</summary>
    /// <param name="text">The list.</param>
    /// <param name="where">Who wrote it, for messages.</param>
    /// <exception cref="UsageException">It is none.</exception>
    public static IReadOnlyList<string> Parse(string text, string where)
    {
        List<string> values = [];
        foreach (string item in Items(text, where))
        {
            Match range = Range().Match(item);
            if (!range.Success)
            {
                values.Add(item.Length > 1 && item[0] == '"' && item[^1] == '"' ? item[1..^1] : item);
                continue;
            }

            values.AddRange(Expand(range, item, where));
            Require(values.Count <= CountMax, where, $"more than {CountMax:N0} values found");
        }

        string? twice = values.GroupBy(value => value, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1)?.Key;
        Require(twice is null, where, $"{twice} found twice");
        return values;
    }

    /// <summary>The pieces between commas that are not within quotes.</summary>
    private static List<string> Items(string text, string where)
    {
        List<string> items = [];
        bool isQuoted = false;
        int start = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] == '"')
            {
                isQuoted = !isQuoted;
            }

            if (i == text.Length || (text[i] == ',' && !isQuoted))
            {
                items.Add(text[start..i].Trim());
                start = i + 1;
            }
        }

        Require(!isQuoted, where, $"{text} found, whose last quote is not closed");
        Require(items.TrueForAll(item => item.Length > 0), where, $"\"{text}\" found, in which a value is empty");
        return items;
    }

    private static IEnumerable<string> Expand(Match range, string item, string where)
    {
        string unit = range.Groups["unit"].Value;
        string firstUnit = range.Groups["firstUnit"].Value;
        Require(firstUnit.Length == 0 || firstUnit == unit, where, $"{item} found, whose ends have different units");
        string way = range.Groups["way"].Value;
        bool isRead = long.TryParse(range.Groups["first"].Value, CultureInfo.InvariantCulture, out long first)
            & long.TryParse(range.Groups["last"].Value, CultureInfo.InvariantCulture, out long last);
        long step = 1;
        isRead &= way.Length == 0 || long.TryParse(range.Groups["step"].Value, CultureInfo.InvariantCulture, out step);
        Require(isRead, where, $"{item} found; its numbers are too long");
        Require(last >= first, where, $"{item} found; the first value is the smaller one");
        Require(step >= 1 && !(way == "*" && step < 2), where, $"{item} found, which does not go on; *2 or +1 at least");
        Require(way != "*" || first > 0, where, $"{item} found; what is multiplied begins above 0");
        List<string> values = [];
        for (Int128 value = first; value <= last; value = way == "*" ? value * step : value + step)
        {
            values.Add(value.ToString(CultureInfo.InvariantCulture) + unit);
            Require(values.Count <= CountMax, where, $"{item} found, which has more than {CountMax:N0} values");
        }

        return values;
    }

    private static void Require(bool holds, string where, string found)
    {
        if (!holds)
        {
            throw new UsageException($"{where}: {found}; a list such as 1,2,4 or 1..64*2 or 4..20+4 or linux,latr is allowed");
        }
    }

    [GeneratedRegex(
        @"^(?<first>-?\d+)(?<firstUnit>\s*[A-Za-z]*)\.\.(?<last>-?\d+)(?<unit>\s*[A-Za-z]*)(?:(?<way>[*+])(?<step>\d+))?$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Range();
}
