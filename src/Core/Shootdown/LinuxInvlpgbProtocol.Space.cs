using VmSim.Core.Addresses;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <content>The space's half: from interrupts to broadcasts.</content>
public sealed partial class LinuxInvlpgbProtocol
{
    private sealed class SpaceHalf(LinuxInvlpgbProtocol protocol, ISpaceShootdownContext context) : LinuxProtocol.SpaceHalf(context)
    {
        private readonly InvlpgbSpaceCounters _counters = new();

        /// <summary>Cores that use the tag of the machine, or have used it: what they hold under it is no other tag's.</summary>
        private readonly CoreMask _onTag = new(context.Machine.Cores);

        /// <summary>Shootdowns whose TLBSYNC is not over.</summary>
        private readonly Dictionary<long, ShootdownRequest> _syncing = [];

        /// <summary>The tag of the machine; 0 for none.</summary>
        private Asid _tag;

        /// <summary>A tag that may be used when every core has dropped everything; 0 for none.</summary>
        private Asid _taken;

        /// <summary>Whether cores that have the space loaded may use tags of their own still (asid_transition).</summary>
        private bool _inTransition;

        public override CounterSet Counters => _counters;

        private MachineTags Machine => (MachineTags)Context.MachineHalf!;

        public override LoadAnswer OnLoad(CoreId core)
        {
            Machine.Cores.Add(core.Value);
            if (_tag.Value != 0)
            {
                _onTag.Add(core.Value);
            }

            return base.OnLoad(core) with { Tag = _tag };
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            // A straggler has changed over when it was interrupted, if it had the space loaded and does now.
            if (shootdown.Generation < 0 && Cores.IsActive(core))
            {
                _onTag.Add(core.Value);
            }

            base.OnAck(shootdown, core);
        }

        public override void OnTimer(long argument)
        {
            if (!_syncing.Remove(argument, out ShootdownRequest? shootdown))
            {
                base.OnTimer(argument);
                return;
            }

            if (_taken.Value != 0 && shootdown.Generation > Everything)
            {
                Use(_taken);
                _taken = default;
            }

            SharedRules.FinishWhenAcknowledged(Context, shootdown);
        }

        public override void OnExit()
        {
            if (_tag.Value != 0)
            {
                Machine.Free(_tag);
                _tag = default;
            }
        }

        protected override void Flush(ShootdownRequest shootdown, InvalidationScope scope)
        {
            if (shootdown.IsBatched)
            {
                FlushReclaimed(shootdown, scope);
            }
            else if (_tag.Value == 0)
            {
                base.Flush(shootdown, scope);
            }
            else
            {
                FlushByBroadcast(shootdown, scope);
            }
        }

        /// <summary>The end of a flush by interrupts: the moment at which a space may be given a tag (consider_global_asid).</summary>
        protected override void FinishWhenAcknowledged(ShootdownRequest shootdown)
        {
            if (shootdown.PendingAcks > 0 || _syncing.ContainsKey(shootdown.Id))
            {
                return;
            }

            if (shootdown.Generation > Everything && IsSampled(shootdown.Thread) && Cores.HasOthers(shootdown.Initiator)
                && Cores.Active >= protocol.ActiveCores && TakeTag(shootdown))
            {
                return;
            }

            Context.Finish(shootdown);
        }

        protected override void CountRemoteFlush() => _counters[InvlpgbSpaceCounters.RemoteFlushes]++;

        private bool IsSampled(ThreadId thread)
        {
            long mask = protocol.Sample - 1;
            return (thread.Value & mask) == (Context.Now.Value / Context.Kernel.TickCycles & mask);
        }

        /// <summary>Takes a tag of the machine if there is one.</summary>
        /// <returns>Whether the shootdown waits until every core has dropped everything, so that the tag may be used.</returns>
        private bool TakeTag(ShootdownRequest shootdown)
        {
            if (_tag.Value != 0 || _taken.Value != 0 || !Machine.TryTake(out Asid tag, out bool rollsOver))
            {
                return false;
            }

            _counters[InvlpgbSpaceCounters.TagsTaken]++;
            if (!rollsOver)
            {
                Use(tag);
                return false;
            }

            _counters[InvlpgbSpaceCounters.RollOvers]++;
            _taken = tag;
            TellEverybodyElse(except: null);
            Sync(shootdown, instructions: 1);
            return true;
        }

        private void Use(Asid tag)
        {
            _tag = tag;
            _inTransition = true;
        }

        /// <summary>
        /// One INVLPGB for every so many pages and each tag of a pair, and interrupts to the whole list while any core of it uses a tag of
        /// its own (broadcast_tlb_flush, finish_asid_transition); then TLBSYNC.
        /// </summary>
        private void FlushByBroadcast(ShootdownRequest shootdown, InvalidationScope scope)
        {
            shootdown.Generation = GenerationOf(_tag);
            Context.InvalidateLocally(shootdown, scope);
            bool interrupts = _inTransition && HasStragglers();
            _inTransition = interrupts;
            if (interrupts)
            {
                foreach (CoreId core in Cores.Others(shootdown.Initiator, lazyToo: true, leftToo: true))
                {
                    Context.InvalidateByInterrupt(shootdown, core, scope);
                }
            }

            // The initiator has the tag when it has invalidated.
            _onTag.Add(shootdown.Initiator.Value);
            long each = (long)protocol.PagesEach;
            long instructions = scope.IsWholeSpace ? 1 : Math.Max(1, ((long)scope.Entries + each - 1) / each);
            instructions *= Context.Kernel.PageTableIsolation ? 2 : 1;
            long way = (instructions * protocol.IssueCycles) + protocol.BroadcastCycles;
            for (int core = _onTag.Next(0); core >= 0; core = _onTag.Next(core + 1))
            {
                if (core != shootdown.Initiator.Value && !(interrupts && Cores.Contains(new CoreId(core))))
                {
                    Context.InvalidateByMessage(shootdown, new CoreId(core), scope, Broadcast, way, awaited: false);
                }
            }

            Sync(shootdown, instructions);
        }

        /// <summary>Whether a core has the space loaded and does not use the tag, as far as the space knows.</summary>
        private bool HasStragglers()
        {
            foreach (CoreId core in Cores.Others(new CoreId(-1), lazyToo: true))
            {
                if (!_onTag.Contains(core.Value))
                {
                    return true;
                }
            }

            return false;
        }

        /// <summary>Reclaim: one INVLPGB for all that any core holds under any tag (arch_tlbbatch_flush).</summary>
        private void FlushReclaimed(ShootdownRequest shootdown, InvalidationScope scope)
        {
            shootdown.Generation = Everything;
            CoreMask own = new(Context.Machine.Cores);
            Context.InvalidateLocally(shootdown, scope);
            own.Add(shootdown.Initiator.Value);
            for (int core = 0; core < Context.Machine.Cores; core++)
            {
                if (core != shootdown.Initiator.Value && (Cores.Contains(new CoreId(core)) || _onTag.Contains(core)))
                {
                    own.Add(core);
                    long way = protocol.IssueCycles + protocol.BroadcastCycles;
                    Context.InvalidateByMessage(shootdown, new CoreId(core), scope, Broadcast, way, awaited: false);
                }
            }

            TellEverybodyElse(own);
            Sync(shootdown, instructions: 1);
        }

        /// <summary>Has every core drop everything, but those that are told for the shootdown itself.</summary>
        private void TellEverybodyElse(CoreMask? except)
        {
            CoreMask cores = Machine.Cores;
            for (int core = cores.Next(0); core >= 0; core = cores.Next(core + 1))
            {
                if (except is null || !except.Contains(core))
                {
                    // TLBSYNC is over at a time of its own, by which every core has obeyed.
                    ProtocolPayload flush = new(FlushAll) { IsPrompt = true };
                    Context.SendProtocol(new CoreId(core), protocol.IssueCycles + protocol.BroadcastCycles, flush);
                }
            }
        }

        private void Sync(ShootdownRequest shootdown, long instructions)
        {
            _counters[InvlpgbSpaceCounters.Broadcasts] += instructions;
            _syncing.Add(shootdown.Id, shootdown);
            long cycles = (instructions * protocol.IssueCycles) + protocol.BroadcastCycles + protocol.SyncCycles;
            Context.SetTimer(Context.Now + cycles, shootdown.Id);
        }
    }
}
