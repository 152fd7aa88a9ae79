using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// What Linux does on x86 (arch/x86/mm/tlb.c, 6.18): a generation counter for each space; cores that have the space loaded are interrupted,
/// lazy ones only if table pages are freed; a responder skips what it has done, drops a range if it is exactly one generation behind, and
/// else flushes all; what reclaim collects costs one interrupt a core and flushes all. Each core keeps six spaces under PCIDs of its own
/// and checks the generation when it loads one again.
/// </summary>
public sealed class LinuxProtocol : IShootdownProtocol
{
    /// <summary>Spaces that a core keeps under PCIDs (TLB_NR_DYN_ASIDS, arch/x86/include/asm/tlbflush.h).</summary>
    public const int Slots = 6;

    /// <inheritdoc/>
    public string Name => "linux";

    /// <inheritdoc/>
    public string Summary =>
        "generations, six PCIDs a core, interrupts to cores that have the space loaded and are not lazy (Linux 6.18, arch/x86/mm/tlb.c)";

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context);

    private sealed class SpaceHalf(ISpaceShootdownContext context) : SpaceShootdown
    {
        private readonly LoadedCores _cores = new(context.Machine.Cores);
        private long _generation = 1;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            shootdown.Generation = ++_generation;
            InvalidationScope scope = _cores.ScopeOf(context.Kernel, shootdown);
            context.InvalidateLocally(shootdown, scope);
            _cores.Interrupt(context, shootdown, scope);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core) => SharedRules.FinishWhenAcknowledged(context, shootdown);

        public override LoadAnswer OnLoad(CoreId core)
        {
            _cores.Load(core);
            return new LoadAnswer(Generation: _generation);
        }

        public override void OnLeave(CoreId core) => _cores.Leave(core);

        public override void OnLazy(CoreId core) => _cores.Idle(core);
    }

    private sealed class CoreHalf(ICoreShootdownContext context) : CoreShootdown
    {
        private readonly int[] _spaces = [-1, -1, -1, -1, -1, -1];
        private readonly long[] _generations = new long[Slots];
        private int _nextSlot;

        public override bool TellsLazy => true;

        public override bool ReloadAfterIdle => true;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            int slot = Array.IndexOf(_spaces, invalidation.Space.Value);
            if (slot < 0 || _generations[slot] >= invalidation.Generation)
            {
                return default;
            }

            if (context.IsLazy && !invalidation.IsLocal)
            {
                return new InvalidationResult(context.Kernel.SpaceSwitchCycles, 0, Full: false, LeavesSpace: true);
            }

            bool ranged = invalidation.Generation == _generations[slot] + 1;
            _generations[slot] = invalidation.Generation;
            Asid tag = TagOf(slot);
            return ranged
                ? SharedRules.Invalidate(context, tag, invalidation.Scope)
                : new InvalidationResult(context.Kernel.InvalidateAllCycles, context.Mmu.InvalidateAsid(tag), Full: true);
        }

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer)
        {
            int slot = Array.IndexOf(_spaces, space.Value);
            bool stale = slot < 0 || _generations[slot] < answer.Generation;
            if (slot < 0)
            {
                slot = _nextSlot;
                _nextSlot = (_nextSlot + 1) % Slots;
                _spaces[slot] = space.Value;
                _generations[slot] = 0;
            }

            _generations[slot] = Math.Max(_generations[slot], answer.Generation);
            if (stale)
            {
                context.Mmu.InvalidateAsid(TagOf(slot));
            }

            return new LoadResult(TagOf(slot), stale ? context.Kernel.InvalidateAllCycles : 0, stale);
        }

        private static Asid TagOf(int slot) => new((ushort)(slot + 1));
    }
}
