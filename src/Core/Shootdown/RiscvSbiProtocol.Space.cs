using VmSim.Core.Addresses;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <content>The space's half: its mask of cores, and who is told by whom.</content>
public sealed partial class RiscvSbiProtocol
{
    private sealed class SpaceHalf(RiscvSbiProtocol protocol, ISpaceShootdownContext context) : SpaceShootdown
    {
        private readonly RiscvSbiSpaceCounters _counters = new();

        /// <summary>Cores that a shootdown concerns (mm_cpumask): with ASIDs all that have ever loaded the space.</summary>
        private readonly CoreMask _mask = new(context.Machine.Cores);

        /// <summary>Cores that run the space, as far as the space knows; idle cores are among them unless flushes are deferred.</summary>
        private readonly CoreMask _running = new(context.Machine.Cores);

        /// <summary>Cores that drop the ASID when they load the space again.</summary>
        private readonly CoreMask _owing = new(context.Machine.Cores);

        /// <summary>Shootdowns for which the firmware has been called and has interrupted nobody yet.</summary>
        private readonly Dictionary<long, FirmwareCall> _calls = [];

        /// <summary>The ASID with its generation; 0 before the first load and without ASIDs.</summary>
        private long _asid;

        public override CounterSet Counters => _counters;

        private Harts? Machine => (Harts?)context.MachineHalf;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);

            // Linux collects what reclaim takes whether another core has run the space or not (arch_tlbbatch_should_defer).
            shootdown.IsBatched = shootdown.IsReclaim;
            shootdown.Generation = shootdown.IsBatched ? Everything : AsidGenerations.AsidOf(_asid).Value;
            CoreMask targets = TargetsOf(shootdown);
            bool calls = protocol.Firmware && targets.Count > 0;
            InvalidationScope scope = ScopeOf(shootdown, calls);
            context.InvalidateLocally(shootdown, scope);
            if (calls)
            {
                _counters[RiscvSbiSpaceCounters.FirmwareCalls]++;
                _calls.Add(shootdown.Id, new FirmwareCall(shootdown, scope, targets));
                context.SetTimer(context.Now + protocol.EcallCycles, shootdown.Id);
                return;
            }

            Tell(shootdown, scope, targets);
        }

        public override void OnTimer(long argument)
        {
            _calls.Remove(argument, out FirmwareCall? call);
            Tell(call!.Shootdown, call.Scope, call.Targets);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core) => SharedRules.FinishWhenAcknowledged(context, shootdown);

        public override bool HasOthers(CoreId core)
        {
            int first = _mask.Next(0);
            return first >= 0 && (first != core.Value || _mask.Next(first + 1) >= 0);
        }

        public override LoadAnswer OnLoad(CoreId core)
        {
            _mask.Add(core.Value);
            _running.Add(core.Value);
            bool owes = _owing.Contains(core.Value);
            _owing.Remove(core.Value);
            if (Machine is not { } machine)
            {
                return new LoadAnswer(Flush: true);
            }

            _asid = machine.Asids.Load(core, _asid);
            return new LoadAnswer(AsidGenerations.AsidOf(_asid), machine.Asids.Generation, Flush: owes);
        }

        public override void OnLeave(CoreId core)
        {
            _running.Remove(core.Value);
            if (Machine is null)
            {
                // What the core holds goes with the switch (set_mm_noasid).
                _mask.Remove(core.Value);
            }
        }

        public override void OnLazy(CoreId core) => _running.Remove(core.Value);

        /// <summary>The other cores that are told now; those that need not be are left to owe it.</summary>
        private CoreMask TargetsOf(ShootdownRequest shootdown)
        {
            CoreMask targets = new(context.Machine.Cores);
            bool defers = protocol.Deferred && Machine is not null && !shootdown.IsBatched;
            for (int core = _mask.Next(0); core >= 0; core = _mask.Next(core + 1))
            {
                if (core == shootdown.Initiator.Value)
                {
                    continue;
                }

                if (defers && !_running.Contains(core))
                {
                    _counters[RiscvSbiSpaceCounters.Deferred]++;
                    _owing.Add(core);
                }
                else
                {
                    targets.Add(core);
                }
            }

            return targets;
        }

        private void Tell(ShootdownRequest shootdown, InvalidationScope scope, CoreMask targets)
        {
            for (int core = targets.Next(0); core >= 0; core = targets.Next(core + 1))
            {
                context.InvalidateByInterrupt(shootdown, new CoreId(core), scope);
            }

            SharedRules.FinishWhenAcknowledged(context, shootdown);
        }

        /// <summary>What is dropped (tlb_flush, local_flush_tlb_range_asid; sbi_tlb_request in the firmware).</summary>
        private InvalidationScope ScopeOf(ShootdownRequest shootdown, bool byFirmware)
        {
            DeadRange dead = shootdown.Dead;
            bool isLong = byFirmware
                ? dead.Bytes >> PageSizes.BaseShift > (ulong)protocol.FirmwarePages
                : dead.Pages > (ulong)protocol.Threshold;
            return new InvalidationScope(dead, isLong || shootdown.TablesFreed || shootdown.IsBatched);
        }

        /// <summary>A call of the firmware.</summary>
        private sealed record FirmwareCall(ShootdownRequest Shootdown, InvalidationScope Scope, CoreMask Targets);
    }
}
