using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Core.Tests.Checking;

/// <summary>Bugs of kernels that were published, or that protocols invite, as far as a protocol's part in them goes.</summary>
public enum ReportedBug
{
    /// <summary>A flush of everything stays on the initiator's core.</summary>
    FullFlushIsLocal,

    /// <summary>Cores flush another space's tag.</summary>
    WrongTag,

    /// <summary>A place is mapped anew while lazy invalidations of it are pending (latr).</summary>
    NoFlushBeforeMap,

    /// <summary>Unmapping a device's pages frees tables without a flush (Linux: CVE-2022-39188).</summary>
    NoFlushOfDevice,

    /// <summary>Pages move, their old place is not flushed, and their new one is given back (Linux: CVE-2018-18281).</summary>
    NoFlushOfMove,

    /// <summary>
    /// A second MADV_DONTNEED finds the pages gone and returns before the first one has flushed (Linux: commit 99baac21e458).
    /// </summary>
    NoFlushOfNested,

    /// <summary>Small pages become a huge one, and other cores keep the small ones.</summary>
    NoFlushOfCollapse,

    /// <summary>Cores acknowledge that tables are freed when they hear of it, and invalidate at their next switch.</summary>
    AcknowledgesFreedTablesFirst,

    /// <summary>A core that idled with a space goes on with it without comparing generations.</summary>
    LazyCoreGoesOn,

    /// <summary>A core that has come back to a space still counts as one that idles, and is not interrupted.</summary>
    StaleMaskBit,

    /// <summary>Tags come round and are given to another space without a flush.</summary>
    TagsRollOver,

    /// <summary>The flush for a batch that reclaim took forgets the highest core.</summary>
    BatchForgetsACore,
}

/// <summary>A protocol with a reported bug in it, built around a right one.</summary>
/// <param name="right">The right one.</param>
/// <param name="bug">The bug.</param>
internal sealed class ReportedProtocol(IShootdownProtocol right, ReportedBug bug) : ForwardingProtocol(right)
{
    public override SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) =>
        new Space(base.CreateSpaceHalf(new Context(context, bug)), context, bug);

    public override CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new Core(base.CreateCoreHalf(context), bug);

    private sealed class Space(SpaceShootdown right, ISpaceShootdownContext context, ReportedBug bug) : ForwardingSpace(right)
    {
        public override void Begin(ShootdownRequest shootdown)
        {
            // An operation that flushes for another one has nothing dead of its own.
            if (bug == ReportedBug.NoFlushOfNested && shootdown.DeadPages == 0)
            {
                context.Finish(shootdown);
                return;
            }

            base.Begin(shootdown);
        }

        public override bool FlushesBeforeMapping(VirtAddr start, VirtAddr end) =>
            bug != ReportedBug.NoFlushBeforeMap && base.FlushesBeforeMapping(start, end);

        public override LoadAnswer OnLoad(CoreId core)
        {
            LoadAnswer answer = base.OnLoad(core);
            if (bug == ReportedBug.StaleMaskBit)
            {
                base.OnLazy(core);
            }

            return answer;
        }
    }

    private sealed class Context(ISpaceShootdownContext right, ReportedBug bug) : ForwardingContext(right)
    {
        public override void InvalidateByInterrupt(ShootdownRequest shootdown, CoreId core, InvalidationScope scope)
        {
            bool isDropped = bug switch
            {
                ReportedBug.FullFlushIsLocal => scope.IsWholeSpace,
                ReportedBug.NoFlushOfDevice => true,
                ReportedBug.NoFlushOfMove or ReportedBug.NoFlushOfCollapse => !shootdown.IsDiscard,
                ReportedBug.BatchForgetsACore => shootdown.IsReclaim && core.Value == Machine.Cores - 1,
                _ => false,
            };
            if (!isDropped)
            {
                base.InvalidateByInterrupt(shootdown, core, scope);
            }
        }

        public override void InvalidateByMessage(
            ShootdownRequest shootdown, CoreId core, InvalidationScope scope, int kind, Cycles delay, bool awaited) =>
            InvalidateByInterrupt(shootdown, core, scope);
    }

    private sealed class Core(CoreShootdown right, ReportedBug bug) : ForwardingCore(right)
    {
        private readonly List<Invalidation> _late = [];
        private readonly Dictionary<SpaceId, Asid> _tags = [];

        public override bool ReloadAfterIdle => bug != ReportedBug.LazyCoreGoesOn && base.ReloadAfterIdle;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            if (bug == ReportedBug.AcknowledgesFreedTablesFirst && invalidation is { IsLocal: false, TablesFreed: true })
            {
                _late.Add(invalidation);
                return default;
            }

            return base.OnInvalidation(
                bug == ReportedBug.WrongTag && !invalidation.IsLocal
                    ? invalidation with { Space = new SpaceId(invalidation.Space.Value ^ 1) }
                    : invalidation);
        }

        public override Cycles OnSwitch()
        {
            Cycles cycles = base.OnSwitch();
            foreach (Invalidation invalidation in _late)
            {
                cycles += base.OnInvalidation(invalidation).Cycles;
            }

            _late.Clear();
            return cycles;
        }

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer)
        {
            if (bug != ReportedBug.TagsRollOver)
            {
                return base.OnLoaded(space, answer);
            }

            if (!_tags.TryGetValue(space, out Asid tag))
            {
                tag = new Asid((ushort)(1 + (_tags.Count % 2)));
                _tags.Add(space, tag);
            }

            return new LoadResult(tag, 0, Flushed: false);
        }
    }
}
