using VmSim.Core.Addresses;
using VmSim.Core.Kernel;

namespace VmSim.Core.Engine;

/// <summary>
/// What a core did when, since counting began: slices that lie in the timeline's span, in the order of their ends. The first are kept up
/// to a bound, and the others counted.
/// </summary>
/// <param name="lists">The timeline's span, and its cores.</param>
/// <param name="cores">Cores of the machine.</param>
internal sealed class CoreTimeline(RunLists lists, int cores)
{
    /// <summary>Slices of all cores of a run at most, shared evenly: they take 160 MiB.</summary>
    public const int SlicesMax = 1 << 22;

    private static readonly ThreadId Nobody = new(-1);

    private readonly RunLists _lists = lists;
    private readonly int _most = SlicesMax / (int)Math.Min(cores, lists.TimelineCores?.Count ?? cores);
    private readonly List<CoreSlice> _slices = [];
    private ThreadId _thread = Nobody;
    private long _threadSince = -1;
    private long _switchSince = -1;
    private long _trapSince = -1;
    private CoreSliceKind _trap;

    /// <summary>Slices that were not kept.</summary>
    public long LeftOut { get; private set; }

    /// <summary>The slices.</summary>
    public CoreSlice[] Slices => [.. _slices];

    /// <summary>Another thread than before is chosen.</summary>
    public void BeginSwitch(ThreadId thread, long now)
    {
        _thread = thread;
        _switchSince = now;
    }

    /// <summary>The thread that was chosen goes on.</summary>
    public void BeginThread(long now)
    {
        if (_switchSince >= 0)
        {
            Add(CoreSliceKind.Switch, _switchSince, now);
            _switchSince = -1;
        }

        _threadSince = now;
    }

    /// <summary>The core and its thread enter the kernel.</summary>
    public void BeginTrap(TrapKind trap, long now)
    {
        _trapSince = now;
        _trap = trap switch
        {
            TrapKind.Fault or TrapKind.HostFault => CoreSliceKind.Fault,
            TrapKind.SystemCall => CoreSliceKind.Call,
            TrapKind.Order => CoreSliceKind.Order,
            TrapKind.Exit => CoreSliceKind.Exit,
            _ => CoreSliceKind.Synchronization,
        };
    }

    /// <summary>The core and its thread leave the kernel.</summary>
    public void EndTrap(long now)
    {
        if (_trapSince >= 0)
        {
            Add(_trap, _trapSince, now);
            _trapSince = -1;
        }
    }

    /// <summary>The thread leaves the core, in a trap or between two operations.</summary>
    public void EndThread(long now)
    {
        EndTrap(now);
        if (_threadSince >= 0)
        {
            Add(CoreSliceKind.Thread, _threadSince, now);
            _threadSince = -1;
        }

        _thread = Nobody;
    }

    /// <summary>Another core's invalidation was handled.</summary>
    public void Invalidation(SpaceId space, long shootdown, long began, long now) =>
        Add(new CoreSlice(began, now, CoreSliceKind.Invalidation, _thread, space, shootdown));

    /// <summary>A tick was handled.</summary>
    public void Tick(long began, long now)
    {
        if (now > began)
        {
            Add(CoreSliceKind.Tick, began, now);
        }
    }

    /// <summary>The run is over: what has begun ends.</summary>
    public void Finish(long now)
    {
        if (_switchSince >= 0)
        {
            Add(CoreSliceKind.Switch, _switchSince, now);
            _switchSince = -1;
        }

        EndThread(now);
    }

    /// <summary>Counting begins: what is over is forgotten.</summary>
    public void Reset()
    {
        _slices.Clear();
        LeftOut = 0;
    }

    private void Add(CoreSliceKind kind, long began, long now) => Add(new CoreSlice(began, now, kind, _thread, SpaceId.None, 0));

    private void Add(in CoreSlice slice)
    {
        if (!_lists.Shows(slice.Begin, slice.End))
        {
            return;
        }

        if (_slices.Count == _most)
        {
            LeftOut++;
            return;
        }

        _slices.Add(slice);
    }
}
