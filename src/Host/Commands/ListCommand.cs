using System.CommandLine;
using Spectre.Console;
using VmSim.Actors.Configuration;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Reports;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.Traces.Import;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Patterns;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim list</c>: what scenarios can name, and what they can set.</summary>
internal static class ListCommand
{
    private const string Settings = "settings";
    private const string Metrics = "metrics";

    private static readonly Dictionary<string, Func<PlugInSet, IEnumerable<(string Name, string Summary)>>> Kinds =
        new(StringComparer.Ordinal)
        {
            ["machines"] = Of(() => ProfileCatalog.Machines),
            ["kernels"] = Of(() => ProfileCatalog.Kernels),
            ["scenarios"] = Of(() => ProfileCatalog.Scenarios),
            ["backends"] = Of(() => MemoryBackends.All),
            ["protocols"] = Of(() => ShootdownProtocols.All),
            ["programs"] = Of(() => ProgramKinds.All),
            ["importers"] = Of(() => TraceImporters.All),
            ["patterns"] = Of(() => PagePatterns.All),
            ["streams"] = Of(() => AddressStreams.All),
            ["page-tables"] = Of(() => PageTableFormats.All),
            ["policies"] = Of(() => ReplacementPolicies.All),
            ["counters"] = _ => ReportMetrics.BuiltIn.Where(IsTotal).Select(Row),
            [Metrics] = _ => ReportMetrics.BuiltIn.Select(Row),
        };

    public static Command Create(TextWriter output, TextWriter error)
    {
        string[] kinds = [.. Kinds.Keys, Settings];
        Argument<string> kind = new("kind") { HelpName = "kind", Description = string.Join(", ", kinds) };
        kind.AcceptOnlyFromAmong(kinds);
        Option<string[]> files = PlugInOption.Create();
        Option<string?> scenario = new("--scenario") { Description = "Scenario whose plug-ins take part.", HelpName = "FILE.conf" };
        Command command = new("list", "Lists what scenarios can name, or what they can set.") { kind, files, scenario };
        command.SetAction(parsed =>
        {
            PlugInSet given = PlugInOption.Load(parsed.GetValue(files));
            PlugInSet plugIns = parsed.GetValue(scenario) is { } path
                ? new PlugInSet(given.Concat(ScenarioLoader.PlugInsOf(path)).DistinctBy(plugIn => plugIn.Path))
                : given;
            return PlugInFailedException.Guard(plugIns, () => Write(parsed.GetValue(kind)!, plugIns, output));
        });
        return command;
    }

    private static int Write(string kind, PlugInSet plugIns, TextWriter output)
    {
        if (kind == Settings)
        {
            WriteSettings(plugIns, output);
        }
        else
        {
            WriteTable(Kinds[kind](plugIns), output);
        }

        return ExitCodes.Ok;
    }

    private static bool IsTotal(CounterInfo metric) => !metric.Name.Contains('.', StringComparison.Ordinal);

    private static (string Name, string Summary) Row(CounterInfo metric) => (metric.Name, $"{metric.Summary} ({metric.Unit})");

    private static Func<PlugInSet, IEnumerable<(string Name, string Summary)>> Of<T>(Func<Registry<T>> registry)
        where T : class, INamed => plugIns =>
    {
        Registry<T> all = registry();
        return all.Select(item => (item.Name, item.Summary))
            .Concat(plugIns.SelectMany(plugIn => all.Of(plugIn)).Select(found => (found.Name, found.Item?.Summary ?? found.Flaw)));
    };

    /// <summary>Of plug-ins alone if there are any: who names some asks what they bring along.</summary>
    private static void WriteSettings(PlugInSet plugIns, TextWriter output)
    {
        IEnumerable<SettingList> lists = plugIns.Count == 0 ? SettingList.All : plugIns.SelectMany(SettingList.Of);
        if (!Consoles.IsTerminal(output))
        {
            foreach ((SettingList list, SettingRow row) in lists.SelectMany(list => list.Rows.Select(row => (list, row))))
            {
                output.WriteLine($"{row.Key}\t{row.Default}\t{row.Allowed}\t{row.Summary}\t{list.Title}");
            }

            return;
        }

        foreach (SettingList list in lists)
        {
            output.WriteLine($"{list.Title}{(list.Text.Length > 0 ? $": {list.Text.ReplaceLineEndings(" ")}" : "")}");
            foreach (SettingRow row in list.Rows)
            {
                output.WriteLine($"  {row.Key} = {row.Default}");
                output.WriteLine($"    {row.Summary} Allowed: {row.Allowed}.");
            }

            output.WriteLine();
        }
    }

    private static void WriteTable(IEnumerable<(string Name, string Summary)> rows, TextWriter output)
    {
        if (!Consoles.IsTerminal(output))
        {
            foreach ((string name, string summary) in rows)
            {
                output.WriteLine($"{name}\t{summary.ReplaceLineEndings(" ")}");
            }

            return;
        }

        Table table = new Table().Border(TableBorder.None).HideHeaders().AddColumn("name").AddColumn("summary");
        foreach ((string name, string summary) in rows)
        {
            table.AddRow(new Text(name), new Text(summary));
        }

        Consoles.For(output).Write(table);
    }
}
