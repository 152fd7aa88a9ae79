using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace Samples.Protocol;

/// <summary>
/// A broadcast by hardware: no core is interrupted, and the initiator waits until all that have loaded the space have dropped the range.
/// </summary>
public sealed class HardwareBroadcast : IShootdownProtocol
{
    private const int Broadcast = 0;
    private const long BroadcastCycles = 600;
    private const long StallCycles = 40;

    public string Name => "hardware-broadcast";

    public string Summary => "hardware broadcast to every core that has loaded the space, wait for all";

    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) =>
        [new("broadcast", MessageDirection.SpaceToCore, BroadcastCycles)];

    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context);

    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context);

    private static Asid TagOf(SpaceId space) => new((ushort)(space.Value + 1));

    private sealed class SpaceHalf(ISpaceShootdownContext context) : SpaceShootdown
    {
        private readonly CoreMask _users = new(context.Machine.Cores);

        public override void Begin(ShootdownRequest shootdown)
        {
            InvalidationScope scope = SharedRules.ScopeOf(context.Kernel, shootdown);
            context.InvalidateLocally(shootdown, scope);
            for (int core = _users.Next(0); core >= 0; core = _users.Next(core + 1))
            {
                if (core != shootdown.Initiator.Value)
                {
                    context.InvalidateByMessage(shootdown, new CoreId(core), scope, Broadcast, BroadcastCycles, awaited: true);
                }
            }

            OnAck(shootdown, shootdown.Initiator);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            if (shootdown.PendingAcks == 0)
            {
                context.Finish(shootdown);
            }
        }

        public override LoadAnswer OnLoad(CoreId core)
        {
            _users.Add(core.Value);
            return new LoadAnswer(TagOf(context.Space));
        }
    }

    private sealed class CoreHalf(ICoreShootdownContext context) : CoreShootdown
    {
        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            InvalidationResult result = SharedRules.Invalidate(context, TagOf(invalidation.Space), invalidation.Scope);
            return invalidation.IsLocal ? result : result with { Cycles = StallCycles };
        }
    }
}
