using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <content>The space's half: rings of lazy states, and when their memory comes back.</content>
public sealed partial class LatrProtocol
{
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
        private readonly long _untilReuse = Math.Max(TicksUntilReuse * context.Kernel.TickCycles, 2 * context.Delays.WindowBound.Value);

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

        public override bool HasOthers(CoreId core) => _cores.HasOthers(core);

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
                context.SendProtocol(core, Math.Max(way, context.Delays.SpaceToCore.Value), written);
            }

            if (state.Waiting.Count == 0)
            {
                // Cores that idle compare generations when they wake.
                context.Finish(shootdown);
                return true;
            }

            shootdown.LazyCores = state.Waiting.Count;
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
                    state.Shootdown.LazyCores--;
                    state.Shootdown.Invalidated(context.Now - context.Delays.Notice);
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
}
