using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace Samples;

// docs/protocols.md shows this class, and tests of plug-ins compile it, too.

/// <summary>
/// A broadcast by hardware: no core is interrupted, and the initiator waits until all that have loaded the space have dropped the range.
/// </summary>
public sealed class BroadcastByHardware : IShootdownProtocol
{
    private const int Broadcast = 0;

    [Setting("What a broadcast takes to a core.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e6)]
    public long BroadcastCycles { get; init; } = 600;

    [Setting("What an invalidation that came by broadcast takes a core.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e6)]
    public long StallCycles { get; init; } = 40;

    public string Name => "broadcast-by-hardware";

    public string Summary => "hardware broadcast to every core that has loaded the space, wait for all";

    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) =>
        [new("broadcast", MessageDirection.SpaceToCore, BroadcastCycles)];

    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context, BroadcastCycles);

    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context, StallCycles);

    private static Asid TagOf(SpaceId space) => new((ushort)(space.Value + 1));

    private sealed class SpaceHalf(ISpaceShootdownContext context, long broadcastCycles) : SpaceShootdown
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
                    context.InvalidateByMessage(shootdown, new CoreId(core), scope, Broadcast, broadcastCycles, awaited: true);
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

    private sealed class CoreHalf(ICoreShootdownContext context, long stallCycles) : CoreShootdown
    {
        private readonly BroadcastCounters _counters = new();

        public override CounterSet Counters => _counters;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            _counters[BroadcastCounters.Heard] += invalidation.IsLocal ? 0 : 1;
            InvalidationResult result = SharedRules.Invalidate(context, TagOf(invalidation.Space), invalidation.Scope);
            return invalidation.IsLocal ? result : result with { Cycles = stallCycles };
        }
    }
}

/// <summary>What it counts.</summary>
public sealed class BroadcastCounters : CounterSet<BroadcastCounters>
{
    public static readonly Counter Heard = Declare("broadcastsHeard", "broadcasts", "Broadcasts that came to the core.");
}
