using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Traces.Import;
using VmSim.Core.Workloads;

namespace VmSim.Actors.Configuration;

/// <summary>Settings that belong together, for lists.</summary>
/// <param name="Title">What they belong to.</param>
/// <param name="Text">Where they stand, or what they belong to does.</param>
/// <param name="Rows">The settings.</param>
/// <param name="IsPart">Whether they are a part of the list before that is none.</param>
public sealed record SettingList(string Title, string Text, IReadOnlyList<SettingRow> Rows, bool IsPart = false)
{
    /// <summary>Whether the keys are whole, as <c>--set</c> takes them.</summary>
    public bool IsOfScenario { get; init; }

    /// <summary>Every setting of the library.</summary>
    public static IReadOnlyList<SettingList> All =>
    [
        new("Scenario", "", [.. SettingRow.Of(ScenarioLoader.Defaults(), "")]) { IsOfScenario = true },
        .. Brought(
            ShootdownProtocols.All.Select(item => (item.Name, (object)item)),
            PageTableFormats.All.Select(item => (item.Name, (object)item)),
            MemoryBackends.All.Where(item => !item.NeedsObject).Select(item => (item.Name, (object)item.Sample))),
        new("Traces", "Settings of a process with a `trace`; they stand beside it.", [.. SettingRow.Of(new TraceReplay(), "")]),
        new(
            "Cluster",
            "How a run is spread over nodes, given in config/cluster.conf or with `--set`.\nNone of these changes what a run finds.",
            [.. SettingRow.Of(new ClusterSettings(), ClusterSettings.Prefix)]) { IsOfScenario = true },
        new("Programs", "`program` names one of these; the settings stand beside it.", []),
        .. ProgramKinds.All.Select(kind => Part(kind.Name, kind.Summary, kind.CreateDefaults(), "")),
    ];

    /// <summary>The settings that the classes of a plug-in bring along; one without any, or that cannot be made, is left out.</summary>
    public static IReadOnlyList<SettingList> Of(PlugIn plugIn) =>
    [
        .. Brought(
            Made(ShootdownProtocols.All, plugIn, item => item),
            Made(PageTableFormats.All, plugIn, item => item),
            Made(MemoryBackends.All, plugIn, item => item.Sample)),
        .. Made(ProgramKinds.All, plugIn, item => item.CreateDefaults())
            .Select(found => Part(found.Name, "Beside `program`.", found.Target, "")),
        .. Made(TraceImporters.All, plugIn, item => item)
            .Select(found => Part(found.Name, "With `vmsim import class`, each after `--set`.", found.Target, ""))
            .Where(list => list.Rows.Count > 0),
    ];

    private static IEnumerable<(string Name, object Target)> Made<T>(Registry<T> registry, PlugIn plugIn, Func<T, object> targetOf)
        where T : class, INamed =>
        registry.Of(plugIn).Where(found => found.Item is not null).Select(found => (found.Name, targetOf(found.Item!)));

    private static IEnumerable<SettingList> Brought(
        IEnumerable<(string, object)> protocols, IEnumerable<(string, object)> formats, IEnumerable<(string, object)> backends)
    {
        IEnumerable<SettingList> all =
        [
            .. protocols.Select(each => Block(each.Item1, each.Item2, "shootdown.protocol")),
            .. formats.Select(each => Block(each.Item1, each.Item2, "machine.page-table")),
            .. backends.Select(each => Block(each.Item1, each.Item2, "memory.anonymous")),
        ];
        return all.Where(list => list.Rows.Count > 0);
    }

    private static SettingList Block(string name, object target, string key) =>
        Part(name, $"With `{key} = {SettingValues.Format(name, new SettingAttribute(""))}`.", target, $"{key}-settings.") with
        {
            IsOfScenario = true,
        };

    private static SettingList Part(string name, string text, object target, string path) =>
        new(name, text, [.. SettingRow.Of(target, path)], IsPart: true);
}
