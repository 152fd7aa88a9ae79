using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>Makes an axis of several settings whose values go together.</summary>
internal static class ZippedAxis
{
    /// <summary>The axis: the first values of all settings, then the second values, and so on.</summary>
    /// <param name="columns">The settings with their values.</param>
    /// <param name="where">Who wrote them, for messages.</param>
    /// <exception cref="UsageException">They have different numbers of values.</exception>
    public static SweepAxis Of(IReadOnlyList<(string Key, IReadOnlyList<string> Values)> columns, string where)
    {
        int count = columns[0].Values.Count;
        foreach ((string key, IReadOnlyList<string> values) in columns)
        {
            if (values.Count != count)
            {
                throw new UsageException(
                    $"{where}: {columns[0].Key} has {count} values and {key} has {values.Count}; what is zipped has equally many");
            }
        }

        return new SweepAxis(
            [.. columns.Select(column => column.Key)],
            [.. Enumerable.Range(0, count).Select(row => (IReadOnlyList<string>)[.. columns.Select(column => column.Values[row])])]);
    }
}
