using Akka.Actor;
using VmSim.Core.Engine;

namespace VmSim.Actors.Simulation;

/// <summary>Opens the windows of one domain: first its cores run, then its memory sets, and so on until nothing is left to do.</summary>
public sealed class DomainActor : UntypedActor
{
    private readonly World _world;
    private readonly Domain _domain;
    private readonly DomainCrew _crew;
    private readonly long _window;
    private readonly long _until;
    private readonly ProgressClock _progress = new();
    private long[] _coreNext = [];
    private long[] _groupNext = [];
    private WindowPlan _plan;
    private Phase _phase = Phase.Idle;
    private int _lanesPending;
    private long _windows;
    private bool _paused;
    private bool _stopping;

    /// <summary>Makes the actor of a domain.</summary>
    /// <param name="world">The run's world.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="window">Length of a window in cycles, 1 to the bound.</param>
    /// <param name="lanes">Lanes of the run.</param>
    public DomainActor(World world, Domain domain, long window, int lanes)
    {
        _world = world;
        _domain = domain;
        _window = window;
        _until = world.Scenario.Until == 0 ? long.MaxValue : world.Scenario.Until;
        _crew = new DomainCrew(world, domain, lanes, Self);
    }

    private enum Phase
    {
        Idle,
        Cores,
        MemorySets,
    }

    /// <summary>How to make the actor of a domain.</summary>
    public static Props Props(World world, Domain domain, long window, int lanes) =>
        Akka.Actor.Props.Create(() => new DomainActor(world, domain, window, lanes)).WithDispatcher(Lanes.Dispatcher(DomainCrew.HomeLane(domain, lanes)));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _crew.Hire(Context);
        _coreNext = new long[_domain.Cores.Count];
        _groupNext = new long[_domain.Groups.Count];
    }

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(reason =>
    {
        Context.Parent.Tell(new DomainProtocol.Broken(_domain.Index, reason));
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case DomainProtocol.Begin:
                _plan = default;
                RunCores(new CoreProtocol.RunWindow(0, Alone: false), everyone: true);
                break;
            case DomainProtocol.LaneDone:
                if (--_lanesPending == 0)
                {
                    EndPhase();
                }

                break;
            case DomainProtocol.Pause:
                _paused = true;
                break;
            case DomainProtocol.Resume when _paused:
                _paused = false;
                if (_phase == Phase.Idle)
                {
                    OpenWindow();
                }

                break;
            case DomainProtocol.Stop:
                _stopping = true;
                if (_phase == Phase.Idle)
                {
                    OpenWindow();
                }

                break;
            case Terminated terminated:
                Context.Parent.Tell(new DomainProtocol.Broken(
                    _domain.Index, new InvalidOperationException($"{terminated.ActorRef.Path.Name} of domain {_domain.Index} stopped unexpectedly")));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void EndPhase()
    {
        if (_phase == Phase.MemorySets || !RunMemorySets())
        {
            _phase = Phase.Idle;
            OpenWindow();
        }
    }

    private void OpenWindow()
    {
        if (_paused && !_stopping)
        {
            return;
        }

        for (int i = 0; i < _coreNext.Length; i++)
        {
            _coreNext[i] = _crew.Board.Next(i);
        }

        for (int i = 0; i < _groupNext.Length; i++)
        {
            _groupNext[i] = _crew.Board.Next(_coreNext.Length + i);
        }

        _stopping |= _world.Checker is { Violated: true };
        _plan = WindowPlan.Next(_coreNext, _groupNext, _world.Delays, _window, _until);
        if (_plan.Finished || _stopping)
        {
            Context.Parent.Tell(new DomainProtocol.Ended(_domain.Index, _plan.Finished, _windows));
            return;
        }

        _windows++;
        ReportProgress();
        if (_plan.Start >= _plan.CoreLimit || !RunCores(new CoreProtocol.RunWindow(_plan.CoreLimit, _plan.Alone >= 0), everyone: false))
        {
            RunMemorySets();
        }
    }

    /// <summary>Opens the core phase for every core that has something to do before its end.</summary>
    /// <returns>Whether there was one.</returns>
    private bool RunCores(CoreProtocol.RunWindow window, bool everyone)
    {
        _phase = Phase.Cores;
        _crew.Board.Limits[0] = window.Limit;
        _crew.BeginMuster();
        for (int i = 0; i < _coreNext.Length; i++)
        {
            if (everyone || _coreNext[i] < window.Limit)
            {
                _crew.Muster(i);
            }
        }

        _lanesPending = _crew.Dispatch(window);
        return _lanesPending > 0;
    }

    /// <summary>Opens the memory phase for every memory set that has something due in it.</summary>
    /// <returns>Whether there was one.</returns>
    private bool RunMemorySets()
    {
        long limit = _crew.Board.Limits[0] + _world.Delays.CoreToSpace;
        _phase = Phase.MemorySets;
        _crew.BeginMuster();
        for (int i = 0; i < _groupNext.Length; i++)
        {
            if (_crew.Board.Next(_coreNext.Length + i) < limit)
            {
                _crew.Muster(_coreNext.Length + i);
            }
        }

        _lanesPending = _crew.Dispatch(new MemorySetProtocol.RunWindow(_plan.Start, limit));
        return _lanesPending > 0;
    }

    private void ReportProgress()
    {
        if (_progress.IsDue)
        {
            long accesses = 0;
            foreach (CoreModel core in _domain.Cores)
            {
                accesses += core.Counters.Accesses;
            }

            Context.Parent.Tell(new DomainProtocol.Progressed(_domain.Index, _plan.Start, accesses));
        }
    }
}
