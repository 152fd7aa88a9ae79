using Akka.Actor;
using VmSim.Core.Engine;

namespace VmSim.Actors.Simulation;

/// <summary>One run: owns its domains, passes on pause, resume and stop, and answers when all domains have ended or one broke.</summary>
/// <param name="world">The world, at time 0 or at the end of a window.</param>
/// <param name="window">Length of a window in cycles, 1 to the bound.</param>
/// <param name="lanes">Lanes of the actor system that the run may use.</param>
/// <param name="progress">Takes how far the run has come; null for a run that nobody watches.</param>
/// <param name="turnWindows">Windows of a domain's turn on its lane; see <see cref="LaneTurns"/>.</param>
/// <param name="end">Where it ends at the latest, in cycles, if that is before the scenario's end.</param>
/// <param name="mayStop">Whether it stops when a domain's lanes lose more than they gain.</param>
/// <param name="watch">Reads the domains for somebody who looks; null for nobody.</param>
public sealed class SimulationActor(
    World world, long window, int lanes, IProgress<RunProgress>? progress, int turnWindows, long end, bool mayStop, RunWatch? watch)
    : UntypedActor
{
    private readonly long[] _accesses = new long[world.Domains.Count];

    /// <summary>How far each domain has come, in cycles; they take turns, and a run has come as far as they have on average.</summary>
    private readonly double[] _reached =
        [.. world.Domains.Select(domain => domain.Cores.Select(core => (double)core.Now.Value).DefaultIfEmpty().Min())];
    private IActorRef _starter = ActorRefs.Nobody;
    private int _running;
    private bool _completed = true;
    private bool _failed;
    private bool _lanesLose;

    /// <summary>Whether a stop was asked for, perhaps before the start.</summary>
    private bool _stopAsked;
    private long _windows;

    /// <inheritdoc cref="SimulationActor"/>
    public static Props Props(
        World world,
        long window,
        int lanes,
        IProgress<RunProgress>? progress,
        int turnWindows = LaneTurns.DefaultWindows,
        long end = long.MaxValue,
        bool mayStop = false,
        RunWatch? watch = null) =>
        Akka.Actor.Props.Create(() => new SimulationActor(world, window, lanes, progress, turnWindows, end, mayStop, watch));

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(reason =>
    {
        Fail(reason);
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case SimulationProtocol.Start:
                _starter = Sender;
                Begin();
                break;
            case SimulationProtocol.Pause:
                TellDomains(new DomainProtocol.Pause());
                break;
            case SimulationProtocol.Resume:
                TellDomains(new DomainProtocol.Resume());
                break;
            case SimulationProtocol.Stop:
                _stopAsked = true;
                TellDomains(new DomainProtocol.Stop());
                break;
            case DomainProtocol.Progressed progressed:
                _accesses[progressed.Domain] = progressed.Accesses;
                _reached[progressed.Domain] = progressed.VirtualTime;
                progress?.Report(new RunProgress((long)_reached.Average(), _accesses.Sum()));
                break;
            case DomainProtocol.LanesLose:
                _lanesLose = true;
                TellDomains(new DomainProtocol.Stop());
                break;
            case DomainProtocol.Ended ended:
                End(ended);
                break;
            case DomainProtocol.Broken broken:
                Fail(broken.Reason);
                break;
            case Terminated terminated:
                Fail(new InvalidOperationException($"{terminated.ActorRef.Path.Name} stopped unexpectedly"));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Begin()
    {
        _running = world.Domains.Count;
        NodePlacement placement = new(world, 1, int.MaxValue);
        LaneTurns?[] turns = DomainRoster.TurnsOf(world, lanes, turnWindows);
        bool measures = mayStop && !DomainRoster.AreWhole(world, lanes);
        foreach (Domain domain in world.Domains)
        {
            LaneTurns? turn = turns[DomainRoster.HomeLane(domain, lanes)];
            Props props = DomainActor.Props(world, new DomainShare(domain, placement, 0), null, window, lanes, turn, end, measures, watch);
            IActorRef actor = Context.ActorOf(props, $"domain-{domain.Index}");
            Context.Watch(actor);
            actor.Tell(new DomainProtocol.Begin());
            if (_stopAsked)
            {
                actor.Tell(new DomainProtocol.Stop());
            }
        }
    }

    private void End(DomainProtocol.Ended ended)
    {
        _completed &= ended.Completed;
        _windows += ended.Windows;
        if (--_running == 0 && !_failed)
        {
            _starter.Tell(new SimulationProtocol.Finished(_completed, _windows, _lanesLose));
        }
    }

    private void Fail(Exception reason)
    {
        if (!_failed)
        {
            _failed = true;
            _starter.Tell(new SimulationProtocol.Failed(reason));
        }
    }

    private void TellDomains(object message)
    {
        foreach (IActorRef domain in Context.GetChildren())
        {
            domain.Tell(message);
        }
    }
}
