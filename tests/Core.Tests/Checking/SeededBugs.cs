using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;

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
}

/// <summary>A protocol with a bug in it, built around a right one.</summary>
/// <param name="right">The right one.</param>
/// <param name="bug">The bug.</param>
/// <param name="onShootdown">What is done when a shootdown begins, for bugs that are not the protocol's.</param>
internal sealed class BuggyProtocol(IShootdownProtocol right, SeededBug bug, Action? onShootdown = null) : IShootdownProtocol
{
    public string Name => right.Name;

    public string Summary => right.Summary;

    public long AllowedStaleness(MachineSpec machine, Core.Kernel.KernelProfile kernel) => right.AllowedStaleness(machine, kernel);

    public CoreEvents Watches => right.Watches;

    public bool FillsTablesOnDemand => right.FillsTablesOnDemand;

    public int Tables(MachineSpec machine) => right.Tables(machine);

    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, Core.Kernel.KernelProfile kernel) => right.Messages(machine, kernel);

    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context)
    {
        BuggyContext buggy = new(context, bug);
        return new BuggySpace(right.CreateSpaceHalf(buggy), buggy, bug, onShootdown);
    }

    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new BuggyCore(right.CreateCoreHalf(context), context, bug);

    private sealed class BuggySpace(SpaceShootdown right, BuggyContext context, SeededBug bug, Action? onShootdown) : SpaceShootdown
    {
        private readonly HashSet<long> _returned = [];

        public override void Begin(ShootdownRequest shootdown)
        {
            onShootdown?.Invoke();
            right.Begin(shootdown);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            if (bug != SeededBug.ReturnsAtFirstAck)
            {
                right.OnAck(shootdown, core);
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

        public override bool FlushesBeforeMapping(VirtAddr start, VirtAddr end) => right.FlushesBeforeMapping(start, end);

        public override LoadAnswer OnLoad(CoreId core) => bug == SeededBug.ForgetsGenerations ? right.OnLoad(core) with { Generation = 1 } : right.OnLoad(core);

        public override void OnLeave(CoreId core) => right.OnLeave(core);

        public override void OnLazy(CoreId core) => right.OnLazy(core);

        public override void OnTimer(long argument) => right.OnTimer(argument);

        public override void OnProtocol(CoreId core, in SimMessage message) => right.OnProtocol(core, message);

        public override long OnFault(CoreId core, VirtAddr page, AccessKind access, long word) => right.OnFault(core, page, access, word);

        public override void OnAccessed(CoreId core, VirtAddr address, PageFlags bits) => right.OnAccessed(core, address, bits);

        public override void OnTrapWord(CoreId core, long word) => right.OnTrapWord(core, word);

        public override long OnCopied(long entries) => right.OnCopied(entries);

        public override long ReturnWord(CoreId core) => right.ReturnWord(core);
    }

    private sealed class BuggyContext(ISpaceShootdownContext right, SeededBug bug) : ISpaceShootdownContext
    {
        public SpaceId Space => right.Space;

        public MachineSpec Machine => right.Machine;

        public Core.Kernel.KernelProfile Kernel => right.Kernel;

        public Delays Delays => right.Delays;

        public int SpaceCount => right.SpaceCount;

        public long Now => right.Now;

        private bool ReleasesEarly => bug is SeededBug.ReleasesAtOnce or SeededBug.ReleasesBeforeTheStoresAreVisible;

        public void SendInvalidation(ShootdownRequest shootdown, CoreId core, VirtAddr start, ulong pages, PageSize size)
        {
            if (bug is SeededBug.DropsOneInterrupt or SeededBug.DropsOneInterruptOfAProtect && core.Value == Machine.Cores - 1)
            {
                return;
            }

            bool shorter = bug == SeededBug.LeavesOutTheLastPage && pages > 1;
            right.SendInvalidation(shootdown, core, start, shorter ? pages - 1 : pages, size);
        }

        public void Tell(ShootdownRequest shootdown, CoreId core, int kind, long delay, VirtAddr start, ulong pages, PageSize size, bool awaited)
        {
            if (bug != SeededBug.DropsOneInterrupt || core.Value != Machine.Cores - 1)
            {
                right.Tell(shootdown, core, kind, delay, start, pages, size, awaited);
            }
        }

        public bool FillTable(int table, VirtAddr address) => right.FillTable(table, address);

        public void InvalidateLocally(ShootdownRequest shootdown, VirtAddr start, ulong pages, PageSize size)
        {
            if (bug != SeededBug.ForgetsTheInitiator)
            {
                right.InvalidateLocally(shootdown, start, pages, size);
            }

            if (ReleasesEarly)
            {
                right.FinishDeferringRelease(shootdown);
                right.ReleaseDeferred(shootdown);
            }
        }

        public void Finish(ShootdownRequest shootdown)
        {
            if (!ReleasesEarly)
            {
                right.Finish(shootdown);
            }
        }

        public void FinishDeferringRelease(ShootdownRequest shootdown)
        {
            right.FinishDeferringRelease(shootdown);
            if (bug == SeededBug.ReleasesDeferredAtOnce)
            {
                right.ReleaseDeferred(shootdown);
            }
        }

        public void ReleaseDeferred(ShootdownRequest shootdown)
        {
            if (bug is not (SeededBug.ReleasesDeferredAtOnce or SeededBug.NeverReleases))
            {
                right.ReleaseDeferred(shootdown);
            }
        }

        public void SetTimer(long at, long argument) => right.SetTimer(at, argument);

        public void SendProtocol(CoreId core, int kind, long delay, long a, long b, long c, long d) => right.SendProtocol(core, kind, delay, a, b, c, d);
    }

    private sealed class BuggyCore(CoreShootdown right, ICoreShootdownContext context, SeededBug bug) : CoreShootdown
    {
        public override bool TellsLazy => right.TellsLazy;

        public override bool ReloadAfterIdle => right.ReloadAfterIdle;

        public override long TickCycles => right.TickCycles;

        public override long OnTick() => bug == SeededBug.NeverSweeps ? 0 : right.OnTick();

        public override long OnSwitch() => bug == SeededBug.NeverSweeps ? 0 : right.OnSwitch();

        public override long OnProtocol(in SimMessage message) => right.OnProtocol(message);

        public override long OnDirect(in SimMessage message) => right.OnDirect(message);

        public override long OnReturnToUser() => right.OnReturnToUser();

        public override long OnWalk(in PageWalk walk) => right.OnWalk(walk);

        public override long OnFill(in TlbEntry entry) => right.OnFill(entry);

        public override long OnEvict(in TlbEntry entry) => right.OnEvict(entry);

        public override long TrapWord(SpaceId space) => right.TrapWord(space);

        public override void OnReturnWord(SpaceId space, long word) => right.OnReturnWord(space, word);

        public override InvalidationResult OnInvalidation(in SimMessage message)
        {
            if ((message.Flags & SimMessage.LocalFlag) != 0)
            {
                return right.OnInvalidation(message);
            }

            bool ignores = bug == SeededBug.AcknowledgesWithoutInvalidating
                || (bug == SeededBug.IgnoresFreedTables && (message.Flags & SimMessage.TablesFreedFlag) != 0);
            if (bug == SeededBug.AcknowledgesTwice)
            {
                Acknowledge(message, message.A);
            }
            else if (bug == SeededBug.AcknowledgesAnother)
            {
                Acknowledge(message, message.A + 1);
            }

            return ignores ? default : right.OnInvalidation(message);
        }

        public override LoadResult OnLoaded(SpaceId space, in SimMessage answer) =>
            bug == SeededBug.SharesTags ? new LoadResult(new Asid(1), 0, Flushed: false) : right.OnLoaded(space, answer);

        /// <summary>An acknowledgement too many, which arrives long after the right ones.</summary>
        private void Acknowledge(in SimMessage message, long shootdown) => ((CoreModel)context).Outbox.Add(new SimMessage
        {
            Kind = MessageKind.Ack,
            Due = context.Now + 20_000,
            Target = context.Machine.Cores + message.Space,
            Space = message.Space,
            A = shootdown,
        });
    }
}
