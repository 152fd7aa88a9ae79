using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// The plainest protocol: an interrupt to every other core that has loaded the space since it began; each invalidates and acks; the
/// initiator waits for all. More pages than the kernel's ceiling flush the whole space.
/// </summary>
public sealed class BroadcastProtocol : IShootdownProtocol
{
    /// <inheritdoc/>
    public string Name => "broadcast";

    /// <inheritdoc/>
    public string Summary => "interrupt every other core that has ever loaded the space, wait for all acks";

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context);

    private sealed class SpaceHalf(ISpaceShootdownContext context) : SpaceShootdown
    {
        /// <summary>No core ever leaves, and none is told apart for idling.</summary>
        private readonly LoadedCores _everLoaded = new(context.Machine.Cores);

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            InvalidationScope scope = _everLoaded.ScopeOf(context.Kernel, shootdown);
            context.InvalidateLocally(shootdown, scope);
            _everLoaded.Interrupt(context, shootdown, scope);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core) => SharedRules.FinishWhenAcknowledged(context, shootdown);

        public override bool HasOthers(CoreId core) => _everLoaded.HasOthers(core);

        public override LoadAnswer OnLoad(CoreId core)
        {
            _everLoaded.Load(core);
            return new LoadAnswer(
                SharedRules.TagOf(context.Space, context.SpaceCount, context.TagCount), Flush: context.SpaceCount > context.TagCount);
        }
    }

    private sealed class CoreHalf(ICoreShootdownContext context) : CoreShootdown
    {
        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            Asid tag = SharedRules.TagOf(invalidation.Space, context.SpaceCount, context.TagCount);
            return SharedRules.Invalidate(context, tag, invalidation.Scope);
        }
    }
}
