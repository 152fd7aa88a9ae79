using VmSim.Core.Addresses;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <content>The space's half: how many TLBI instructions, and who obeys them.</content>
public sealed partial class ArmTlbiProtocol
{
    /// <summary>TLBI instructions from which on the whole space is dropped, without ranges (MAX_DVM_OPS: PTRS_PER_PTE).</summary>
    private const ulong OperationsMax = 512;

    /// <summary>The highest scale of a range operation, and the highest number it has with one.</summary>
    private const int ScaleMax = 3;
    private const long NumberMax = 31;

    /// <summary>
    /// TLBI instructions for a range (__flush_tlb_range_op): from the largest scale down, as many pages as one operation takes, and a
    /// single page by itself.
    /// </summary>
    /// <param name="pages">Pages of 4 KiB.</param>
    /// <returns>-1 if the range is too long.</returns>
    internal static int RangeOperationsFor(ulong pages)
    {
        if (pages > (ulong)PagesOf(NumberMax, ScaleMax))
        {
            return -1;
        }

        int operations = 0;
        long left = (long)pages;
        for (int scale = ScaleMax; left > 0; scale--)
        {
            if (left == 1)
            {
                return operations + 1;
            }

            long number = (Math.Min(left, PagesOf(NumberMax, scale)) >> ((5 * scale) + 1)) - 1;
            if (number >= 0)
            {
                operations++;
                left -= PagesOf(number, scale);
            }
        }

        return operations;
    }

    /// <summary>Pages that a range operation covers (__TLBI_RANGE_PAGES).</summary>
    private static long PagesOf(long number, int scale) => (number + 1) << ((5 * scale) + 1);

    private sealed class SpaceHalf(ArmTlbiProtocol protocol, ISpaceShootdownContext context) : SpaceShootdown
    {
        private const int Nobody = -1;
        private const int Many = -2;
        private readonly ArmTlbiSpaceCounters _counters = new();
        private readonly Dictionary<long, ShootdownRequest> _syncing = [];

        /// <summary>Cores that have loaded the space since it has its ASID.</summary>
        private CoreMask _users = new(context.Machine.Cores);

        /// <summary>The only core that has ever loaded the space, or nobody, or many.</summary>
        private int _only = Nobody;

        /// <summary>The ASID with its generation; 0 before the first load.</summary>
        private long _asid;

        public override CounterSet Counters => _counters;

        private Domain Machine => (Domain)context.MachineHalf!;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            InvalidationScope scope = ScopeOf(shootdown, out long operations);
            if (protocol.Local && _only == shootdown.Initiator.Value)
            {
                // The number of instructions tells the core that they are its own.
                shootdown.Generation = operations;
                _counters[ArmTlbiSpaceCounters.LocalOperations] += operations;
                context.InvalidateLocally(shootdown, scope);
                context.Finish(shootdown);
                return;
            }

            context.InvalidateLocally(shootdown, scope);
            long entered = Enter(operations, out long waited);
            _counters[ArmTlbiSpaceCounters.Operations] += operations;
            _counters[ArmTlbiSpaceCounters.FabricWait] += waited;
            for (int core = _users.Next(0); core >= 0; core = _users.Next(core + 1))
            {
                if (core != shootdown.Initiator.Value)
                {
                    context.InvalidateByMessage(
                        shootdown, new CoreId(core), scope, Broadcast, entered + protocol.BroadcastCycles, awaited: false);
                }
            }

            Sync(shootdown, entered);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            // Nobody's acknowledgement is waited for: the DSB is over when the fabric says so.
        }

        public override void OnTimer(long argument)
        {
            _syncing.Remove(argument, out ShootdownRequest? shootdown);
            if (protocol.Repeat && shootdown!.Generation == 0)
            {
                shootdown.Generation = -1;
                _counters[ArmTlbiSpaceCounters.Operations]++;
                Sync(shootdown, Enter(1, out _));
                return;
            }

            context.Finish(shootdown!);
        }

        /// <summary>Cycles until the fabric takes the last of some operations on, and how many of them others had it.</summary>
        private long Enter(long operations, out long waited)
        {
            long all = operations * protocol.FabricCycles;
            waited = Machine.Pass(context.Now.Value, all) - all;
            return waited + all - protocol.FabricCycles;
        }

        /// <summary>There is no list of cores, whose cache line would move.</summary>
        public override bool Holds(CoreId core) => true;

        public override LoadAnswer OnLoad(CoreId core)
        {
            long before = _asid;
            _asid = Machine.Asids.Load(core, _asid);
            if (AsidGenerations.AsidOf(before) != AsidGenerations.AsidOf(_asid))
            {
                // What cores hold under another ASID goes at their next switch, before that one is used again.
                _users = new CoreMask(context.Machine.Cores);
            }

            _users.Add(core.Value);
            _only = _only == Nobody || _only == core.Value ? core.Value : Many;
            return new LoadAnswer(AsidGenerations.AsidOf(_asid), Machine.Asids.Generation);
        }

        private void Sync(ShootdownRequest shootdown, long passed)
        {
            _syncing.Add(shootdown.Id, shootdown);
            context.SetTimer(context.Now + passed + protocol.BroadcastCycles + protocol.SyncCycles, shootdown.Id);
        }

        /// <summary>
        /// What is dropped, and by how many instructions. What reclaim takes is named page by page at once, and waited for once
        /// (arch_tlbbatch_add_pending).
        /// </summary>
        private InvalidationScope ScopeOf(ShootdownRequest shootdown, out long operations)
        {
            DeadRange dead = shootdown.Dead;
            if (shootdown.IsReclaim && !dead.IsWholeSpace)
            {
                operations = Math.Max(1, shootdown.DeadPages);
                return new InvalidationScope(dead, IsWholeSpace: false);
            }

            operations = dead.IsWholeSpace ? -1
                : protocol.RangeOperations ? RangeOperationsFor(dead.Pages << ((int)dead.Stride - PageSizes.BaseShift))
                : dead.Pages < OperationsMax ? (long)dead.Pages : -1;
            bool isWholeSpace = operations < 0;
            operations = Math.Max(1, operations);
            return new InvalidationScope(dead, isWholeSpace);
        }
    }
}
