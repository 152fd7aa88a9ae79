using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <summary>
/// Parts of a world that follow from its scenario alone: what its names stand for, with the settings that they bring along.
/// </summary>
public static class WorldParts
{
    private const string ProtocolKey = "shootdown.protocol";
    private const string IsolationKey = "kernel.page-table-isolation";
    private const string IsolatingFormat = "x86-64";
    private const string FormatKey = "machine.page-table";
    private const string BackendKey = "memory.anonymous";
    private const string OfSettings = "-settings.";

    /// <summary>The protocol that a scenario names.</summary>
    /// <exception cref="ScenarioException">There is none, or it does not have a setting as the scenario has it.</exception>
    public static IShootdownProtocol ProtocolOf(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        IShootdownProtocol found = ShootdownProtocols.All.Require(scenario.Shootdown.Protocol, ProtocolKey, scenario.PlugIns);
        RequireArchitecture(found, scenario);
        RequireIsolation(found, scenario);
        return scenario.Shootdown.ProtocolSettings.ApplyTo(found, ProtocolKey + OfSettings, scenario.Machine.Ghz);
    }

    /// <summary>
    /// Refuses page-table isolation under a protocol that knows no pairs of tags, and on a machine whose kernels have none here, unless the
    /// scenario says that this is meant.
    /// </summary>
    private static void RequireIsolation(IShootdownProtocol protocol, ScenarioSpec scenario)
    {
        if (!scenario.Kernel.PageTableIsolation)
        {
            return;
        }

        if (protocol.Isolation == IsolationKind.None)
        {
            IEnumerable<string> fit =
                ShootdownProtocols.All.Where(other => other.Isolation != IsolationKind.None).Select(other => other.Name);
            throw new ScenarioException(
                $"{IsolationKey}: on found with the shootdown protocol {protocol.Name}, which knows no pairs of tags; it goes with "
                    + $"{string.Join(", ", fit)}");
        }

        string format = FormatOf(scenario).Name;
        if (format != IsolatingFormat && !scenario.Shootdown.Hypothetical)
        {
            throw new ScenarioException(
                $"{IsolationKey}: on found on a machine with the page table {format}; it is what kernels of {IsolatingFormat} do; "
                    + "set shootdown.hypothetical = on to run it all the same");
        }
    }

    /// <summary>Refuses a protocol on a machine that does not have what it is made of, unless the scenario says that it is meant.</summary>
    private static void RequireArchitecture(IShootdownProtocol protocol, ScenarioSpec scenario)
    {
        string format = FormatOf(scenario).Name;
        IReadOnlyList<string> fit = protocol.Architectures;
        if (fit.Count > 0 && !scenario.Shootdown.Hypothetical
            && !fit.Any(name => format == name || format.StartsWith($"{name}-", StringComparison.Ordinal)))
        {
            throw new ScenarioException(
                $"{ProtocolKey}: {protocol.Name} found on a machine with the page table {format}; it exists on {string.Join(", ", fit)}; "
                    + "set shootdown.hypothetical = on to run it all the same");
        }
    }

    /// <summary>The page-table format that a scenario names.</summary>
    /// <exception cref="ScenarioException">There is none, or it does not have a setting as the scenario has it.</exception>
    public static PageTableFormat FormatOf(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        PageTableFormat found = PageTableFormats.All.Require(scenario.Machine.PageTable, FormatKey, scenario.PlugIns);
        return scenario.Machine.PageTableSettings.ApplyTo(found, FormatKey + OfSettings, scenario.Machine.Ghz);
    }

    /// <summary>The backend that a scenario gives to anonymous memory.</summary>
    /// <exception cref="ScenarioException">
    /// There is none, it serves files alone, or it does not have a setting as the scenario has it.
    /// </exception>
    public static BackendKind AnonymousOf(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        string name = scenario.Memory.Anonymous;
        BackendKind found = MemoryBackends.All.Require(name, BackendKey, scenario.PlugIns);
        if (found.NeedsObject)
        {
            IEnumerable<string> fit = MemoryBackends.All.Where(kind => !kind.NeedsObject).Select(kind => kind.Name);
            throw new ScenarioException(
                $"{BackendKey}: {name} found, which maps files or shared objects only; allowed: {string.Join(", ", fit)}");
        }

        return found.With(scenario.Memory.AnonymousSettings, BackendKey + OfSettings, scenario.Machine.Ghz);
    }

    /// <summary>The delays of a scenario's run.</summary>
    /// <exception cref="ScenarioException">There is no such shootdown protocol.</exception>
    public static Delays DelaysOf(ScenarioSpec scenario) =>
        new(scenario.Machine, scenario.Kernel, ProtocolOf(scenario).Messages(scenario.Machine, scenario.Kernel));

    /// <summary>A scenario with every setting of what it names, defaults included.</summary>
    /// <exception cref="ScenarioException">It names something that there is not, or a setting that this does not have.</exception>
    public static ScenarioSpec WithOwnSettings(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        return scenario with
        {
            Shootdown = scenario.Shootdown with { ProtocolSettings = OwnSettings.Of(ProtocolOf(scenario)) },
            Machine = scenario.Machine with { PageTableSettings = OwnSettings.Of(FormatOf(scenario)) },
            Memory = scenario.Memory with { AnonymousSettings = OwnSettings.Of(AnonymousOf(scenario).Sample) },
        };
    }

    /// <summary>
    /// The backends that the mappings of a run name: those of the library and the classes among them. Each class is found once, so that
    /// one object of it serves all mappings, as with those of the library.
    /// </summary>
    /// <exception cref="ScenarioException">There is no such backend.</exception>
    internal static Registry<BackendKind> BackendsOf(ScenarioSpec scenario, IEnumerable<ProgramImage> images)
    {
        Registry<BackendKind> backends = MemoryBackends.All.With(AnonymousOf(scenario));
        foreach (string name in BackendsNamed(images).Where(name => backends.Find(name) is null))
        {
            backends = backends.With(backends.Require(name, "mmap", scenario.PlugIns));
        }

        return backends;
    }

    /// <summary>
    /// What the backends that a run can use count, one set of each class: of the backend of anonymous memory, then of those that calls
    /// name, in their order.
    /// </summary>
    /// <exception cref="ScenarioException">There is no such backend.</exception>
    internal static IReadOnlyList<CounterSet> BackendCounters(VirtualMemoryOptions options, IEnumerable<ProgramImage> images)
    {
        IEnumerable<CounterSet?> counters =
            BackendsNamed(images).Prepend(options.Anonymous).Distinct().Select(name => options.KindOf(name).Counters);
        return [.. counters.OfType<CounterSet>().DistinctBy(set => set.GetType())];
    }

    /// <summary>The backends that calls name, in their order.</summary>
    private static IEnumerable<string> BackendsNamed(IEnumerable<ProgramImage> images)
    {
        // Copies of a process share their lists of calls, which may be long.
        HashSet<IReadOnlyList<SystemCall>> lists = new(ReferenceEqualityComparer.Instance);
        return images
            .SelectMany(image => image.Threads.Select(thread => thread.SystemCalls).Prepend(image.InitialMappings))
            .Where(lists.Add)
            .SelectMany(calls => calls)
            .Select(call => call.Backend)
            .OfType<string>()
            .Distinct();
    }
}
