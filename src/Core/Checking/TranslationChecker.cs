using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Paging;

namespace VmSim.Core.Checking;

/// <summary>
/// Proves for one run that its shootdown protocol never lets a core use a dead translation, or shows how it did. It is written apart from what it checks:
/// it keeps its own copy of every page table and looks into every TLB.
/// </summary>
public sealed class TranslationChecker
{
    private readonly World _world;
    private readonly SpaceChecker[] _spaces;
    private readonly CoreChecker[] _cores;
    private readonly List<Violation> _violations = [];
    private readonly Lock _gate = new();
    private volatile bool _violated;
    private long _longestStaleness;

    internal TranslationChecker(World world)
    {
        _world = world;
        AllowedStaleness = world.Protocol.AllowedStaleness(world.Scenario.Machine, world.Scenario.Kernel);
        _spaces = [.. world.Spaces.Select(space => new SpaceChecker(this, space))];
        _cores = [.. world.Cores.Select(core => new CoreChecker(this, core.Core, core.Mmu))];
        foreach (SpaceChecker space in _spaces)
        {
            space.Adopt();
        }
    }

    /// <summary>The longest window, in cycles.</summary>
    internal long WindowBound => _world.Delays.WindowBound;

    /// <summary>How long after an operation returned its dead translations may be used by the protocol's design, in cycles.</summary>
    public long AllowedStaleness { get; }

    /// <summary>How long after its operation had returned a dead translation was last used, at most, in cycles; 0 if none was. The same for any threads and windows.</summary>
    public long LongestStaleness => Interlocked.Read(ref _longestStaleness);

    /// <summary>Whether a rule was broken; the run stops at the end of the window.</summary>
    public bool Violated => _violated;

    /// <summary>The broken rules, earliest first.</summary>
    public IReadOnlyList<Violation> Violations
    {
        get
        {
            lock (_gate)
            {
                return [.. _violations.OrderBy(violation => violation.Time).ThenBy(violation => violation.Rule).ThenBy(violation => violation.Message, StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Checks what can only be checked when nothing is in progress; for the end of a run.</summary>
    public void Finish()
    {
        long now = _world.Cores.Max(core => core.Now);
        foreach (SpaceChecker space in _spaces)
        {
            space.CheckAgreement(now);
        }

        foreach (SpaceGroup group in _world.Groups)
        {
            CheckFrames(group, now);
        }
    }

    internal SpaceChecker Space(int space) => _spaces[space];

    internal CoreChecker Core(CoreId core) => _cores[core.Value];

    internal void Report(Violation violation)
    {
        lock (_gate)
        {
            _violations.Add(violation);
        }

        _violated = true;
    }

    /// <summary>A core used a dead translation as long after its operation had returned as its protocol allows; negative before it returned.</summary>
    internal void NoteStaleness(long cycles)
    {
        if (cycles <= LongestStaleness)
        {
            return;
        }

        lock (_gate)
        {
            _longestStaleness = Math.Max(_longestStaleness, cycles);
        }
    }

    /// <summary>No core that could still use the space's entries holds a dead translation.</summary>
    internal void CheckUnreachable(AddressSpace space, List<(CoreModel Core, Asid Tag)> reachable, DeadPage dead, long now)
    {
        foreach ((CoreModel core, Asid tag) in reachable)
        {
            if (core.Mmu.MapsTo(tag, dead.Page << PageSizes.BaseShift, dead.Frame))
            {
                string message = $"{space.Name}: frame 0x{dead.Frame:x} is given back while core {core.Core} still maps page {VirtAddr.OfPage(dead.Page)} to it";
                Report(new Violation(CheckRule.EarlyRelease, now, space.Space, message, dead.Operation.Describe(now, message)));
                return;
            }
        }
    }

    /// <summary>No paging-structure cache points to a table page that is given back.</summary>
    internal void CheckTables(AddressSpace space, ReleaseBatch batch, long now)
    {
        if (batch.Tables.IsEmpty)
        {
            return;
        }

        foreach (CoreModel core in space.Group.Domain!.Cores)
        {
            if (core.ReachableTag(space.Space) is { } tag && core.Mmu.CachesTable(tag, batch.Tables.Pages))
            {
                string message = $"{space.Name}: a table page is given back while a paging-structure cache of core {core.Core} points to it";
                Report(new Violation(CheckRule.EarlyTableRelease, now, space.Space, message, [message]));
                return;
            }
        }
    }

    private void CheckFrames(SpaceGroup group, long now)
    {
        FramePool pool = group.Frames;
        if (pool.TotalAllocations - pool.TotalFrees != pool.Allocated)
        {
            string message = $"{pool.TotalAllocations} frames allocated, {pool.TotalFrees} freed, {pool.Allocated} in use";
            Report(new Violation(CheckRule.FramesLost, now, group.Members[0].Space, message, [message]));
        }
    }
}
