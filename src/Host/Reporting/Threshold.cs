using System.Globalization;
using System.Text.RegularExpressions;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// A condition on which a command fails: <c>findings</c>, a figure's value as in <c>minorFaults > 1610</c>, or its change against the
/// first of several as in <c>ipisSent > +5 %</c>.
/// </summary>
internal sealed partial record Threshold
{
    /// <summary>The condition that there is a finding.</summary>
    public const string Findings = "findings";

    private const string Allowed = "findings, \"minorFaults > 1610\", or for comparisons \"ipisSent > +5 %\" is allowed";

    private Threshold(string text, string metric, string comparison, double bound, bool isChange, bool isPercent)
    {
        (Text, Metric, Comparison, Bound, IsChange, IsPercent) = (text, metric, comparison, bound, isChange, isPercent);
    }

    /// <summary>The condition as it was written.</summary>
    public string Text { get; }

    /// <summary>The figure; <see cref="Findings"/> for that condition.</summary>
    public string Metric { get; }

    /// <summary>Whether the bound is for the change of the figure, and not for its value.</summary>
    public bool IsChange { get; }

    private string Comparison { get; }

    private double Bound { get; }

    private bool IsPercent { get; }

    /// <summary>Reads conditions.</summary>
    /// <exception cref="UsageException">One is none, or is of a change where there is only one run.</exception>
    public static IReadOnlyList<Threshold> ParseAll(IEnumerable<string>? texts, bool allowsChanges) =>
        [.. (texts ?? []).Select(text => Parse(text, allowsChanges))];

    private static Threshold Parse(string text, bool allowsChanges)
    {
        if (text.Trim() == Findings)
        {
            return new Threshold(text, Findings, ">", 0, false, false);
        }

        Match match = Form().Match(text);
        if (!match.Success
            || !double.TryParse(match.Groups["bound"].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double bound))
        {
            throw new UsageException($"--fail-on: \"{text}\" found; {Allowed}");
        }

        bool isPercent = match.Groups["percent"].Success;
        bool isChange = isPercent || match.Groups["bound"].Value[0] is '+' or '-';
        if (isChange && !allowsChanges)
        {
            throw new UsageException($"--fail-on: \"{text}\" found, which compares; a run has nothing to be compared with: {Allowed}");
        }

        return new Threshold(text, match.Groups["metric"].Value, match.Groups["comparison"].Value, bound, isChange, isPercent);
    }

    /// <summary>What is wrong with a run, as a sentence; null if nothing is.</summary>
    /// <param name="findings">Findings of the run.</param>
    /// <param name="value">The figure; null if the run has none of this name.</param>
    /// <param name="first">The figure of the first run, with which it is compared; null if there is none.</param>
    /// <param name="names">The figures that there are, for messages.</param>
    public string? Broken(int findings, double? value, double? first, IEnumerable<string> names)
    {
        if (Metric == Findings)
        {
            return findings > 0 ? $"--fail-on {Text}: {Quantities.Of(findings, "finding")}" : null;
        }

        if (value is not { } found || (IsChange && first is null))
        {
            throw ReportMetrics.Unknown($"--fail-on {Text}", Metric, names);
        }

        double measured = !IsChange ? found
            : !IsPercent ? found - first!.Value
            : found.Equals(first!.Value) ? 0
            : 100 * (found - first.Value) / Math.Abs(first.Value);
        if (!Holds(measured))
        {
            return null;
        }

        string from = IsChange ? string.Create(CultureInfo.InvariantCulture, $" against {first:#,0.###}") : "";
        string change = !IsPercent ? ""
            : double.IsInfinity(measured) ? ", from nothing"
            : string.Create(CultureInfo.InvariantCulture, $", {measured:+0.##;-0.##;0} %");
        return string.Create(CultureInfo.InvariantCulture, $"--fail-on {Text}: {found:#,0.###}{from}{change}");
    }

    private bool Holds(double measured) => Comparison switch
    {
        ">" => measured > Bound,
        ">=" => measured >= Bound,
        "<" => measured < Bound,
        "<=" => measured <= Bound,
        "!=" => !measured.Equals(Bound),
        _ => measured.Equals(Bound),
    };

    [GeneratedRegex(
        @"^\s*(?<metric>[A-Za-z][\w.-]*)\s*(?<comparison>>=|<=|!=|==?|>|<)\s*(?<bound>[+-]?\d+(\.\d+)?(e[+-]?\d+)?)\s*(?<percent>%)?\s*$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Form();
}
