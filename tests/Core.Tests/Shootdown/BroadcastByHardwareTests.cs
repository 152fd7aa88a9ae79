using CsCheck;
using Samples;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>The example of the guide keeps the contract, as what is written after it will.</summary>
public sealed class BroadcastByHardwareTests : ShootdownProtocolContract
{
    /// <inheritdoc/>
    protected override IEnumerable<IShootdownProtocol> Subjects => [new BroadcastByHardware()];

    [Fact]
    public void Example_RandomPrograms_InterruptsNobody() => RandomPrograms.Scenario.Sample(
        scenario => Assert.Equal(0, TestWorlds.Run(scenario, protocol: new BroadcastByHardware()).Total("ipisSent")),
        iter: 40);
}
