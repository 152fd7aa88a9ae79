using VmSim.Core.Mmu;

namespace VmSim.Core.Experiments;

/// <summary>Configurations in which some columns take every combination of values.</summary>
/// <param name="Rows">The configurations, each named after its row and its values.</param>
/// <param name="Refused">Why combinations are none, a sentence each, in the order in which they would stand.</param>
public sealed record TlbGrid(IReadOnlyList<TlbConfig> Rows, IReadOnlyList<string> Refused)
{
    /// <summary>Configurations of a grid at most.</summary>
    public const int RowsMax = 100_000;

    /// <summary>Makes every combination of the values of some columns, of every row.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="axes">Columns and their values, those that change slowest first.</param>
    /// <param name="machines">The MMU of a machine profile, which fails where there is none; null if there are no profiles.</param>
    /// <exception cref="TableFormatException">A column or a value is none, or there are too many combinations.</exception>
    public static TlbGrid Of(
        IReadOnlyList<TlbConfig> rows,
        IReadOnlyList<(string Column, IReadOnlyList<string> Values)> axes,
        Func<string, MmuSpec>? machines = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(axes);
        IReadOnlyList<TlbConfig> all = rows;
        foreach ((string name, IReadOnlyList<string> values) in axes)
        {
            TlbColumn column = TlbColumns.Configuration.FirstOrDefault(
                known => known.Name == name && name != "name" && name != TlbColumns.Trace)
                ?? throw new TableFormatException($"--vary: found column '{name}'; allowed are {Known()}");
            if ((long)all.Count * values.Count > RowsMax)
            {
                throw new TableFormatException($"--vary: more than {RowsMax:N0} combinations found; {RowsMax:N0} are allowed");
            }

            all = [.. all.SelectMany(row => values.Select(value => Varied(row, column, value, machines)))];
        }

        List<TlbConfig> allowed = [];
        List<string> refused = [];
        foreach (TlbConfig row in all)
        {
            try
            {
                TlbTable.Check(row, row.Name, 0);
                allowed.Add(row);
            }
            catch (TableFormatException reason)
            {
                refused.Add(reason.Message.Replace(", line 0, column ", ": ", StringComparison.Ordinal));
            }
        }

        return new TlbGrid(allowed, refused);
    }

    private static TlbConfig Varied(TlbConfig row, TlbColumn column, string value, Func<string, MmuSpec>? machines)
    {
        TlbConfig varied = TlbColumns.Apply(column, row, value, machines)
            ?? throw new TableFormatException($"--vary {column.Name}: found '{value}'; allowed is {column.Allowed}");
        return varied with { Name = $"{row.Name} {column.Name}={value}" };
    }

    private static string Known() => string.Join(
        ", ", TlbColumns.Configuration.Select(column => column.Name).Where(name => name != "name" && name != TlbColumns.Trace));
}
