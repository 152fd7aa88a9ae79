using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <content>The space's halves: a set of cores for each page, or one for the space.</content>
public sealed partial class RadixVmProtocol
{
    private sealed class CoreTablesSpace(RadixVmProtocol protocol, ISpaceShootdownContext context) : SpaceShootdown
    {
        private readonly RadixVmCounters _counters = new();
        private readonly PageSets _pages = new(context.Machine.Cores);
        private readonly int[] _found = new int[context.Machine.Cores];
        private readonly int[] _gone = new int[context.Machine.Cores];

        /// <summary>Shootdowns for which cores have still to answer.</summary>
        private readonly SortedDictionary<long, Told> _open = [];

        public override CounterSet Counters => _counters;

        /// <summary>The sets of pages lie in the radix tree, beside the locks that the operation has.</summary>
        public override bool HasSharedLines => false;

        /// <summary>
        /// Tells the cores in the sets of the pages that died (page_map_cache::invalidate, shootdown::perform), and those that have been
        /// told of such a page and have not answered: in sv6 the operation would wait for the page's lock.
        /// </summary>
        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            DeadRange dead = shootdown.Dead;
            _pages.Take(dead, context, FirstTable, _found, _gone);
            CoreMask targets = new(context.Machine.Cores);
            for (int core = 0; core < _found.Length; core++)
            {
                if (_found[core] > 0)
                {
                    targets.Add(core);
                }
            }

            foreach (Told told in _open.Values)
            {
                if (told.Range.Overlaps(dead.Start, dead.End))
                {
                    targets.AddAll(told.Cores);
                }
            }

            InvalidationScope scope = new(dead, dead.IsWholeSpace);
            for (int core = targets.Next(0); core >= 0; core = targets.Next(core + 1))
            {
                // What the table has in place of what died was put there after the core had cleared it, in sv6's order.
                shootdown.Generation = scope.IsWholeSpace ? _gone[core] : _found[core];
                if (core == shootdown.Initiator.Value)
                {
                    context.InvalidateLocally(shootdown, scope);
                }
                else
                {
                    context.InvalidateByInterrupt(shootdown, new CoreId(core), scope);
                }
            }

            if (shootdown.PendingAcks > 0)
            {
                _open.Add(shootdown.Id, new Told(dead, targets));
                return;
            }

            context.Finish(shootdown);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            _open[shootdown.Id].Cores.Remove(core.Value);
            if (shootdown.PendingAcks == 0)
            {
                _open.Remove(shootdown.Id);
                context.Finish(shootdown);
            }
        }

        /// <summary>
        /// The core puts what it faulted on in its own table (page_map_cache::insert), whoever mapped the page. Table pages that its table
        /// needs cost what those of a space do.
        /// </summary>
        public override Cycles OnFault(CoreId core, VirtAddr page, AccessKind access, bool wasMapped, long word)
        {
            TableFill fill = context.FillTable(FirstTable + core.Value, page);
            if (fill.Size is not { } size)
            {
                return 0;
            }

            _pages.Add(page, size, core);
            _counters[RadixVmCounters.CoreTablePages] += fill.TablePages;
            bool isFill = wasMapped && fill.Written;
            _counters[RadixVmCounters.FillFaults] += isFill ? 1 : 0;
            return (fill.TablePages * context.Kernel.TablePageCycles) + (isFill ? protocol.FillCycles : 0);
        }

        public override bool HasOthers(CoreId core) => _pages.HasOthers(core);

        /// <summary>No list of the space's cores is written.</summary>
        public override bool Holds(CoreId core) => true;

        /// <summary>Without tags, or with too few, every load flushes (pgmap::switch_to).</summary>
        public override LoadAnswer OnLoad(CoreId core)
        {
            Asid tag = protocol.TagOf(context.Space, context.SpaceCount, context.TagCount);
            return new LoadAnswer(tag, Flush: tag == default, Table: FirstTable + core.Value);
        }

        /// <summary>What a shootdown is about, and who has not answered; the initiator is taken to answer last.</summary>
        private sealed record Told(DeadRange Range, CoreMask Cores);
    }

    private sealed class SharedTableSpace(RadixVmProtocol protocol, ISpaceShootdownContext context) : SpaceShootdown
    {
        private readonly RadixVmCounters _counters = new();

        /// <summary>Cores that run the space (cache_tracker::active_cores, cpu::tlb_cr3).</summary>
        private readonly CoreMask _active = new(context.Machine.Cores);

        public override CounterSet Counters => _counters;

        public override void Begin(ShootdownRequest shootdown)
        {
            ArgumentNullException.ThrowIfNull(shootdown);
            bool isAll = protocol.Scheme == "batched" || shootdown.Dead.Bytes >> PageSizes.BaseShift > TrackingPages;
            InvalidationScope scope = new(shootdown.Dead, isAll);
            context.InvalidateLocally(shootdown, scope);
            for (int core = _active.Next(0); core >= 0; core = _active.Next(core + 1))
            {
                if (core != shootdown.Initiator.Value)
                {
                    context.InvalidateByInterrupt(shootdown, new CoreId(core), scope);
                }
            }

            SharedRules.FinishWhenAcknowledged(context, shootdown);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core) => SharedRules.FinishWhenAcknowledged(context, shootdown);

        public override LoadAnswer OnLoad(CoreId core)
        {
            _active.Add(core.Value);
            return new LoadAnswer(Flush: true);
        }

        public override void OnLeave(CoreId core) => _active.Remove(core.Value);

        public override void OnLazy(CoreId core) => _active.Remove(core.Value);
    }
}
