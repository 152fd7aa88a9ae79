using System.Globalization;

namespace VmSim.Core.Statistics;

/// <summary>Fields of comma-separated values (RFC 4180).</summary>
public static class CsvField
{
    /// <summary>
    /// A text as a field, in quotes where it needs them. A name that a spreadsheet would take for a formula gets an apostrophe before it,
    /// which makes it a text there.
    /// </summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        bool isFormula = text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r'
            && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
        string plain = isFormula ? $"'{text}" : text;
        return plain.AsSpan().IndexOfAny(",\"\r\n") < 0 && !plain.StartsWith('#')
            ? plain
            : $"\"{plain.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
