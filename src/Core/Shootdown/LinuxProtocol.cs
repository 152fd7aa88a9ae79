using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// What Linux does on x86 (arch/x86/mm/tlb.c): a generation counter for each space; cores that have the space loaded are interrupted,
/// lazy ones only if table pages are freed; a responder skips what it has done, drops a range if it is exactly one generation behind, and
/// else flushes all; what reclaim collects costs one interrupt a core and flushes all. Each core keeps six spaces under PCIDs of its own
/// and checks the generation when it loads one again. A core that has left stays in the list of cores until an interrupt finds it there:
/// when table pages are freed, when reclaim flushes, or in the one flush a second that trims the list.
/// <see cref="KernelProfile.Version"/> says which kernel's rules hold.
/// </summary>
public sealed class LinuxProtocol : IShootdownProtocol
{
    /// <summary>Spaces that a core keeps under PCIDs (TLB_NR_DYN_ASIDS, arch/x86/include/asm/tlbflush.h).</summary>
    public const int Slots = 6;

    /// <inheritdoc/>
    public string Name => "linux";

    /// <inheritdoc/>
    public string Summary =>
        "generations, six PCIDs a core, interrupts to cores that have the space loaded and are not lazy (arch/x86/mm/tlb.c)";

    /// <inheritdoc/>
    public IsolationKind Isolation => IsolationKind.Tagged;

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context);

    /// <summary>The space's half, for protocols that go on from it.</summary>
    internal class SpaceHalf(ISpaceShootdownContext context) : SpaceShootdown
    {
        private readonly bool _keepsLeft = context.Kernel.Release >= KernelRelease.LazyCoreMask;
        private readonly LoadedCores _cores = new(context.Machine.Cores, context.Kernel.Release >= KernelRelease.LazyCoreMask);
        private readonly LinuxSpaceCounters _counters = new();

        /// <summary>Shootdowns whose interrupts leave when the initiator has invalidated; empty where it does both at once.</summary>
        private readonly Dictionary<long, ShootdownRequest> _invalidating = [];
        private long _generation = 1;

        /// <summary>Before it the list of cores is not trimmed (next_trim_cpumask); 0 before the first core has loaded the space.</summary>
        private long _nextTrim;

        public override CounterSet Counters => _counters;

        protected ISpaceShootdownContext Context => context;

        protected LoadedCores Cores => _cores;

        /// <summary>Whether the others are interrupted while the initiator invalidates, and not after.</summary>
        protected virtual bool FlushesTogether => context.Kernel.Release >= KernelRelease.ConcurrentFlush;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            shootdown.Generation = ++_generation;
            Flush(shootdown, _cores.ScopeOf(context.Kernel, shootdown));
        }

        /// <summary>What died is known, and the space has reached its next generation.</summary>
        protected virtual void Flush(ShootdownRequest shootdown, InvalidationScope scope)
        {
            context.InvalidateLocally(shootdown, scope);
            if (FlushesTogether || !_cores.HasOthers(shootdown.Initiator))
            {
                TellOthers(shootdown, scope);
                return;
            }

            _invalidating.Add(shootdown.Id, shootdown);
            context.SetTimer(context.Now + SharedRules.CyclesOf(context.Kernel, scope), shootdown.Id);
        }

        public override void OnTimer(long argument)
        {
            _invalidating.Remove(argument, out ShootdownRequest? shootdown);
            TellOthers(shootdown!, SharedRules.ScopeOf(context.Kernel, shootdown!));
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            ArgumentNullException.ThrowIfNull(shootdown);

            // The interrupts of a batch name no space (arch_tlbbatch_flush), so that no core learns which list it is wrongly in.
            if (!shootdown.IsBatched)
            {
                _cores.Trim(core);
            }

            FinishWhenAcknowledged(shootdown);
        }

        public override bool HasOthers(CoreId core) => _cores.HasOthers(core);

        public override bool Holds(CoreId core) => _keepsLeft && _cores.Contains(core);

        public override LoadAnswer OnLoad(CoreId core)
        {
            _nextTrim = _nextTrim == 0 ? context.Now.Value + context.Machine.CyclesPerSecond : _nextTrim;
            _cores.Load(core);
            return new LoadAnswer(Generation: _generation);
        }

        public override void OnLeave(CoreId core) => _cores.Leave(core);

        public override void OnLazy(CoreId core) => _cores.Idle(core);

        /// <summary>Interrupts those whom should_flush_tlb and native_flush_tlb_multi choose (arch/x86/mm/tlb.c).</summary>
        private void TellOthers(ShootdownRequest shootdown, InvalidationScope scope)
        {
            bool hasOthers = _cores.HasOthers(shootdown.Initiator);
            if (hasOthers)
            {
                CountRemoteFlush();
            }

            bool leftToo = hasOthers && _keepsLeft && (shootdown.TablesFreed || shootdown.IsBatched || Trims());
            _cores.Tell(context, shootdown, scope, leftToo);
            FinishWhenAcknowledged(shootdown);
        }

        protected virtual void FinishWhenAcknowledged(ShootdownRequest shootdown) =>
            SharedRules.FinishWhenAcknowledged(context, shootdown);

        protected virtual void CountRemoteFlush() => _counters[LinuxSpaceCounters.RemoteFlushes]++;

        /// <summary>Whether it is time, once a second, to interrupt cores that the space has left, so that they leave the list.</summary>
        private bool Trims()
        {
            bool trims = context.Now.Value > _nextTrim;
            _nextTrim = trims ? context.Now.Value + context.Machine.CyclesPerSecond : _nextTrim;
            return trims;
        }
    }

    /// <summary>The core's half, for protocols that go on from it.</summary>
    internal class CoreHalf(ICoreShootdownContext context) : CoreShootdown
    {
        private readonly int[] _spaces = [-1, -1, -1, -1, -1, -1];
        private readonly long[] _generations = new long[Slots];
        private int _nextSlot;

        private readonly LinuxCoreCounters _counters = new();

        public override CounterSet Counters => _counters;

        public override bool TellsLazy => true;

        public override bool ReloadAfterIdle => true;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            int slot = Array.IndexOf(_spaces, invalidation.Space.Value);
            bool isWrongCore = !invalidation.IsLocal && context.Loaded != invalidation.Space;
            if (isWrongCore)
            {
                CountWrongCore();
            }

            if (isWrongCore || slot < 0 || _generations[slot] >= invalidation.Generation)
            {
                return default;
            }

            if (context.IsLazy && !invalidation.IsLocal)
            {
                return new InvalidationResult(context.Kernel.SpaceSwitchCycles, 0, Full: false, LeavesSpace: true);
            }

            bool ranged = invalidation.Generation == _generations[slot] + 1;
            _generations[slot] = invalidation.Generation;
            InvalidationScope scope = ranged ? invalidation.Scope : invalidation.Scope with { IsWholeSpace = true };
            if (invalidation.IsLocal)
            {
                CountLocalFlush(scope);
            }

            return SharedRules.Invalidate(context, TagOf(slot), scope, UserFlush);
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
                SharedRules.Flush(context, TagOf(slot));
            }

            return new LoadResult(TagOf(slot), stale ? context.Kernel.InvalidateAllCycles : 0, stale);
        }

        protected ICoreShootdownContext Context => context;

        /// <summary>How the invalidation at hand has the user's half of a pair of tags lose pages.</summary>
        protected virtual UserFlush UserFlush => UserFlush.ByTag;

        /// <summary>The core keeps nothing of a space any more that it could use again.</summary>
        protected void GiveUp(SpaceId space)
        {
            int slot = Array.IndexOf(_spaces, space.Value);
            if (slot >= 0)
            {
                _spaces[slot] = -1;
            }
        }

        /// <summary>The tag under which the core keeps a space, loaded or not.</summary>
        /// <returns>False if it keeps nothing of it that it could use again.</returns>
        protected bool TryTagOf(SpaceId space, out Asid tag)
        {
            int slot = Array.IndexOf(_spaces, space.Value);
            tag = TagOf(Math.Max(slot, 0));
            return slot >= 0;
        }

        protected virtual void CountWrongCore() => _counters[LinuxCoreCounters.WrongCore]++;

        protected virtual void CountLocalFlush(InvalidationScope scope)
        {
            _counters[LinuxCoreCounters.LocalFlushesOfAll] += scope.IsWholeSpace ? 1 : 0;
            _counters[LinuxCoreCounters.LocalFlushesOfOne] += (long)scope.Entries;
        }

        private static Asid TagOf(int slot) => new((ushort)(slot + 1));
    }
}
