using Akka.Actor;
using VmSim.Core.Engine;

namespace VmSim.Actors.Simulation;

/// <summary>
/// Opens the windows of one domain, as its <see cref="DomainRun"/> says. Of a domain that several nodes share, it opens the windows of this
/// node's share, and trades envelopes with the others when it can do no more by itself.
/// </summary>
public sealed class DomainActor : UntypedActor
{
    private readonly DomainShare _share;
    private readonly DomainRoster _roster;
    private readonly DomainRun _run;
    private readonly PhaseExchange? _exchange;
    private readonly ProgressClock _progress = new();
    private readonly RunWatch? _watch;
    private bool _isLossTold;

    /// <summary>Plans the windows of a domain; its actors are created when this one starts.</summary>
    /// <param name="world">The run's world.</param>
    /// <param name="share">The part of the domain that lives here.</param>
    /// <param name="links">The ways to the other nodes that share the domain; null for a domain that lives on one node.</param>
    /// <param name="window">Length of a window in cycles, 1 to the bound.</param>
    /// <param name="lanes">Lanes of the run.</param>
    /// <param name="turns">The turns of the domain's lane; null for a domain that need not ask for one.</param>
    /// <param name="end">Where it ends at the latest, in cycles, if that is before the scenario's end.</param>
    /// <param name="measures">Whether it is told when its lanes lose more than they gain.</param>
    /// <param name="watch">Reads the domain for somebody who looks; null for nobody.</param>
    public DomainActor(
        World world,
        DomainShare share,
        IPeerLinks? links,
        long window,
        int lanes,
        LaneTurns? turns,
        long end,
        bool measures,
        RunWatch? watch)
    {
        IActorRef self = Self;
        _share = share;
        _watch = watch;
        _roster = new DomainRoster(world, share, lanes, self) { Gain = measures ? new LaneGain() : null };
        _exchange = share.Peers.Count > 0 ? new PhaseExchange(world, share, links!) : null;
        long until = Math.Min(end, world.Scenario.LatestEnd);
        _run = new DomainRun(_roster.Schedule, world.Delays, window, until)
        {
            Shared = _exchange is null ? null : new SharedWindows(world.Delays, window, until),
            Turn = turns is null ? null : new DomainTurn(turns, () => self.Tell(new DomainProtocol.TakeTurn(), ActorRefs.NoSender)),
            Checker = world.Checker,
            Domain = share.Domain.Index,
        };
    }

    /// <inheritdoc cref="DomainActor(World, DomainShare, IPeerLinks?, long, int, LaneTurns, long, bool, RunWatch)"/>
    public static Props Props(
        World world,
        DomainShare share,
        IPeerLinks? links,
        long window,
        int lanes,
        LaneTurns? turns,
        long end = long.MaxValue,
        bool measures = false,
        RunWatch? watch = null)
    {
        ArgumentNullException.ThrowIfNull(share);
        return Akka.Actor.Props.Create(() => new DomainActor(world, share, links, window, lanes, turns, end, measures, watch))
            .WithDispatcher(Lanes.Dispatcher(DomainRoster.HomeLane(share.Domain, lanes)));
    }

    /// <inheritdoc/>
    protected override void PreStart() => _roster.CreateActors(Context);

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(reason =>
    {
        Break(reason);
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case DomainProtocol.LaneDone done:
                _roster.EndLane(done.Lane);
                TellLoss();
                Perform(_run.OnLaneDone());
                break;
            case WindowProtocol.Deliver away:
                _exchange!.Collect(away.Messages);
                bool toCore = _roster.ForgetAway(away.Messages[0].Target);
                _run.OnSent(DomainSchedule.Earliest(away.Messages), toCore);
                break;
            case DomainProtocol.Envelope envelope:
                _exchange!.Receive(EnvelopeCodec.Decode(envelope.Bytes), envelope.Peer);
                Perform(EndExchange());
                break;
            case DomainProtocol.Begin:
                Perform(_run.OnBegin());
                break;
            case DomainProtocol.TakeTurn:
                Perform(_run.OnTurn());
                break;
            case DomainProtocol.Pause:
                Perform(_run.OnPause());
                break;
            case DomainProtocol.Resume:
                Perform(_run.OnResume());
                break;
            case DomainProtocol.Stop:
                Perform(_run.OnStop());
                break;
            case Terminated terminated:
                Break(new InvalidOperationException(
                    $"{terminated.ActorRef.Path.Name} of domain {_share.Domain.Index} stopped unexpectedly"));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void TellLoss()
    {
        if (!_isLossTold && _roster.Gain is { IsLoss: true })
        {
            _isLossTold = true;
            Context.Parent.Tell(new DomainProtocol.LanesLose(_share.Domain.Index));
        }
    }

    private void Perform(DomainStep step)
    {
        while (step.Action != DomainAction.Wait)
        {
            step = step.Action switch
            {
                DomainAction.Start => _run.OnPhaseOpened(_roster.StartCores()),
                DomainAction.RunCores => RunCores(step),
                DomainAction.RunMemorySets => _run.OnPhaseOpened(_roster.RunMemorySets(step.Start, step.Limit)),
                DomainAction.TakeIn => _run.OnPhaseOpened(_roster.TakeIn()),
                DomainAction.Exchange => BeginExchange(),
                _ => End(),
            };
        }
    }

    private DomainStep RunCores(in DomainStep step)
    {
        if (_progress.IsDue)
        {
            Context.Parent.Tell(new DomainProtocol.Progressed(_share.Domain.Index, step.Start, _share.Accesses));
            _watch?.Pass(_share, step.Start);
        }

        return _run.OnPhaseOpened(_roster.RunCores(step.Start, step.Limit, step.IsAlone));
    }

    private DomainStep BeginExchange()
    {
        _exchange!.Send(_run.Say(), _run.Reached, _run.AnnouncesStop);
        return EndExchange();
    }

    /// <summary>Ends the exchange under way once all envelopes are there. One of the next exchange may come early, and waits.</summary>
    private DomainStep EndExchange()
    {
        if (!_run.IsExchanging || !_exchange!.IsComplete)
        {
            return DomainStep.Wait;
        }

        IReadOnlyList<PhaseEnvelope> envelopes = _exchange.Take(_run.WindowStart);
        foreach (PhaseEnvelope envelope in envelopes)
        {
            _roster.Deliver(envelope.Messages);
        }

        return _run.OnExchanged(envelopes);
    }

    private DomainStep End()
    {
        _watch?.End(_share, _run.WindowStart, _run.IsComplete);
        Context.Parent.Tell(new DomainProtocol.Ended(_share.Domain.Index, _run.IsComplete, _run.Windows, _exchange?.Summary));
        return DomainStep.Wait;
    }

    private void Break(Exception reason) => Context.Parent.Tell(new DomainProtocol.Broken(_share.Domain.Index, reason));
}
