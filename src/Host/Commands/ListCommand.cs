using System.CommandLine;
using Spectre.Console;
using VmSim.Actors.Configuration;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Traces.Import;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Patterns;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim list</c>: what scenarios can name.</summary>
internal static class ListCommand
{
    private static readonly Dictionary<string, Func<IEnumerable<(string Name, string Summary)>>> Kinds = new(StringComparer.Ordinal)
    {
        ["machines"] = () => Of(ProfileCatalog.Machines),
        ["kernels"] = () => Of(ProfileCatalog.Kernels),
        ["scenarios"] = () => Of(ProfileCatalog.Scenarios),
        ["backends"] = () => Of(MemoryBackends.All),
        ["protocols"] = () => Of(ShootdownProtocols.All),
        ["programs"] = () => Of(ProgramKinds.All),
        ["importers"] = () => Of(TraceImporters.All),
        ["patterns"] = () => Of(PagePatterns.All),
        ["streams"] = () => Of(AddressStreams.All),
        ["page-tables"] = () => Of(PageTableFormats.All),
        ["policies"] = () => Of(ReplacementPolicies.All),
    };

    private static IEnumerable<(string Name, string Summary)> Of(IEnumerable<INamed> items) =>
        items.Select(item => (item.Name, item.Summary));

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
