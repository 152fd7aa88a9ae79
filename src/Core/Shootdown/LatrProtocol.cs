using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// Lazy translation coherence (Kumar, Maass, Kashyap and others, LATR: Lazy Translation Coherence, ASPLOS 2018): an unmap writes down what
/// died in a ring of lazy states and returns; every core sweeps the states at its timer tick and at context switches; frames, table pages
/// and addresses come back after two ticks. Whatever is not an unmap, and an unmap whose ring is full, interrupts as
/// <see cref="LinuxProtocol"/> does.
/// </summary>
/// <remarks>
/// The paper's ring belongs to the initiator's core; here each space has one of <see cref="RingStates"/> for each core, because a space
/// cannot know at once what another has written. The two ticks are a least time: what died is given back when they are over and every core
/// that was told has also swept.
/// </remarks>
public sealed class LatrProtocol : IShootdownProtocol
{
    /// <summary>Lazy states that a core can have waiting in a space (LATR, section 4.1).</summary>
    public const int RingStates = 64;

    /// <summary>
    /// Ticks after which what died may be reused (LATR, section 4.2: ticks of cores are not synchronised, so one is not enough).
    /// </summary>
    private const int TicksUntilReuse = 2;

    /// <summary>The message by which a core hears of a lazy state.</summary>
    private const int StateWritten = 0;

    /// <summary>The message by which a core clears its bits.</summary>
    private const int BitsCleared = 1;

    /// <inheritdoc/>
    public string Name => "latr";

    /// <inheritdoc/>
    public string Summary =>
        "unmaps leave a lazy state that cores sweep at ticks and switches, memory comes back after two ticks; else as linux (LATR, "
            + "ASPLOS 2018)";

    /// <inheritdoc/>
    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel)
    {
        Delays basic = new(machine, kernel);
        return [
            new("lazy state", MessageDirection.SpaceToCore, basic.SpaceToCore),
            new("bits cleared", MessageDirection.CoreToSpace, basic.Notice),
        ];
    }

    /// <inheritdoc/>
    public long AllowedStaleness(MachineSpec machine, KernelProfile kernel)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(kernel);
        long way = kernel.ServiceCycles + Math.Max(
            kernel.TrapReturnCycles, Math.Max(machine.LineTransferRemoteCycles, machine.LineTransferCycles));
        return (TicksUntilReuse * kernel.TickCycles) + way;
    }

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context);

    /// <summary>The generation that a space reaches with a shootdown: it has 1 before the first.</summary>
    private static long GenerationOf(long shootdown) => shootdown + 1;

    private static long ShootdownOf(long generation) => generation - 1;

    /// <summary>One entry of a ring.</summary>
    private sealed class LazyState(ShootdownRequest shootdown, int cores)
    {
        public ShootdownRequest Shootdown => shootdown;

        /// <summary>Cores that have not swept it.</summary>
        public CoreMask Waiting { get; } = new(cores);

        /// <summary>Whether the ticks are over.</summary>
        public bool TicksOver { get; set; }

        public bool Overlaps(VirtAddr start, VirtAddr end) => shootdown.Dead.Overlaps(start, end);
    }

    private sealed class SpaceHalf(ISpaceShootdownContext context) : SpaceShootdown
    {
        private readonly LoadedCores _cores = new(context.Machine.Cores);
        private readonly LazyState?[]?[] _rings = new LazyState?[]?[context.Machine.Cores];
        private readonly int[] _heads = new int[context.Machine.Cores];
        private readonly long _untilReuse = Math.Max(TicksUntilReuse * context.Kernel.TickCycles, 2 * context.Delays.WindowBound);

        /// <summary>States that some core has not swept, by rising generation.</summary>
        private readonly List<LazyState> _active = [];

        /// <summary>States whose memory has not come back, by generation.</summary>
        private readonly Dictionary<long, LazyState> _unreleased = [];
        private long _generation = 1;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            shootdown.Generation = _generation = GenerationOf(shootdown.Id);
            InvalidationScope scope = _cores.ScopeOf(context.Kernel, shootdown);
            context.InvalidateLocally(shootdown, scope);
            if (shootdown is not { FreesMemory: true, IsDiscard: true } || !TrySave(shootdown, scope))
            {
                _cores.Interrupt(context, shootdown, scope);
            }
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core) => SharedRules.FinishWhenAcknowledged(context, shootdown);

        public override bool FlushesBeforeMapping(VirtAddr start, VirtAddr end) => _active.Exists(state => state.Overlaps(start, end));

        public override LoadAnswer OnLoad(CoreId core)
        {
            _cores.Load(core);
            return new LoadAnswer(Generation: _generation);
        }

        public override void OnLeave(CoreId core)
        {
            _cores.Leave(core);
            Swept(core, long.MaxValue);
        }

        public override void OnLazy(CoreId core)
        {
            if (_cores.Idle(core))
            {
                Swept(core, long.MaxValue);
            }
        }

        /// <summary>A core says up to which generation it has invalidated.</summary>
        public override void OnProtocol(CoreId core, in ProtocolPayload payload) => Swept(core, payload.As<ClearedBits>().Generation);

        /// <summary>The state of a generation is written, if the argument is negative, or its ticks are over.</summary>
        public override void OnTimer(long argument)
        {
            LazyState state = _unreleased[Math.Abs(argument)];
            if (argument < 0)
            {
                context.FinishDeferringRelease(state.Shootdown);
                return;
            }

            state.TicksOver = true;
            ReleaseWhenSafe(state);
        }

        /// <summary>Writes the state into the initiator's ring and lets the operation return; false if the ring is full.</summary>
        private bool TrySave(ShootdownRequest shootdown, InvalidationScope scope)
        {
            int initiator = shootdown.Initiator.Value;
            LazyState?[] ring = _rings[initiator] ??= new LazyState?[RingStates];
            if (ring[_heads[initiator]] is { Waiting.Count: > 0 })
            {
                return false;
            }

            LazyState state = new(shootdown, context.Machine.Cores);
            ProtocolPayload written = ProtocolPayload.Of(StateWritten, new QueuedState(shootdown.Generation, scope, shootdown.Initiator));
            long writing = 0;
            foreach (CoreId core in _cores.Others(shootdown.Initiator, lazyToo: false))
            {
                state.Waiting.Add(core.Value);
                long way = context.Machine.LineTransfer(shootdown.Initiator, core);
                writing = Math.Max(writing, way);
                context.SendProtocol(core, Math.Max(way, context.Delays.SpaceToCore), written);
            }

            if (state.Waiting.Count == 0)
            {
                // Cores that idle compare generations when they wake.
                context.Finish(shootdown);
                return true;
            }

            ring[_heads[initiator]] = state;
            _heads[initiator] = (_heads[initiator] + 1) % RingStates;
            _active.Add(state);
            _unreleased.Add(shootdown.Generation, state);

            // The entry that is overwritten was read last by a core that swept it.
            context.SetTimer(context.Now + writing, -shootdown.Generation);
            context.SetTimer(context.Now + writing + _untilReuse, shootdown.Generation);
            return true;
        }

        /// <summary>A core has invalidated everything up to a generation, or will before it uses the space again.</summary>
        private void Swept(CoreId core, long generation)
        {
            int kept = 0;
            for (int i = 0; i < _active.Count; i++)
            {
                LazyState state = _active[i];
                if (state.Shootdown.Generation <= generation && state.Waiting.Contains(core.Value))
                {
                    state.Waiting.Remove(core.Value);
                    ReleaseWhenSafe(state);
                }

                if (state.Waiting.Count > 0)
                {
                    _active[kept++] = state;
                }
            }

            _active.RemoveRange(kept, _active.Count - kept);
        }

        private void ReleaseWhenSafe(LazyState state)
        {
            if (state.TicksOver && state.Waiting.Count == 0)
            {
                _unreleased.Remove(state.Shootdown.Generation);
                context.ReleaseDeferred(state.Shootdown);
            }
        }
    }

    /// <summary>A lazy state as a core is told of it.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly record struct QueuedState(long Generation, InvalidationScope Scope, CoreId Initiator);

    /// <summary>A core says up to which generation it has invalidated.</summary>
    private readonly record struct ClearedBits(long Generation);

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

        public override long TickCycles => context.Kernel.TickCycles;

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
        public override long OnProtocol(SpaceId space, in ProtocolPayload payload)
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

        public override long OnTick() => Sweep();

        public override long OnSwitch() => Sweep();

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

            return new InvalidationResult(context.Kernel.InvalidateAllCycles, context.Mmu.InvalidateAsid(slot.Tag), Full: true);
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
            long cycles = (long)pages * context.Kernel.InvalidatePageCycles;
            if (whole || pages > (ulong)context.Kernel.FlushCeilingPages || !slot.KnowsAllBelow(newest.Generation))
            {
                BeginInvalidation(slot, newest);
                InvalidationResult result = Flush(slot);
                cycles = result.Cycles;
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
