using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
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
}
