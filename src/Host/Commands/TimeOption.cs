using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace VmSim.Host.Commands;

/// <summary>Options that are a wall time with a unit.</summary>
internal static class TimeOption
{
    /// <summary>A week: no timer of .NET counts 50 days.</summary>
    private const double MaxSeconds = 7 * 86_400;

    private static readonly Dictionary<string, double> Units = new(StringComparer.Ordinal) { ["s"] = 1, ["min"] = 60, ["h"] = 3_600 };

    /// <summary>An option that takes 1 second to 7 days.</summary>
    /// <param name="name">Its name, with the dashes.</param>
    /// <param name="description">What it does.</param>
    /// <param name="fallback">What holds without the option, and the help says; null for no time, which is zero.</param>
    public static Option<TimeSpan> Create(string name, string description, TimeSpan? fallback = null)
    {
        Option<TimeSpan> option = new(name)
        {
            Description = description,
            HelpName = "TIME",
            CustomParser = result => Parse(result, name),
        };
        if (fallback is { } standard)
        {
            option.DefaultValueFactory = _ => standard;
        }

        return option;
    }

    private static TimeSpan Parse(ArgumentResult result, string name)
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "nothing";
        int digits = text.AsSpan().TrimEnd("abcdefghijklmnopqrstuvwxyz").Length;
        bool isNumber = double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number);
        double seconds = isNumber && Units.TryGetValue(text[digits..], out double unit) ? number * unit : 0;
        if (seconds is >= 1 and <= MaxSeconds)
        {
            return TimeSpan.FromSeconds(seconds);
        }

        result.AddError($"{name}: \"{text}\" found; a time with a unit (s, min, h), 1 second to 7 days, is allowed");
        return TimeSpan.Zero;
    }
}
