using System.Globalization;

namespace VmSim.Host.Sweeps;

/// <summary>What a sweep varies: one setting, or several whose values go together, row by row.</summary>
/// <param name="Keys">The settings, as <c>--set</c> names them.</param>
/// <param name="Rows">For each row a value of each setting.</param>
internal sealed record SweepAxis(IReadOnlyList<string> Keys, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>The setting whose value stands for the row in tables and pictures.</summary>
    public string Key => Keys[0];

    /// <summary>Whether the rows stand for whole numbers that grow.</summary>
    public bool IsNumeric => Rows.Count > 1 && Rows.All(row => NumberOf(row[0]) is not null)
        && Rows.Zip(Rows.Skip(1)).All(pair => NumberOf(pair.First[0]) < NumberOf(pair.Second[0]));

    /// <summary>Whether a row can be made for a number between two rows: all settings have the same plain number in each.</summary>
    public bool CanBisect => IsNumeric && Rows.All(row => row.All(value => value == row[0]));

    /// <summary>An axis of one setting.</summary>
    public static SweepAxis Of(string key, IEnumerable<string> values) => new([key], [.. values.Select(value => (string[])[value])]);

    /// <summary>The whole number that a value is; null for another value.</summary>
    public static long? NumberOf(string value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;

    /// <summary>The row's settings with their values.</summary>
    public IEnumerable<KeyValuePair<string, string>> Settings(IReadOnlyList<string> row) =>
        Keys.Zip(row, (key, value) => new KeyValuePair<string, string>(key, value));

    /// <summary>The row of a number between others; see <see cref="CanBisect"/>.</summary>
    public IReadOnlyList<string> RowOf(long number) =>
        [.. Keys.Select(_ => number.ToString(CultureInfo.InvariantCulture))];
}
