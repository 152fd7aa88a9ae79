using VmSim.Core.Addresses;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <content>The core's half: tags of its own, and tags of the machine.</content>
public sealed partial class LinuxInvlpgbProtocol
{
    private sealed class CoreHalf(ICoreShootdownContext context, long stallCycles) : LinuxProtocol.CoreHalf(context)
    {
        private readonly InvlpgbCoreCounters _counters = new();

        /// <summary>Spaces of whose tags of the machine the core knows.</summary>
        private readonly Dictionary<int, Asid> _tags = [];

        public override CounterSet Counters => _counters;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            if (invalidation.Generation == Everything)
            {
                return DropEverything(invalidation.IsLocal ? 0 : stallCycles);
            }

            bool knows = _tags.TryGetValue(invalidation.Space.Value, out Asid tag);
            if (invalidation.Generation > 0)
            {
                // What was sent before the space had its tag: a core that uses it holds nothing that is so old (flush_tlb_func).
                return knows ? default : base.OnInvalidation(invalidation);
            }

            InvalidationResult result = knows ? Invalidate(tag, invalidation) : default;
            return invalidation.Way == InvalidationWay.Message ? result : TakeInterrupt(invalidation, knows, result);
        }

        public override Cycles OnProtocol(SpaceId space, in ProtocolPayload payload)
        {
            InvalidationResult result = DropEverything(stallCycles);
            _counters[InvlpgbCoreCounters.LostToOthers] += result.Dropped;
            Context.EndInvalidation(result);
            return result.Cycles;
        }

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer)
        {
            if (answer.Tag.Value != 0)
            {
                Learn(space, answer.Tag);
            }

            return _tags.TryGetValue(space.Value, out Asid tag) ? new LoadResult(tag, 0, Flushed: false) : base.OnLoaded(space, answer);
        }

        protected override void CountWrongCore() => _counters[InvlpgbCoreCounters.WrongCore]++;

        protected override void CountLocalFlush(InvalidationScope scope)
        {
            _counters[InvlpgbCoreCounters.LocalFlushesOfAll] += scope.IsWholeSpace ? 1 : 0;
            _counters[InvlpgbCoreCounters.LocalFlushesOfOne] += (long)scope.Entries;
        }

        /// <summary>The rest of what an interrupt has the core do, or its own operation (flush_tlb_func).</summary>
        private InvalidationResult TakeInterrupt(in Invalidation invalidation, bool knows, InvalidationResult result)
        {
            if (Context.Loaded != invalidation.Space)
            {
                if (!invalidation.IsLocal)
                {
                    CountWrongCore();
                }

                return result;
            }

            if (Context.IsLazy && !invalidation.IsLocal)
            {
                return result with { Cycles = Context.Kernel.SpaceSwitchCycles, LeavesSpace = true };
            }

            return knows ? result : ChangeOver(invalidation.Space, new Asid((ushort)-invalidation.Generation));
        }

        /// <summary>What hardware does for a broadcast; the initiator's own part is in what it waits.</summary>
        private InvalidationResult Invalidate(Asid tag, in Invalidation invalidation)
        {
            InvalidationResult result = SharedRules.Invalidate(Context, tag, invalidation.Scope, UserFlush.ByHardware);
            return result with { Cycles = invalidation.Way == InvalidationWay.Message ? stallCycles : 0 };
        }

        /// <summary>
        /// The core uses the tag of the machine from now on, under which it holds nothing. What it holds under the one it had is of no use
        /// to anybody, and goes when that one is given to another space.
        /// </summary>
        private InvalidationResult ChangeOver(SpaceId space, Asid tag)
        {
            _counters[InvlpgbCoreCounters.ChangesOver]++;
            Learn(space, tag);
            if (Context.State != CoreState.Loading)
            {
                Context.UseTag(tag);
            }

            return new InvalidationResult(Context.Kernel.SpaceSwitchCycles, 0, Full: false);
        }

        private void Learn(SpaceId space, Asid tag)
        {
            _tags[space.Value] = tag;
            GiveUp(space);
        }

        private InvalidationResult DropEverything(long cycles) =>
            new(cycles, Context.Mmu.InvalidateAll(globals: false), Full: true);
    }
}
