using System.CommandLine;
using Spectre.Console;
using VmSim.Actors.Configuration;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Import;
using VmSim.Core.Workloads.Patterns;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim list</c>: what scenarios can name.</summary>
internal static class ListCommand
{
    private static readonly Dictionary<string, Func<IEnumerable<(string Name, string Summary)>>> Kinds = new(StringComparer.Ordinal)
    {
        ["machines"] = () => ProfileCatalog.Machines,
        ["kernels"] = () => ProfileCatalog.Kernels,
        ["scenarios"] = () => ProfileCatalog.Scenarios,
        ["backends"] = () => BackendRegistry.Summaries,
        ["protocols"] = () => ShootdownProtocols.All.Select(protocol => (protocol.Name, protocol.Summary)),
        ["programs"] = () => ProgramKinds.All.Select(kind => (kind.Name, kind.Summary)),
        ["importers"] = () => TraceImporters.All.Select(importer => (importer.Name, importer.Summary)),
        ["patterns"] = () => AddressStreams.Patterns,
        ["page-tables"] = () => PageTableFormats.All.Select(format => (format.Name, $"{format.Levels} levels, {format.VirtualBits}-bit addresses")),
    };

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> kind = new("kind") { Description = string.Join(", ", Kinds.Keys) };
        kind.AcceptOnlyFromAmong([.. Kinds.Keys]);
        Command command = new("list", "Lists what scenarios can name.") { kind };
        command.SetAction(parsed =>
        {
            Table table = new Table().Border(TableBorder.None).HideHeaders().AddColumn("name").AddColumn("summary");
            foreach ((string name, string summary) in Kinds[parsed.GetValue(kind)!]())
            {
                table.AddRow(new Text(name), new Text(summary));
            }

            Consoles.For(output).Write(table);
            return ExitCodes.Ok;
        });
        return command;
    }
}
