using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Tests.Shared;

/// <summary>A protocol without an end: it tells nobody of a shootdown.</summary>
/// <param name="real">What it does otherwise.</param>
public sealed class EndlessProtocol(IShootdownProtocol real) : ForwardingProtocol(real)
{
    /// <inheritdoc/>
    public override SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new EndlessSpace(base.CreateSpaceHalf(context));

    private sealed class EndlessSpace(SpaceShootdown real) : ForwardingSpace(real)
    {
        public override void Begin(ShootdownRequest shootdown)
        {
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
        }
    }
}
