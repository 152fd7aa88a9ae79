using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.State;

namespace VmSim.Core.Checking;

/// <summary>
/// Proves for one run that its shootdown protocol never lets a core use a dead translation, or shows how it did. It is written apart from
/// what it checks: it keeps its own copy of every page table and looks into every TLB. Of a protocol it asks one thing, how late it means
/// to be.
/// </summary>
public sealed class TranslationChecker
{
    private readonly CheckedWorld _world;
    private readonly SpaceChecker[] _spaces;
    private readonly CoreChecker[] _cores;
    private readonly List<Violation> _violations = [];

    [NotSaved]
    private readonly Lock _gate = new();

    /// <summary>Who hears of each access and operation; null for nobody, as in every run that only wants a verdict.</summary>
    [NotSaved]
    private IRunWatch? _watch;

    private volatile bool _violated;
    private long _longestStaleness;

    internal TranslationChecker(CheckedWorld world)
    {
        _world = world;
        AllowedStaleness = world.AllowedStaleness;
        if (world.Values)
        {
            foreach (MemoryPool pool in world.Pools)
            {
                ContentsOf(pool);
            }
        }

        ReleaseChecker[] releases =
            [.. world.Pools.Select(pool => new ReleaseChecker(this, pool, [.. world.CoresOf(pool)], world.Cores.Count,
                world.Delays.CoreToSpace.Value) { Host = Watching(pool) })];
        _spaces = [.. world.Spaces.Select(space => new SpaceChecker(this, space, releases[space.Pool.Index]))];
        _cores = [.. world.Cores.Select(core => new CoreChecker(this, core))];
        for (int i = 0; i < _spaces.Length; i++)
        {
            _spaces[i].Adopt();
            world.Spaces[i].Observer = _spaces[i];
        }
    }

    /// <summary>The longest window, in cycles.</summary>
    internal long WindowBound => _world.Delays.WindowBound.Value;

    /// <summary>How long after an operation returned its dead translations may be used by the protocol's design.</summary>
    public Cycles AllowedStaleness { get; }

    /// <summary>
    /// How long after its operation had returned a dead translation was last used, at most; 0 if none was. The same for any
    /// threads and windows.
    /// </summary>
    public Cycles LongestStaleness => Interlocked.Read(ref _longestStaleness);

    /// <summary>Whether a rule was broken.</summary>
    public bool Violated => _violated;

    /// <summary>The broken rules, earliest first.</summary>
    public IReadOnlyList<Violation> Violations
    {
        get
        {
            lock (_gate)
            {
                return [.. Violation.InOrder([_violations])];
            }
        }
    }

    /// <summary>
    /// Whether a rule was broken in a domain, which then stops at the end of the window. Other domains have nothing to do with it and run
    /// to their ends, so that what is found does not depend on which came first.
    /// </summary>
    public bool ViolatedIn(int domain)
    {
        if (!_violated)
        {
            return false;
        }

        lock (_gate)
        {
            return _violations.Exists(violation => DomainOf(violation.Space) == domain);
        }
    }

    /// <summary>
    /// Compares whole page tables with their areas and counts all frames anew; for the end of a run. Of a domain in which a rule was broken
    /// there is nothing to add.
    /// </summary>
    public void Finish() => Finish([.. _world.Pools.Select(pool => pool.Members[0].Group).Distinct()]);

    /// <summary>Does so for the groups that have run here.</summary>
    internal void Finish(IReadOnlyCollection<SpaceGroup> groups)
    {
        foreach (SpaceGroup group in groups.Where(group => !ViolatedIn(group.DomainIndex)))
        {
            foreach (MemoryPool pool in group.Pools)
            {
                Finish(pool, group);
            }
        }
    }

    /// <summary>Who watches the host of a pool's virtual machine from now on; null if the pool is not the memory of one.</summary>
    private HostChecker? Watching(MemoryPool pool)
    {
        if (pool.Guest is not { } guest)
        {
            return null;
        }

        AddressSpace first = pool.Members[0];
        HostChecker host = new(this, guest, first.Space, first.Name, [.. _world.CoresOf(pool)]);
        guest.Watch = host;
        return host;
    }

    private void Finish(MemoryPool pool, SpaceGroup group)
    {
        ICheckedCore[] cores = [.. _world.CoresOf(pool)];
        long now = cores.Select(core => core.Now.Value).DefaultIfEmpty(0).Max();
        foreach (AddressSpace space in pool.Members)
        {
            _spaces[space.Space.Value].CheckAgreement(now);
        }

        bool over = group.NextDue == Cycles.Never && group.DomainIndex >= 0 && cores.All(core => core.NextTime == Cycles.Never);
        if (FrameCount.Check(pool, over) is { Count: > 0 } problems)
        {
            string name = pool.Members[0].Name;
            TraceLines lines = problems.Aggregate(
                new TraceLines().Add(now, "the run is over, and the frames are counted"), (all, problem) => all.Add(now, problem));
            Report(new Violation(CheckRule.FramesLost, now, pool.Members[0].Space, $"{name}: {problems[0]}", lines.Lines));
        }
    }

    /// <summary>Who hears of each access and operation; null for nobody.</summary>
    internal IRunWatch? Watch => _watch;

    /// <summary>Somebody hears of each access and operation from now on.</summary>
    internal void WatchedBy(IRunWatch watch) => _watch = watch;

    internal SpaceChecker Space(int space) => _spaces[space];

    internal CoreChecker Core(CoreId core) => _cores[core.Value];

    /// <summary>Begins to keep what a pool's frames hold; files that are in memory already hold their pages.</summary>
    private static void ContentsOf(MemoryPool pool)
    {
        FrameContents contents = new(pool.Frames.Zero.PageNumber);
        pool.Frames.Contents = contents;
        foreach (MemoryObject file in pool.Cache.Files)
        {
            foreach (ulong page in file.PagesFrom(0))
            {
                if (file.TryGetFrame(page, out PhysAddr frame))
                {
                    contents.Read(frame, file, page);
                }
            }
        }
    }

    private int DomainOf(SpaceId space) => _world.Spaces[space.Value].Group.DomainIndex;

    internal int PoolOf(int space) => _world.Spaces[space].Pool.Index;

    internal string NameOf(ThreadId thread) => _world.ThreadNames[thread.Value];

    internal void Report(Violation violation)
    {
        lock (_gate)
        {
            _violations.Add(violation);
        }

        _violated = true;
    }

    /// <summary>
    /// A core used a dead translation as long after its operation had returned as its protocol allows; negative before it returned.
    /// </summary>
    internal void NoteStaleness(long cycles)
    {
        if (cycles <= Interlocked.Read(ref _longestStaleness))
        {
            return;
        }

        lock (_gate)
        {
            _longestStaleness = Math.Max(_longestStaleness, cycles);
        }
    }
}
