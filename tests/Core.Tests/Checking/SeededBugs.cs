using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Core.Tests.Checking;

/// <summary>Bugs that a protocol, a backend or the memory set can have.</summary>
public enum SeededBug
{
    /// <summary>The highest core is never told.</summary>
    DropsOneInterrupt,

    /// <summary>The operation returns at the first acknowledgement.</summary>
    ReturnsAtFirstAck,

    /// <summary>Cores acknowledge without invalidating.</summary>
    AcknowledgesWithoutInvalidating,

    /// <summary>A ranged invalidation leaves out its last page.</summary>
    LeavesOutTheLastPage,

    /// <summary>The initiator's own core keeps its translations.</summary>
    ForgetsTheInitiator,

    /// <summary>Cores never sweep at ticks and switches.</summary>
    NeverSweeps,

    /// <summary>The highest core is not told that rights were tightened.</summary>
    DropsOneInterruptOfAProtect,

    /// <summary>Two spaces get one tag on a core, and nothing is flushed between them.</summary>
    SharesTags,

    /// <summary>Memory is given back before the interrupts arrive.</summary>
    ReleasesAtOnce,

    /// <summary>Memory is given back before walks see that its translations are gone.</summary>
    ReleasesBeforeTheStoresAreVisible,

    /// <summary>What an operation that returned early freed is given back when it returns.</summary>
    ReleasesDeferredAtOnce,

    /// <summary>A core that takes a space up again is told an old generation, and flushes nothing.</summary>
    ForgetsGenerations,

    /// <summary>Cores acknowledge that table pages are freed, and keep their paging-structure caches.</summary>
    IgnoresFreedTables,

    /// <summary>A core acknowledges twice.</summary>
    AcknowledgesTwice,

    /// <summary>A core acknowledges a shootdown that it was sent no interrupt for.</summary>
    AcknowledgesAnother,

    /// <summary>A backend unmaps all but the last page of a range.</summary>
    LeavesAPageMapped,

    /// <summary>A backend gives a page more rights than its area has.</summary>
    MapsMoreRights,

    /// <summary>An area grows over the next one.</summary>
    AreasOverlap,

    /// <summary>A backend takes a frame and forgets it.</summary>
    LosesAFrame,

    /// <summary>What an operation that returned early freed is never given back.</summary>
    NeverReleases,

    /// <summary>Every space is given the same tag of the machine.</summary>
    GivesATagTwice,

    /// <summary>Cores that still use tags of their own are not interrupted when a space has one of the machine.</summary>
    ForgetsStragglers,

    /// <summary>When tags of the machine run out, they are given again, and nobody drops what is under them.</summary>
    RollsOverWithoutFlush,

    /// <summary>A new generation of ASIDs begins, and cores go on with what they hold.</summary>
    IgnoresNewGenerations,

    /// <summary>A core that takes a space up again is not told that its tag is stale.</summary>
    ForgetsStaleTags,

    /// <summary>An invalidation of leaves is taken for enough where table pages are freed.</summary>
    KeepsFreedTables,

    /// <summary>Cores are sent a range where table pages are freed, and what they invalidate by address is leaves alone.</summary>
    NamesPagesWhereTablesAreFreed,

    /// <summary>A core that runs another space is not interrupted, and nobody tells it when it takes the space up again.</summary>
    ForgetsWhatCoresOwe,

    /// <summary>The set of cores loses those that have left the space, although what they hold stays under its ASID.</summary>
    ForgetsCoresThatLeft,

    /// <summary>Cores acknowledge that table pages are freed when their handler begins, and invalidate after what they do next.</summary>
    AcknowledgesFreedTablesEarly,

    /// <summary>A page's set of cores never gets the highest core, although the page is in that core's table.</summary>
    ForgetsACoreOfThePage,

    /// <summary>A shootdown empties the sets of its pages, also of cores that have put a page back since it died.</summary>
    ForgetsFillsBehindAnUnmap,

    /// <summary>A core clears its page table and keeps what its TLB has of it.</summary>
    ClearsTheTableAlone,

    /// <summary>A page that was given to one core, and then to another, is taken for the first one's.</summary>
    KeepsTheFirstHolder,

    /// <summary>What a fault has put into the TLB of its core is taken for held by nobody else than who gives it up.</summary>
    ForgetsPrimedFills,

    /// <summary>Accessed bits are cleared, nobody flushes, and the pages are taken for cached by nobody.</summary>
    TakesColdPagesForUncached,

    /// <summary>Who holds a page is asked before the notices of walks that found it are there.</summary>
    AsksBeforeNoticesCome,

    /// <summary>A core that idles is given nothing to flush for what it was given when it ran.</summary>
    ForgetsHoldersThatIdle,

    /// <summary>A backend drops the pages whose rights change, and what they hold.</summary>
    ForgetsProtectedPages,

    /// <summary>Under page-table isolation, only the kernel's half of a pair of tags is invalidated.</summary>
    ForgetsTheUsersHalf,

    /// <summary>Under page-table isolation, a core returns to user mode and does not look what the user's half owes.</summary>
    ForgetsWhatTheUsersHalfOwes,

    /// <summary>Under page-table isolation, a space takes a tag over, and what is held under the user's is not flushed.</summary>
    TakesATagOverInHalf,
}

/// <summary>A protocol with a bug in it, built around a right one.</summary>
/// <param name="right">The right one.</param>
/// <param name="bug">The bug.</param>
internal sealed partial class BuggyProtocol(IShootdownProtocol right, SeededBug bug) : ForwardingProtocol(right)
{
    public override SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context)
    {
        BuggyContext buggy = new(context, bug);
        return new BuggySpace(base.CreateSpaceHalf(buggy), buggy, bug, (AddressSpace)context);
    }

    public override CoreShootdown CreateCoreHalf(ICoreShootdownContext context)
    {
        BuggyCoreContext buggy = new(context, bug);
        return new BuggyCore(base.CreateCoreHalf(buggy), context, buggy, bug);
    }

    private sealed class BuggySpace(SpaceShootdown right, BuggyContext context, SeededBug bug, AddressSpace space) : ForwardingSpace(right)
    {
        private readonly HashSet<long> _returned = [];

        public override void Begin(ShootdownRequest shootdown)
        {
            if (bug == SeededBug.AreasOverlap)
            {
                SeededAreas.Overlap(space.Memory!);
            }

            if (bug == SeededBug.TakesColdPagesForUncached && !shootdown.FreesMemory)
            {
                context.NoteFlushed(shootdown.Holders!.VisibleAt);
                context.Finish(shootdown);
                return;
            }

            base.Begin(shootdown);
        }

        public override Cycles OnPrimed(CoreId core, VirtAddr page)
        {
            context.FirstHolders.TryAdd(page.PageNumber, core);
            return base.OnPrimed(core, page);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            if (bug != SeededBug.ReturnsAtFirstAck)
            {
                base.OnAck(shootdown, core);
                return;
            }

            if (_returned.Add(shootdown.Id))
            {
                context.FinishDeferringRelease(shootdown);
            }

            if (shootdown.PendingAcks == 0)
            {
                context.ReleaseDeferred(shootdown);
            }
        }

        public override Cycles OnFault(CoreId core, VirtAddr page, AccessKind access, bool wasMapped, long word)
        {
            if (bug == SeededBug.ForgetsACoreOfThePage && core.Value == context.Machine.Cores - 1)
            {
                context.FillTable(1 + core.Value, page);
                return 0;
            }

            return base.OnFault(core, page, access, wasMapped, word);
        }

        public override void OnLeave(CoreId core)
        {
            context.Left.Add(core.Value);
            base.OnLeave(core);
        }

        public override LoadAnswer OnLoad(CoreId core)
        {
            context.Left.Remove(core.Value);
            LoadAnswer answer = base.OnLoad(core);
            return bug switch
            {
                SeededBug.ForgetsGenerations or SeededBug.IgnoresNewGenerations => answer with { Generation = 1 },
                SeededBug.ForgetsStaleTags or SeededBug.ForgetsWhatCoresOwe or SeededBug.ForgetsHoldersThatIdle =>
                    answer with { Flush = false },
                SeededBug.GivesATagTwice => answer with { Tag = new Asid(9) },
                _ => answer,
            };
        }
    }

    private sealed class BuggyContext(ISpaceShootdownContext right, SeededBug bug) : ForwardingContext(right)
    {
        /// <summary>Cores that the space has left.</summary>
        public HashSet<int> Left { get; } = [];

        /// <summary>The core that was given a page first, by number.</summary>
        public Dictionary<ulong, CoreId> FirstHolders { get; } = [];

        private bool ReleasesEarly => bug is SeededBug.ReleasesAtOnce or SeededBug.ReleasesBeforeTheStoresAreVisible;

        public override bool HoldsPage(int table, VirtAddr address) =>
            bug != SeededBug.ForgetsFillsBehindAnUnmap && base.HoldsPage(table, address);

        public override void InvalidateByInterrupt(ShootdownRequest shootdown, CoreId core, InvalidationScope scope)
        {
            if ((bug is SeededBug.DropsOneInterrupt or SeededBug.DropsOneInterruptOfAProtect && core.Value == Machine.Cores - 1)
                || (bug == SeededBug.ForgetsStragglers && shootdown.Generation < 0)
                || (bug == SeededBug.ForgetsCoresThatLeft && Left.Contains(core.Value)))
            {
                return;
            }

            if (bug == SeededBug.ForgetsPrimedFills && shootdown.Generation < 0)
            {
                return;
            }

            if (bug == SeededBug.KeepsTheFirstHolder && shootdown.Generation < 0)
            {
                core = FirstHolders[shootdown.Dead.Start.PageNumber];
                if (core == shootdown.Initiator)
                {
                    base.InvalidateLocally(shootdown, scope);
                    return;
                }
            }

            if (bug == SeededBug.NamesPagesWhereTablesAreFreed && shootdown.TablesFreed)
            {
                scope = scope with { IsWholeSpace = false };
            }

            DeadRange range = scope.Range;
            bool shorter = bug == SeededBug.LeavesOutTheLastPage && scope.Entries > 1;
            base.InvalidateByInterrupt(
                shootdown, core, shorter ? scope with { Range = new DeadRange(range.Start, range.Pages - 1, range.Stride) } : scope);
        }

        public override void InvalidateByMessage(
            ShootdownRequest shootdown, CoreId core, InvalidationScope scope, int kind, Cycles delay, bool awaited)
        {
            if (bug != SeededBug.DropsOneInterrupt || core.Value != Machine.Cores - 1)
            {
                base.InvalidateByMessage(shootdown, core, scope, kind, delay, awaited);
            }
        }

        public override void InvalidateLocally(ShootdownRequest shootdown, InvalidationScope scope)
        {
            if (bug != SeededBug.ForgetsTheInitiator)
            {
                base.InvalidateLocally(shootdown, scope);
            }

            if (ReleasesEarly)
            {
                base.FinishDeferringRelease(shootdown);
                base.ReleaseDeferred(shootdown);
            }
        }

        public override void SetTimer(Cycles at, long argument) =>
            base.SetTimer(bug == SeededBug.AsksBeforeNoticesCome ? Now : at, argument);

        public override void SendProtocol(CoreId core, Cycles delay, in ProtocolPayload payload)
        {
            if (bug != SeededBug.RollsOverWithoutFlush)
            {
                base.SendProtocol(core, delay, payload);
            }
        }

        public override void Finish(ShootdownRequest shootdown)
        {
            if (!ReleasesEarly)
            {
                base.Finish(shootdown);
            }
        }

        public override void FinishDeferringRelease(ShootdownRequest shootdown)
        {
            base.FinishDeferringRelease(shootdown);
            if (bug == SeededBug.ReleasesDeferredAtOnce)
            {
                base.ReleaseDeferred(shootdown);
            }
        }

        public override void ReleaseDeferred(ShootdownRequest shootdown)
        {
            if (bug is not (SeededBug.ReleasesDeferredAtOnce or SeededBug.NeverReleases))
            {
                base.ReleaseDeferred(shootdown);
            }
        }
    }
}
