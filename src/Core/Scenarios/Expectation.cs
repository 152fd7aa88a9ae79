using System.Globalization;

namespace VmSim.Core.Scenarios;

/// <summary>What a scenario expects of its report: a figure within bounds.</summary>
/// <param name="Metric">Name of the figure.</param>
/// <param name="Least">The least that is expected; negative infinity for no bound.</param>
/// <param name="Most">The most that is expected; infinity for no bound.</param>
public sealed record Expectation(string Metric, double Least, double Most)
{
    private const string To = "..";

    /// <summary>What texts are allowed, for messages.</summary>
    public const string Allowed = "a number, A..B, A.. or ..B";

    /// <summary>The bounds, as <see cref="TryParse"/> reads them back.</summary>
    public string Bounds => Least.Equals(Most)
        ? Number(Least)
        : $"{(double.IsInfinity(Least) ? "" : Number(Least))}{To}{(double.IsInfinity(Most) ? "" : Number(Most))}";

    /// <summary>Whether a figure is as expected.</summary>
    public bool Holds(double value) => value >= Least && value <= Most;

    /// <summary>Reads bounds.</summary>
    /// <param name="metric">Name of the figure.</param>
    /// <param name="text">The bounds: <see cref="Allowed"/>.</param>
    /// <returns>Null if the text is none.</returns>
    public static Expectation? TryParse(string metric, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int to = text.IndexOf(To, StringComparison.Ordinal);
        if (to < 0)
        {
            return Read(text) is { } exact ? new Expectation(metric, exact, exact) : null;
        }

        string first = text[..to].Trim();
        string last = text[(to + To.Length)..].Trim();
        double? least = first.Length == 0 ? double.NegativeInfinity : Read(first);
        double? most = last.Length == 0 ? double.PositiveInfinity : Read(last);
        return first.Length + last.Length > 0 && least <= most ? new Expectation(metric, least.Value, most.Value) : null;
    }

    private static double? Read(string text)
    {
        string digits = text.Replace("_", "", StringComparison.Ordinal);
        bool isNumber = double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double number);
        return isNumber && double.IsFinite(number) ? number : null;
    }

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
