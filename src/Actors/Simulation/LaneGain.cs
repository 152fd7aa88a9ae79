using System.Diagnostics;

namespace VmSim.Actors.Simulation;

/// <summary>
/// Whether the lanes of a domain gain anything: what its phases take from their opening to their end, beside what all its lanes worked for
/// meanwhile, which is what one lane would have taken. Waking a thread on a busy machine takes longer than a window of a small world.
/// Nothing simulated depends on it.
/// </summary>
/// <param name="now">The time in ticks of any clock.</param>
internal sealed class LaneGain(Func<long> now)
{
    /// <summary>Phases after which it is judged first: some milliseconds, or tens of them where waking takes long.</summary>
    public const int FirstPhases = 64;

    /// <summary>Phases between later judgements.</summary>
    public const int LaterPhases = 1024;

    private int _phasesLeft = FirstPhases;
    private int _lanesPending;
    private long _opened;
    private long _taken;
    private long _worked;

    /// <summary>Measures by the host's clock.</summary>
    public LaneGain()
        : this(Stopwatch.GetTimestamp)
    {
    }

    /// <summary>Whether the phases judged last took longer than one lane would have.</summary>
    public bool IsLoss { get; private set; }

    /// <summary>A phase is about to be opened.</summary>
    public void BeginPhase() => _opened = now();

    /// <summary>It was opened.</summary>
    /// <param name="lanes">Lanes that take part in it.</param>
    public void Opened(int lanes) => _lanesPending = lanes;

    /// <summary>A lane has ended its part.</summary>
    /// <param name="worked">Ticks that it worked.</param>
    public void EndLane(long worked)
    {
        _worked += worked;
        if (--_lanesPending > 0)
        {
            return;
        }

        _taken += now() - _opened;
        if (--_phasesLeft == 0)
        {
            IsLoss = _taken > _worked;
            _phasesLeft = LaterPhases;
            _taken = 0;
            _worked = 0;
        }
    }
}
