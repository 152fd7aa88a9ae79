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
}
