using System.CommandLine;
using System.CommandLine.Completions;
using VmSim.Actors.Configuration;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;

namespace VmSim.Host.Commands;

/// <summary>What a shell offers to complete a word with, where the parser does not know it by itself.</summary>
internal static class Suggestions
{
    private const string MachineProfile = "machine-profile";
    private const string KernelProfile = "kernel-profile";
    private const string Protocol = "shootdown.protocol";

    /// <summary>Has a shell offer something for an argument; help shows the argument's name and not all that there is.</summary>
    public static void Offer(Argument argument, Func<CompletionContext, IEnumerable<string>> source)
    {
        argument.HelpName ??= argument.Name;
        argument.CompletionSources.Add(source);
    }

    /// <summary>Scenarios that ship; files are the shell's own.</summary>
    public static IEnumerable<string> Scenarios(CompletionContext context) => ProfileCatalog.Scenarios.Select(scenario => scenario.Name);

    /// <summary>Machine profiles that ship.</summary>
    public static IEnumerable<string> Machines(CompletionContext context) => ProfileCatalog.Machines.Select(machine => machine.Name);

    /// <summary>Figures of a report.</summary>
    public static IEnumerable<string> Metrics(CompletionContext context) => ReportMetrics.BuiltIn.Select(metric => metric.Name);

    /// <summary>Protocols, one after the other with commas between.</summary>
    public static IEnumerable<string> Protocols(CompletionContext context) =>
        AfterLast(',', context.WordToComplete, ShootdownProtocols.All.Select(protocol => protocol.Name));

    /// <summary>Keys of settings, each with its equals sign, and behind it the values that have names.</summary>
    public static IEnumerable<string> Settings(CompletionContext context)
    {
        string[] parts = context.WordToComplete.Split('=', 2);
        return parts.Length == 1
            ? Keys().Select(key => key + "=")
            : AfterLast(',', parts[1], Values(parts[0])).Select(value => $"{parts[0]}={value}");
    }

    /// <summary>Keys of a scenario and of blocks in it; those of a program stand beside it, which only the scenario names.</summary>
    private static IEnumerable<string> Keys() => SettingList.All.Where(list => list.IsOfScenario)
        .SelectMany(list => list.Rows).Select(row => row.Key).Concat([MachineProfile, KernelProfile]).Distinct();

    private static IEnumerable<string> Values(string key) => key switch
    {
        MachineProfile => ProfileCatalog.Machines.Select(machine => machine.Name),
        KernelProfile => ProfileCatalog.Kernels.Select(kernel => kernel.Name),
        Protocol => ShootdownProtocols.All.Select(protocol => protocol.Name),
        _ => SettingList.All.SelectMany(list => list.Rows).FirstOrDefault(row => row.Key == key)?.Names ?? [],
    };

    /// <summary>The items behind what stands before the last separator of a word.</summary>
    private static IEnumerable<string> AfterLast(char separator, string word, IEnumerable<string> items)
    {
        string before = word[..(word.LastIndexOf(separator) + 1)];
        return items.Select(item => before + item);
    }
}
