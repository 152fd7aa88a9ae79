namespace VmSim.Host.Sweeps;

/// <summary>Fields of tables whose values are separated by commas.</summary>
internal static class Csv
{
    /// <summary>A field as RFC 4180 has it: in quotes where it holds a comma, a quote or the end of a line.</summary>
    public static string Field(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
