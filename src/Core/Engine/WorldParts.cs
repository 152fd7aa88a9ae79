using VmSim.Core.Memory;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <summary>Parts of a world that follow from its scenario alone.</summary>
public static class WorldParts
{
    /// <summary>The protocol that a scenario names.</summary>
    /// <exception cref="ScenarioException">There is none of this name.</exception>
    public static IShootdownProtocol ProtocolOf(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        return ShootdownProtocols.All.Require(scenario.Shootdown.Protocol, "shootdown.protocol");
    }

    /// <summary>The delays of a scenario's run.</summary>
    /// <exception cref="ScenarioException">There is no such shootdown protocol.</exception>
    public static Delays DelaysOf(ScenarioSpec scenario) =>
        new(scenario.Machine, scenario.Kernel, ProtocolOf(scenario).Messages(scenario.Machine, scenario.Kernel));

    /// <summary>
    /// What the backends that a run can use count, one set of each class: of the backend of anonymous memory, then of those that calls
    /// name, in their order.
    /// </summary>
    /// <exception cref="ScenarioException">There is no such backend.</exception>
    internal static IReadOnlyList<CounterSet> BackendCounters(VirtualMemoryOptions options, IEnumerable<ProgramImage> images)
    {
        // Copies of a process share their lists of calls, which may be long.
        HashSet<IReadOnlyList<SystemCall>> lists = new(ReferenceEqualityComparer.Instance);
        IEnumerable<string> named = images
            .SelectMany(image => image.Threads.Select(thread => thread.SystemCalls).Prepend(image.InitialMappings))
            .Where(lists.Add)
            .SelectMany(calls => calls)
            .Select(call => call.Backend)
            .OfType<string>();
        IEnumerable<CounterSet?> counters = named.Prepend(options.Anonymous).Distinct().Select(name => options.KindOf(name).Counters);
        return [.. counters.OfType<CounterSet>().DistinctBy(set => set.GetType())];
    }
}
