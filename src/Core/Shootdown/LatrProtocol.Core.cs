using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <content>The core's half: what it knows of each space, and its sweeps.</content>
public sealed partial class LatrProtocol
{
    /// <summary>What a core knows of a space that it keeps under a tag.</summary>
    private sealed class Slot(Asid tag)
    {
        private readonly HashSet<long> _ahead = [];

        public Asid Tag => tag;

        public SpaceId Space { get; set; } = SpaceId.None;

        /// <summary>Every generation up to here is invalidated.</summary>
        public long Done { get; private set; }

        /// <summary>States that have come and are not swept.</summary>
        public List<QueuedState> Queue { get; } = [];

        /// <summary>The last generation that the core has heard of.</summary>
        private long Latest { get; set; }

        public bool IsDone(long generation) => generation <= Done || _ahead.Contains(generation);

        /// <summary>
        /// Whether every generation below one is done or queued, so that a range is enough for it; Linux's rule with the queue added.
        /// </summary>
        public bool KnowsAllBelow(long generation) =>
            _ahead.Count(ahead => ahead < generation) + Queue.Count(state => state.Generation < generation) == generation - 1 - Done;

        public void Hear(long generation) => Latest = Math.Max(Latest, generation);

        /// <summary>One generation is done, whatever is queued.</summary>
        public void Finish(long generation)
        {
            _ahead.Add(generation);
            while (_ahead.Remove(Done + 1))
            {
                Done++;
            }
        }

        /// <summary>Everything heard of is done, and whatever came before it: its stores are visible to whoever hears of it.</summary>
        public void FinishAll()
        {
            Done = Math.Max(Done, Latest);
            _ahead.Clear();
            Queue.Clear();
        }

        public void Take(SpaceId space)
        {
            FinishAll();
            Space = space;
            Done = Latest = 0;
        }
    }

    private sealed class CoreHalf(ICoreShootdownContext context) : CoreShootdown
    {
        private readonly Slot[] _slots = [.. Enumerable.Range(1, LinuxProtocol.Slots).Select(tag => new Slot(new Asid((ushort)tag)))];
        private int _nextSlot;

        public override bool TellsLazy => true;

        public override bool ReloadAfterIdle => true;

        public override Cycles TickCycles => context.Kernel.TickCycles;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            Slot? slot = Find(invalidation.Space);
            if (slot is null || slot.IsDone(invalidation.Generation))
            {
                return default;
            }

            if (context.IsLazy && !invalidation.IsLocal)
            {
                return new InvalidationResult(context.Kernel.SpaceSwitchCycles, 0, Full: false, LeavesSpace: true);
            }

            slot.Hear(invalidation.Generation);
            if (invalidation.Scope.IsWholeSpace || !slot.KnowsAllBelow(invalidation.Generation))
            {
                return Flush(slot);
            }

            slot.Finish(invalidation.Generation);
            return SharedRules.Invalidate(context, slot.Tag, invalidation.Scope);
        }

        /// <summary>A lazy state has come: it waits for the next tick or switch.</summary>
        public override Cycles OnProtocol(SpaceId space, in ProtocolPayload payload)
        {
            QueuedState state = payload.As<QueuedState>();
            Slot? slot = Find(space);
            if (slot is null || slot.IsDone(state.Generation))
            {
                // Nothing of it can be in the TLB: the tag is flushed when the space gets one, or was since.
                Report(space, state.Generation);
            }
            else if (!context.IsLazy)
            {
                slot.Hear(state.Generation);
                slot.Queue.Add(state);
            }

            return 0;
        }

        public override bool HasTickWork => Array.Exists(_slots, static slot => slot.Queue.Count > 0);

        public override Cycles OnTick() => Sweep();

        public override Cycles OnSwitch() => Sweep();

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer)
        {
            Slot? slot = Find(space);
            bool stale = slot is null || slot.Done < answer.Generation;
            if (slot is null)
            {
                slot = _slots[_nextSlot];
                _nextSlot = (_nextSlot + 1) % _slots.Length;
                slot.Take(space);
            }

            slot.Hear(answer.Generation);
            return new LoadResult(slot.Tag, stale ? Flush(slot).Cycles : 0, stale);
        }

        private Slot? Find(SpaceId space) => Array.Find(_slots, slot => slot.Space == space);

        private InvalidationResult Flush(Slot slot)
        {
            bool reports = slot.Queue.Count > 0;
            foreach (QueuedState state in slot.Queue)
            {
                context.AlsoDead(state.Scope.Range);
            }

            slot.FinishAll();
            if (reports)
            {
                Report(slot.Space, slot.Done);
            }

            return SharedRules.Invalidate(context, slot.Tag, new InvalidationScope(default, IsWholeSpace: true));
        }

        private long Sweep()
        {
            long cycles = 0;
            foreach (Slot slot in _slots)
            {
                if (slot.Queue.Count > 0)
                {
                    cycles += Sweep(slot);
                }
            }

            return cycles;
        }

        /// <summary>
        /// Looks at every state, each in its initiator's cache, and invalidates page by page up to the kernel's ceiling, else all. What
        /// live translations that costs belongs to the state that is swept, and to the newest of those that together cost everything.
        /// </summary>
        private long Sweep(Slot slot)
        {
            long looking = 0;
            ulong pages = 0;
            bool whole = false;
            QueuedState newest = slot.Queue[0];
            foreach (QueuedState state in slot.Queue)
            {
                looking += context.Machine.LineTransfer(state.Initiator, context.Core);
                pages += state.Scope.Entries;
                whole |= state.Scope.IsWholeSpace;
                newest = state.Generation > newest.Generation ? state : newest;
            }

            int states = slot.Queue.Count;
            long cycles = (long)pages * SharedRules.PageCyclesOf(context.Kernel);
            if (whole || pages > (ulong)context.Kernel.FlushCeilingPages || !slot.KnowsAllBelow(newest.Generation))
            {
                BeginInvalidation(slot, newest);
                InvalidationResult result = Flush(slot);
                cycles = result.Cycles.Value;
                context.EndInvalidation(result);
            }
            else
            {
                foreach (QueuedState state in slot.Queue)
                {
                    BeginInvalidation(slot, state);
                    context.EndInvalidation(SharedRules.Invalidate(context, slot.Tag, state.Scope));
                    slot.Finish(state.Generation);
                }

                slot.Queue.Clear();
                Report(slot.Space, slot.Done);
            }

            context.CountSweep(states);
            return looking + cycles;
        }

        private void BeginInvalidation(Slot slot, in QueuedState state) =>
            context.BeginInvalidation(slot.Space, ShootdownOf(state.Generation), state.Scope.Range);

        /// <summary>Clears the core's bits in the states of a space up to a generation.</summary>
        private void Report(SpaceId space, long generation) =>
            context.SendProtocol(space, context.Delays.Notice, ProtocolPayload.Of(BitsCleared, new ClearedBits(generation)));
    }
}
