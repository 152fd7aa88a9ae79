using Akka.Actor;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// Opens the windows of one domain: first its cores run, then its memory sets, and so on until nothing is left to do. Of a domain that several nodes
/// share, it opens the windows of this node's share, and trades envelopes with the others at the end of each phase.
/// </summary>
public sealed class DomainActor : UntypedActor
{
    private readonly World _world;
    private readonly DomainShare _share;
    private readonly int _domain;
    private readonly DomainCrew _crew;
    private readonly PhaseExchange? _exchange;
    private readonly LaneTurns? _turns;
    private readonly long _window;
    private readonly long _until;
    private readonly ProgressClock _progress = new();
    private WindowPlan _plan;
    private DomainHorizon _horizon = DomainHorizon.Empty;
    private Phase _phase;
    private bool _exchanging;
    private Turn _turn;
    private int _turnWindows;
    private int _lanesPending;
    private long _windows;
    private bool _paused;
    private bool _stopAsked;
    private bool _stopping;

    /// <summary>Makes the actor of a domain.</summary>
    /// <param name="world">The run's world.</param>
    /// <param name="share">The part of the domain that lives here.</param>
    /// <param name="shards">The run's shard on each node, by node number; empty for a run in one process.</param>
    /// <param name="window">Length of a window in cycles, 1 to the bound.</param>
    /// <param name="lanes">Lanes of the run.</param>
    /// <param name="turns">Whom to ask for a turn on the lane; null for a domain that need not ask.</param>
    public DomainActor(World world, DomainShare share, IReadOnlyList<IActorRef> shards, long window, int lanes, LaneTurns? turns)
    {
        _world = world;
        _share = share;
        _domain = share.Domain.Index;
        _window = window;
        _turns = turns;
        _until = world.Scenario.Until == 0 ? long.MaxValue : world.Scenario.Until;
        _crew = new DomainCrew(world, share, lanes, Self);
        _exchange = share.Peers.Count > 0 ? new PhaseExchange(world, share, shards) : null;
    }

    private enum Phase
    {
        New,
        Idle,
        Cores,
        MemorySets,
        Settling,
        Ended,
    }

    private enum Turn
    {
        None,
        Asked,
        Taken,
    }

    /// <summary>How to make the actor of a domain.</summary>
    public static Props Props(World world, DomainShare share, IReadOnlyList<IActorRef> shards, long window, int lanes, LaneTurns? turns)
    {
        ArgumentNullException.ThrowIfNull(share);
        return Akka.Actor.Props.Create(() => new DomainActor(world, share, shards, window, lanes, turns))
            .WithDispatcher(Lanes.Dispatcher(DomainCrew.HomeLane(share.Domain, lanes)));
    }

    /// <inheritdoc/>
    protected override void PreStart() => _crew.Hire(Context);

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(reason =>
    {
        Context.Parent.Tell(new DomainProtocol.Broken(_domain, reason));
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case DomainProtocol.LaneDone:
                if (--_lanesPending == 0)
                {
                    EndPhase();
                }

                break;
            case CoreProtocol.Deliver away:
                _exchange!.Collect(away.Messages);
                break;
            case MemorySetProtocol.Deliver away:
                _exchange!.Collect(away.Messages);
                break;
            case DomainProtocol.Envelope envelope:
                _exchange!.Receive(EnvelopeCodec.Decode(envelope.Bytes));
                EndExchangeIfComplete();
                break;
            case DomainProtocol.Begin:
                RunCores(new CoreProtocol.RunWindow(0, Alone: false), everyone: true);
                break;
            case DomainProtocol.TakeTurn:
                BeginTurn();
                break;
            case DomainProtocol.Pause:
                _paused = true;
                break;
            case DomainProtocol.Resume when _paused:
                _paused = false;
                OpenWindowIfIdle();
                break;
            case DomainProtocol.Stop:
                _stopAsked = true;
                OpenWindowIfIdle();
                break;
            case Terminated terminated:
                Context.Parent.Tell(new DomainProtocol.Broken(
                    _domain, new InvalidOperationException($"{terminated.ActorRef.Path.Name} of domain {_domain} stopped unexpectedly")));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OpenWindowIfIdle()
    {
        if (_phase == Phase.Idle)
        {
            OpenWindow();
        }
    }

    private void OpenWindow()
    {
        if (_paused && !_stopAsked)
        {
            return;
        }

        _stopping |= _exchange is null && (_stopAsked || _world.Checker is { Violated: true });
        _plan = WindowPlan.Next(_horizon, _world.Delays, _window, _until);
        if (_plan.Finished || _stopping)
        {
            BeginPhase(Phase.Settling, _crew.MusterEveryone(), new DomainProtocol.Settle());
            return;
        }

        if (!HasTurn())
        {
            return;
        }

        _windows++;
        ReportProgress();
        RunCores(new CoreProtocol.RunWindow(_plan.CoreLimit, _plan.Alone >= 0), everyone: false);
    }

    /// <summary>Everyone here has taken in what was on its way, so that the models say all that is left to do.</summary>
    private void End()
    {
        _phase = Phase.Ended;
        if (_turn == Turn.Taken)
        {
            _turns!.Pass();
        }

        Context.Parent.Tell(new DomainProtocol.Ended(_domain, _plan.Finished, _windows, _exchange?.Summary));
    }

    /// <summary>Whether the domain may open a window now; if not, its turn will come.</summary>
    private bool HasTurn()
    {
        if (_turns is null)
        {
            return true;
        }

        if (_turn == Turn.Taken && _turnWindows-- == 0)
        {
            _turnWindows = _turns.Windows;
            if (_turns.IsWanted)
            {
                _turns.Pass();
                _turn = Turn.None;
            }
        }

        if (_turn == Turn.None)
        {
            _turnWindows = _turns.Windows;
            _turn = _turns.Ask(Self) ? Turn.Taken : Turn.Asked;
        }

        return _turn == Turn.Taken;
    }

    private void BeginTurn()
    {
        _turn = Turn.Taken;
        if (_phase == Phase.Ended)
        {
            _turns!.Pass();
            return;
        }

        OpenWindowIfIdle();
    }

    /// <summary>Opens the core phase for every core that has something to do before its end.</summary>
    private void RunCores(CoreProtocol.RunWindow window, bool everyone)
    {
        _crew.Board.Limits[0] = window.Limit;
        BeginPhase(Phase.Cores, _crew.MusterCores(everyone ? long.MaxValue : window.Limit, everyone), window);
    }

    /// <summary>Opens the memory phase for every memory set that has something due in it, or the next window if there is none anywhere.</summary>
    private void RunMemorySets()
    {
        long limit = _crew.Board.Limits[0] + _world.Delays.CoreToSpace;
        if (_horizon.Group < limit)
        {
            BeginPhase(Phase.MemorySets, _crew.MusterMemorySets(limit), new MemorySetProtocol.RunWindow(_plan.Start, limit));
            return;
        }

        _phase = Phase.Idle;
        OpenWindow();
    }

    private void BeginPhase(Phase phase, bool anyone, object window)
    {
        _phase = phase;
        _lanesPending = anyone ? _crew.Dispatch(window) : 0;
        if (_lanesPending == 0)
        {
            EndPhase();
        }
    }

    /// <summary>Everyone here has ended the phase.</summary>
    private void EndPhase()
    {
        if (_phase == Phase.Settling)
        {
            End();
            return;
        }

        if (_exchange is null)
        {
            GoOn(_crew.Horizon());
            return;
        }

        _exchange.Send(_crew.Horizon(), _crew.Board.Limits[0], _stopAsked);
        _crew.ForgetAway();
        _exchanging = true;
        EndExchangeIfComplete();
    }

    private void EndExchangeIfComplete()
    {
        if (!_exchanging || !_exchange!.IsComplete)
        {
            return;
        }

        _exchanging = false;
        PhaseEnvelope own = _exchange.Own!;
        DomainHorizon horizon = own.Horizon;
        long limit = own.Limit;
        _stopping |= own.Stopping;
        foreach (PhaseEnvelope envelope in _exchange.Take(_plan.Start))
        {
            horizon = horizon.Merge(envelope.Horizon);
            limit = Math.Min(limit, envelope.Limit);
            _stopping |= envelope.Stopping;
            _crew.Deliver(envelope.Messages);
        }

        _crew.Board.Limits[0] = limit;
        GoOn(horizon);
    }

    /// <summary>Goes on behind a phase that has ended everywhere.</summary>
    private void GoOn(in DomainHorizon horizon)
    {
        _horizon = horizon;
        if (_phase == Phase.Cores)
        {
            RunMemorySets();
            return;
        }

        _phase = Phase.Idle;
        OpenWindow();
    }

    private void ReportProgress()
    {
        if (_progress.IsDue)
        {
            long accesses = 0;
            foreach (CoreModel core in _share.Cores)
            {
                accesses += core.Counters.Accesses;
            }

            Context.Parent.Tell(new DomainProtocol.Progressed(_domain, _plan.Start, accesses));
        }
    }
}
