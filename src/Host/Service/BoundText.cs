using System.Globalization;

namespace VmSim.Host.Service;

/// <summary>How a limit of a job is written: a number with a unit.</summary>
/// <param name="Example">One that is allowed.</param>
/// <param name="Least">The least number that is allowed; 0 is less than all that are.</param>
/// <param name="Most">The greatest.</param>
/// <param name="Units">The units with what each is in bytes or seconds.</param>
internal sealed record BoundText(string Example, double Least, double Most, IReadOnlyDictionary<string, double> Units)
{
    private const double SecondsOfAWeek = 7 * 86_400;

    /// <summary>Memory, in bytes.</summary>
    public static readonly BoundText Memory = new("1GiB", 0, 1L << 60, new Dictionary<string, double>(StringComparer.Ordinal)
    {
        ["MiB"] = 1L << 20,
        ["GiB"] = 1L << 30,
        ["TiB"] = 1L << 40,
    });

    /// <summary>Wall time, in seconds: a second to seven days.</summary>
    public static readonly BoundText Time = new("2h", 1, SecondsOfAWeek, new Dictionary<string, double>(StringComparer.Ordinal)
    {
        ["s"] = 1,
        ["min"] = 60,
        ["h"] = 3_600,
    });

    /// <summary>Virtual time, in seconds.</summary>
    public static readonly BoundText Virtual = new("500ms", 0, JobBounds.SecondsMost, new Dictionary<string, double>(StringComparer.Ordinal)
    {
        ["us"] = 1e-6,
        ["ms"] = 1e-3,
        ["s"] = 1,
        ["min"] = 60,
    });

    /// <summary>Reads one.</summary>
    /// <param name="name">What it is called in the message.</param>
    /// <param name="text">The text.</param>
    /// <param name="problem">What is wrong with it; empty if nothing is.</param>
    /// <returns>Bytes or seconds; null if something is wrong.</returns>
    public double? Parse(string name, string text, out string problem)
    {
        int digits = text.AsSpan().TrimEnd("abcdefghijklmnopqrstuvwxyzBGMT").Length;
        bool isNumber = double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number);
        if (isNumber && Units.TryGetValue(text[digits..], out double unit) && number > 0 && number * unit >= Least && number * unit <= Most)
        {
            problem = "";
            return number * unit;
        }

        string found = text.Length > 40 ? $"{text[..40]}..." : text;
        problem = $"{name}: \"{found}\" found; a number with a unit ({string.Join(", ", Units.Keys)}) is allowed, such as {Example}";
        return null;
    }
}
