using VmSim.Core.Addresses;
using VmSim.Core.Memory;

namespace VmSim.Testing.Models;

/// <summary>References to the frames of a pool, counted from everything that can reach them.</summary>
internal sealed class ReferenceCounts(FramePool pool)
{
    private readonly int[] _counts = new int[pool.Capacity + 1024];
    private readonly List<ulong> _frames = [];

    public void Clear()
    {
        foreach (ulong frame in _frames)
        {
            _counts[frame] = 0;
        }

        _frames.Clear();
    }

    public void Add(PhysAddr first, ulong count)
    {
        for (ulong frame = first.PageNumber; frame < first.PageNumber + count; frame++)
        {
            if (_counts[frame]++ == 0)
            {
                _frames.Add(frame);
            }
        }
    }

    /// <summary>The pool must know exactly these.</summary>
    public void Check()
    {
        Assert.Equal(_frames.Count, pool.Allocated);
        foreach (ulong frame in _frames)
        {
            int found = pool.References(PhysAddr.OfPage(frame));
            if (found != _counts[frame])
            {
                Assert.Fail($"frame {frame:x} has {found} references, {_counts[frame]} are reachable");
            }
        }
    }
}
