using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Reports;

namespace VmSim.Actors.Simulation;

/// <summary>
/// Reads the domains of a run for a viewer, each between two of its windows, and shows him the sum. What is read of a domain stands until
/// it is read again, over all pieces of the run.
/// </summary>
/// <param name="world">The run's world.</param>
/// <param name="viewer">Who looks.</param>
/// <param name="window">Length of a window in cycles.</param>
/// <param name="threads">Host threads that may simulate.</param>
public sealed class RunWatch(World world, IRunViewer viewer, long window, int threads)
{
    /// <summary>From one reading of a domain to the next, while somebody looks; pages ask every two seconds.</summary>
    private const long PeriodMilliseconds = 1000;

    private readonly Lock _gate = new();
    private readonly RunGlimpse?[] _glimpses = new RunGlimpse?[world.Domains.Count];
    private readonly long[] _nextOf = new long[world.Domains.Count];
    private readonly bool[] _over = new bool[world.Domains.Count];
    private int _seen;
    private long _next;

    /// <summary>Host threads that simulate the piece under way.</summary>
    public int Lanes { get; set; } = 1;

    /// <summary>Reads a domain that stands between two windows, if that is wanted.</summary>
    /// <param name="share">The domain.</param>
    /// <param name="start">Start of the window to come, in cycles.</param>
    internal void Pass(DomainShare share, long start)
    {
        if (viewer.IsLooking && Environment.TickCount64 >= _nextOf[share.Domain.Index])
        {
            Read(share, start, isOver: false);
        }
    }

    /// <summary>Reads a domain whose piece of the run has ended, since it is not read while others go on.</summary>
    /// <param name="share">The domain.</param>
    /// <param name="start">Start of its last window, in cycles.</param>
    /// <param name="isOver">Whether nothing comes behind this piece.</param>
    internal void End(DomainShare share, long start, bool isOver) => Read(share, start, isOver);

    private void Read(DomainShare share, long start, bool isOver)
    {
        int domain = share.Domain.Index;
        RunGlimpse glimpse = RunGlimpse.Of(world, share.Cores, share.Groups, isOver ? Cycles.Never : start);
        long now = Environment.TickCount64;
        _nextOf[domain] = now + PeriodMilliseconds;
        RunSight? sight = null;
        lock (_gate)
        {
            _seen += _glimpses[domain] is null ? 1 : 0;
            _next = _seen == 1 && _glimpses[domain] is null && _glimpses.Length > 1 ? now + PeriodMilliseconds : _next;
            _glimpses[domain] = glimpse;
            _over[domain] = isOver;
            if (viewer.IsLooking && (now >= _next || Array.TrueForAll(_over, over => over)))
            {
                _next = now + PeriodMilliseconds;
                sight = new RunSight(
                    RunGlimpse.Sum(world, _glimpses.OfType<RunGlimpse>()),
                    _glimpses.Length,
                    _seen,
                    window,
                    world.Delays.WindowBound.Value,
                    world.Delays.WindowBoundReason,
                    Lanes,
                    threads,
                    world.Scenario.Machine.Ghz);
            }
        }

        if (sight is not null)
        {
            viewer.Show(sight);
        }
    }
}
