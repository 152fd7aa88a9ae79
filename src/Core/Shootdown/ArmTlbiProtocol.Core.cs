using VmSim.Core.Addresses;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <content>The core's half: what a TLBI drops, and the flush that a new generation of ASIDs owes.</content>
public sealed partial class ArmTlbiProtocol
{
    private sealed class CoreHalf(ICoreShootdownContext context, long stallCycles, long localCycles) : CoreShootdown
    {
        private readonly ArmTlbiCoreCounters _counters = new();

        /// <summary>The tag of each space that the core has loaded.</summary>
        private readonly Dictionary<int, Asid> _tags = [];

        /// <summary>The generation of ASIDs in which the core has dropped everything last.</summary>
        private long _generation = 1;

        public override CounterSet Counters => _counters;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            long cycles = invalidation.IsLocal ? invalidation.Generation * localCycles : stallCycles;
            if (!_tags.TryGetValue(invalidation.Space.Value, out Asid tag))
            {
                return new InvalidationResult(cycles, 0, Full: false);
            }

            InvalidationScope scope = invalidation.Scope;
            int dropped = scope.IsWholeSpace ? context.Mmu.InvalidateAsid(tag)
                : invalidation.TablesFreed ? context.Mmu.InvalidateRange(tag, scope.Range)
                : context.Mmu.InvalidateLeaves(tag, scope.Range);
            return new InvalidationResult(cycles, dropped, scope.IsWholeSpace);
        }

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer)
        {
            _tags[space.Value] = answer.Tag;
            if (_generation == answer.Generation)
            {
                return new LoadResult(answer.Tag, 0, Flushed: false);
            }

            _generation = answer.Generation;
            _counters[ArmTlbiCoreCounters.FlushesAtSwitch]++;
            context.Mmu.InvalidateAll(globals: false);
            return new LoadResult(answer.Tag, context.Kernel.InvalidateAllCycles, Flushed: true);
        }
    }
}
