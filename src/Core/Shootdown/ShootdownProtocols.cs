using VmSim.Core.Settings;

namespace VmSim.Core.Shootdown;

/// <summary>The protocols that scenarios can name. A new one is a class and a line here.</summary>
public static class ShootdownProtocols
{
    /// <summary>All protocols, in the order in which they are listed.</summary>
    public static Registry<IShootdownProtocol> All { get; } = new(
        "shootdown protocol",
        [
            new BroadcastProtocol(),
            new LinuxProtocol(),
            new LatrProtocol(),
            new LinuxInvlpgbProtocol(),
            new ArmTlbiProtocol(),
            new FreeBsdProtocol(),
            new RiscvSbiProtocol(),
            new EarlyAckProtocol(),
            new RadixVmProtocol(),
            new AbisProtocol(),
        ],
        PlugInRule<IShootdownProtocol>.Objects);
}
