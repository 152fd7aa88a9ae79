using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Core.Shootdown;

/// <summary>The protocols that scenarios can name.</summary>
public static class ShootdownProtocols
{
    /// <summary>All protocols, in the order in which they are listed.</summary>
    public static IReadOnlyList<IShootdownProtocol> All { get; } =
    [
        new BroadcastProtocol(),
        new LinuxProtocol(),
        new LatrProtocol(),
    ];

    /// <summary>The protocol with this name; null if there is none.</summary>
    public static IShootdownProtocol? ByName(string name)
    {
        foreach (IShootdownProtocol protocol in All)
        {
            if (protocol.Name == name)
            {
                return protocol;
            }
        }

        return null;
    }

    /// <summary>The protocol that a scenario names.</summary>
    /// <exception cref="ScenarioException">There is none of this name.</exception>
    public static IShootdownProtocol Of(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        string name = scenario.Shootdown.Protocol;
        return ByName(name)
            ?? throw new ScenarioException($"shootdown.protocol: there is no protocol \"{name}\"; there are {string.Join(", ", All.Select(p => p.Name))}");
    }
}
