using VmSim.Core.Engine;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Memory;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <summary>
/// Address spaces that share memory: a process and the children it forks. They handle their messages in one merged order, with one frame pool
/// and one view of the page cache.
/// </summary>
public sealed class SpaceGroup
{
    private readonly World _world;
    private readonly MessageHeap _inbox = new();
    private readonly List<AddressSpace> _members = [];
    private bool _warm;

    internal SpaceGroup(World world, int index, FramePool frames, PageCache cache)
    {
        _world = world;
        Index = index;
        Frames = frames;
        Locks = new PoolLocks(world.Scenario.Machine, world.Scenario.Kernel);
        Cache = cache;
        _warm = world.Scenario.Warmup == 0;
    }

    /// <summary>Number of the group in the run.</summary>
    public int Index { get; }

    /// <summary>The spaces, by rising number.</summary>
    public IReadOnlyList<AddressSpace> Members => _members;

    /// <summary>Frames of all members.</summary>
    public FramePool Frames { get; }

    /// <summary>Locks of the pool.</summary>
    internal PoolLocks Locks { get; }

    /// <summary>File pages of all members.</summary>
    public PageCache Cache { get; }

    /// <summary>The domain it belongs to.</summary>
    internal Domain? Domain { get; set; }

    /// <summary>Number of the domain it belongs to.</summary>
    public int DomainIndex => Domain!.Index;

    /// <summary>Delivery time of the earliest message; <see cref="long.MaxValue"/> when none waits.</summary>
    public long NextDue => _inbox.NextDue;

    /// <summary>No core walks a page table of the group as of an earlier time than this, in cycles.</summary>
    internal long WindowStart { get; private set; }

    internal void Add(AddressSpace space) => _members.Add(space);

    /// <summary>Hands a message to the member it is for.</summary>
    public void Deliver(in SimMessage message) => _inbox.Push(message);

    /// <summary>Handles every message due before <paramref name="limit"/>, in order.</summary>
    /// <param name="windowStart">Start of the window whose messages these are; no core walks as of an earlier time any more.</param>
    /// <param name="limit">End of the memory phase, in cycles.</param>
    public void Process(long windowStart, long limit)
    {
        WindowStart = windowStart;
        while (_inbox.NextDue < limit)
        {
            SimMessage message = _inbox.Pop();
            if (!_warm && message.Due >= _world.Scenario.Warmup)
            {
                ResetCounters();
            }

            _world.Space(message.Space).Handle(message);
        }
    }

    private void ResetCounters()
    {
        _warm = true;
        foreach (AddressSpace member in _members)
        {
            member.Counters.Reset();
        }

        FramesAllocatedBefore = Frames.TotalAllocations;
        FramesFreedBefore = Frames.TotalFrees;
    }

    /// <summary>Frames allocated before counting began.</summary>
    internal long FramesAllocatedBefore { get; private set; }

    /// <summary>Frames freed before counting began.</summary>
    internal long FramesFreedBefore { get; private set; }
}
