using System.Numerics;
using System.Text;
using VmSim.Core.Mapping.Scripts;
using VmSim.Core.Mmu;
using VmSim.Core.Statistics;
using VmSim.Core.Workloads.Patterns;

namespace VmSim.Core.Experiments;

/// <summary>
/// Reads and writes TLB experiments as CSV (RFC 4180, one line a row). The first line names the columns, in any order; columns left out
/// have the defaults of <see cref="TlbConfig"/>. Empty lines and lines that begin with # are passed over.
/// </summary>
public static class TlbTable
{
    /// <summary>Most ways of a tree-PLRU set.</summary>
    private const int MostTreeWays = 64;

    /// <summary>Reads a table of configurations: CSV whose first line names the columns.</summary>
    /// <param name="reader">The table.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="machines">The MMU of a machine profile, which fails where there is none; null if there are no profiles.</param>
    /// <exception cref="TableFormatException">
    /// Fields, columns or combinations of fields are not allowed; the message has a line for each of the first.
    /// </exception>
    public static IReadOnlyList<TlbConfig> Read(TextReader reader, string file, Func<string, MmuSpec>? machines = null)
    {
        ArgumentNullException.ThrowIfNull(reader);
        List<TlbConfig> rows = [];
        TableProblems problems = new();
        TlbColumn[]? columns = null;
        long line = 0;
        while (TextLines.Read(reader, TooLong) is { } text)
        {
            line++;
            if (text.Length == 0 || text[0] == '#')
            {
                continue;
            }

            List<string> fields = Split(text, file, line);
            if (columns is null)
            {
                columns = Headings(fields, file, line);
                continue;
            }

            if (fields.Count != columns.Length)
            {
                problems.Add($"{file}, line {line}: found {fields.Count} fields; the first line names {columns.Length} columns");
                continue;
            }

            rows.Add(Row(columns, fields, new Place(file, line, rows.Count), machines, problems));
        }

        problems.ThrowIfAny();
        return columns is null ? throw new TableFormatException($"{file}: found no columns; the first line must name them") : rows;

        TableFormatException TooLong(string problem) => new($"{file}, line {line + 1}: {problem}");
    }

    /// <summary>
    /// Writes configurations and their results; columns of traces, machines, fetches and reach only if a row has something to say there.
    /// </summary>
    /// <param name="writer">Where to.</param>
    /// <param name="rows">The rows in order.</param>
    public static void Write(TextWriter writer, IReadOnlyList<(TlbConfig Config, TlbResult Result)> rows)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(rows);
        bool hasTraces = rows.Any(row => row.Config.Trace.Length > 0);
        bool hasGroups = rows.Any(row => row.Config.Reach != TlbReaches.Page);
        bool hasMachines = rows.Any(row => row.Config.Machine.Length > 0);
        bool hasFetchArrays = rows.Any(row => row.Config is not
        { FetchEntries4K: null, FetchWays4K: null, FetchEntries2M: null, FetchWays2M: null });
        (string Name, Func<TlbResult, string> Write)[] results =
            [.. TlbColumns.Results, .. rows.Any(row => row.Result.Fetches > 0) ? TlbColumns.FetchResults : []];
        TlbColumn[] columns =
        [
            .. TlbColumns.Configuration.Where(column => (column.Name != TlbColumns.Trace || hasTraces)
                && (column.Name != TlbColumns.Reach || hasGroups)
                && (column.Name != TlbColumns.Machine || hasMachines)
                && (!column.Name.StartsWith(TlbColumns.Fetches, StringComparison.Ordinal) || hasFetchArrays)),
        ];
        WriteLine(writer, columns.Select(column => column.Name).Concat(results.Select(column => column.Name)));
        foreach ((TlbConfig config, TlbResult result) in rows)
        {
            WriteLine(
                writer, columns.Select(column => column.Write(config)).Concat(results.Select(column => column.Write(result))));
        }
    }

    private static void WriteLine(TextWriter writer, IEnumerable<string> fields) =>
        writer.Write(string.Join(',', fields.Select(CsvField.Of)) + "\n");

    private static TlbColumn[] Headings(List<string> names, string file, long line)
    {
        string known = string.Join(", ", TlbColumns.Configuration.Select(column => column.Name));
        TlbColumn[] columns = [.. names.Select(name => TlbColumns.Configuration.FirstOrDefault(column => column.Name == name)
            ?? throw new TableFormatException($"{file}, line {line}: found column '{name}'; allowed are {known}"))];
        if (columns.GroupBy(column => column.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new TableFormatException(
                $"{file}, line {line}: found column '{twice.Key}' {twice.Count()} times; each column is allowed once");
        }

        return columns.Any(column => column.Name is "stream" or TlbColumns.Trace)
            ? columns
            : throw new TableFormatException(
                $"{file}, line {line}: found neither a column 'stream' nor a column '{TlbColumns.Trace}'; one is needed");
    }

    private static TlbConfig Row(
        TlbColumn[] columns, List<string> fields, Place place, Func<string, MmuSpec>? machines, TableProblems problems)
    {
        TlbConfig config = new() { Name = $"row{place.Row + 1}" };
        bool hasTrace = Array.FindIndex(columns, column => column.Name == TlbColumns.Trace) is >= 0 and int trace
            && fields[trace].Length > 0;
        long before = problems.Count;

        // The machine first, since the other columns change what it has.
        foreach (int i in Enumerable.Range(0, columns.Length).OrderBy(i => columns[i].Name == TlbColumns.Machine ? 0 : 1))
        {
            // a trace needs no stream; what stands in that column does not count
            if (columns[i].Name == "stream" && hasTrace)
            {
                continue;
            }

            problems.Try(() => config = TlbColumns.Apply(columns[i], config, fields[i], machines)
                ?? throw TableFormatException.At(place.File, place.Line, columns[i].Name, fields[i], columns[i].Allowed));
        }

        if (problems.Count == before)
        {
            problems.Try(() => Check(config, place.File, place.Line));
        }

        return config;
    }

    /// <summary>Checks what depends on more than one field.</summary>
    internal static void Check(TlbConfig config, string file, long line)
    {
        if (config.Trace.Length == 0)
        {
            AddressStreamKind stream = AddressStreams.All.Find(config.Stream)
                ?? throw TableFormatException.At(file, line, TlbColumns.Trace, "", "a trace, or a stream in the column 'stream'");
            if (config.Pages > stream.MaxPages)
            {
                throw TableFormatException.At(
                    file, line, "pages", $"{config.Pages}", $"at most {stream.MaxPages} with stream {stream.Name}");
            }
        }

        CheckArray("l1_4k", config.Entries4K, config.Ways4K, "l1_policy", config.FirstPolicy);
        CheckArray("l1_2m", config.Entries2M, config.Ways2M, "l1_policy", config.FirstPolicy);
        (int entries4K, int ways4K) = (config.FetchEntries4K ?? config.Entries4K, config.FetchWays4K ?? config.Ways4K);
        (int entries2M, int ways2M) = (config.FetchEntries2M ?? config.Entries2M, config.FetchWays2M ?? config.Ways2M);
        CheckArray("l1i_4k", entries4K, ways4K, "l1_policy", config.FirstPolicy);
        CheckArray("l1i_2m", entries2M, ways2M, "l1_policy", config.FirstPolicy);
        CheckArray("l2", config.SecondEntries, config.SecondWays, "l2_policy", config.SecondPolicy);
        if (config.ToMmuSpec() is { } mmu
            && (mmu.Instruction4K.Fault ?? mmu.Data4K.Fault ?? mmu.InstructionLarge.Fault ?? mmu.DataLarge.Fault ?? mmu.Second.Fault
                ?? mmu.ReachFault) is { } fault)
        {
            throw TableFormatException.At(file, line, TlbColumns.Machine, config.Machine, $"another array: {fault}");
        }

        void CheckArray(string prefix, int entries, int ways, string policyColumn, string policy)
        {
            if (ways > 0 && entries % ways != 0)
            {
                throw TableFormatException.At(
                    file, line, $"{prefix}_entries", $"{entries}", $"a multiple of {prefix}_ways, which is {ways}");
            }

            if (ways > 0 && policy == ReplacementPolicies.TreePlru && (!BitOperations.IsPow2(ways) || ways > MostTreeWays))
            {
                throw TableFormatException.At(
                    file, line, $"{prefix}_ways", $"{ways}", $"a power of two up to {MostTreeWays}, because {policyColumn} is {policy}");
            }
        }
    }

    /// <summary>The fields of a line; a field in quotation marks may have commas and doubled quotation marks.</summary>
    private static List<string> Split(string text, string file, long line)
    {
        List<string> fields = [];
        StringBuilder field = new();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '"' && (quoted || field.Length == 0))
            {
                bool doubled = quoted && i + 1 < text.Length && text[i + 1] == '"';
                i += doubled ? 1 : 0;
                quoted = doubled || !quoted;
                if (doubled)
                {
                    field.Append(c);
                }
            }
            else if (c == ',' && !quoted)
            {
                fields.Add(field.ToString().Trim());
                field.Clear();
            }
            else
            {
                field.Append(c);
            }
        }

        fields.Add(field.ToString().Trim());
        return quoted
            ? throw new TableFormatException(
                $"{file}, line {line}: found a quotation mark that is not closed; a field in quotation marks ends in one")
            : fields;
    }

    /// <summary>Where a row stands.</summary>
    private readonly record struct Place(string File, long Line, int Row);
}
