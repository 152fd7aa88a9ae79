using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Tests.Checking;

/// <summary>Bugs that a shootdown protocol can have.</summary>
public enum SeededBug
{
    /// <summary>No bug.</summary>
    None,

    /// <summary>The highest core is never told.</summary>
    DropsOneInterrupt,

    /// <summary>The operation returns at the first acknowledgement.</summary>
    ReturnsAtFirstAck,

    /// <summary>Cores acknowledge without invalidating.</summary>
    AcknowledgesWithoutInvalidating,

    /// <summary>A ranged invalidation leaves out its last page.</summary>
    LeavesOutTheLastPage,

    /// <summary>Memory is given back before the interrupts arrive.</summary>
    ReleasesAtOnce,

    /// <summary>The initiator's own core keeps its translations.</summary>
    ForgetsTheInitiator,

    /// <summary>What an operation that returned early freed is given back when it returns.</summary>
    ReleasesDeferredAtOnce,

    /// <summary>Cores never sweep at ticks and switches.</summary>
    NeverSweeps,
}

/// <summary>A protocol with a bug in it, built around a right one.</summary>
internal sealed class BuggyProtocol(IShootdownProtocol right, SeededBug bug) : IShootdownProtocol
{
    public string Name => right.Name;

    public string Summary => right.Summary;

    public long AllowedStaleness(Core.Machine.MachineSpec machine, Core.Kernel.KernelProfile kernel) => right.AllowedStaleness(machine, kernel);

    public CoreEvents Watches => right.Watches;

    public bool FillsTablesOnDemand => right.FillsTablesOnDemand;

    public int Tables(Core.Machine.MachineSpec machine) => right.Tables(machine);

    public IReadOnlyList<ProtocolMessage> Messages(Core.Machine.MachineSpec machine, Core.Kernel.KernelProfile kernel) => right.Messages(machine, kernel);

    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => right.CreateSpaceHalf(new BuggyContext(context, bug));

    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new BuggyCore(right.CreateCoreHalf(context), bug);

    private sealed class BuggyContext(ISpaceShootdownContext right, SeededBug bug) : ISpaceShootdownContext
    {
        public SpaceId Space => right.Space;

        public Core.Machine.MachineSpec Machine => right.Machine;

        public Core.Kernel.KernelProfile Kernel => right.Kernel;

        public Delays Delays => right.Delays;

        public int SpaceCount => right.SpaceCount;

        public long Now => right.Now;

        public void SendInvalidation(ShootdownRequest shootdown, CoreId core, VirtAddr start, ulong pages, PageSize size)
        {
            if (bug == SeededBug.DropsOneInterrupt && core.Value == Machine.Cores - 1)
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

            if (bug == SeededBug.ReleasesAtOnce)
            {
                right.FinishDeferringRelease(shootdown);
                right.ReleaseDeferred(shootdown);
            }
        }

        public void Finish(ShootdownRequest shootdown)
        {
            if (bug != SeededBug.ReleasesAtOnce)
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
            if (bug != SeededBug.ReleasesDeferredAtOnce)
            {
                right.ReleaseDeferred(shootdown);
            }
        }

        public void SetTimer(long at, long argument) => right.SetTimer(at, argument);

        public void SendProtocol(CoreId core, int kind, long delay, long a, long b, long c, long d) => right.SendProtocol(core, kind, delay, a, b, c, d);
    }

    private sealed class BuggyCore(CoreShootdown right, SeededBug bug) : CoreShootdown
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
            bool local = (message.Flags & SimMessage.LocalFlag) != 0;
            return bug == SeededBug.AcknowledgesWithoutInvalidating && !local ? default : right.OnInvalidation(message);
        }

        public override Asid? ReachableTag(SpaceId space, bool loaded) => right.ReachableTag(space, loaded);

        public override LoadResult OnLoaded(SpaceId space, in SimMessage answer) => right.OnLoaded(space, answer);
    }
}
