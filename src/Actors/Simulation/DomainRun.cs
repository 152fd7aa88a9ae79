using System.Diagnostics;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>What a domain's actor has to do next.</summary>
internal enum DomainAction
{
    /// <summary>Nothing, until something happens.</summary>
    Wait,

    /// <summary>Let every core begin, at time 0.</summary>
    Start,

    /// <summary>Open the core phase of a window.</summary>
    RunCores,

    /// <summary>Open the memory phase of a window.</summary>
    RunMemorySets,

    /// <summary>Trade envelopes with the other nodes of the domain.</summary>
    Exchange,

    /// <summary>Have all take in what is on its way.</summary>
    TakeIn,

    /// <summary>Say that the domain has ended.</summary>
    End,
}

/// <summary>What a domain's actor has to do next, and for which window.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Start">Start of the window, in cycles.</param>
/// <param name="Limit">Where the phase ends, in cycles.</param>
/// <param name="IsAlone">Whether only one core can do anything before then.</param>
internal readonly record struct DomainStep(DomainAction Action, long Start = 0, long Limit = 0, bool IsAlone = false)
{
    /// <summary>Nothing to do until something happens.</summary>
    public static DomainStep Wait => default;
}

/// <summary>
/// The windows of one domain: cores run first, then memory sets, and so on until nothing is left to do. It is told what happens and says
/// what to do next; it sends nothing itself. Of a domain that several nodes share it is this node's view: it opens windows of its own as
/// far as nobody elsewhere can reach it (<see cref="SharedWindows"/>), and then asks for an exchange.
/// </summary>
/// <param name="schedule">When cores and groups have something to do.</param>
/// <param name="delays">The run's least delays.</param>
/// <param name="window">Length of a window in cycles, 1 to the bound.</param>
/// <param name="until">End of the run in cycles; <see cref="long.MaxValue"/> for none.</param>
internal sealed class DomainRun(DomainSchedule schedule, Delays delays, long window, long until)
{
    private NodeHorizon _said;
    private Phase _phase;
    private int _lanesPending;
    private bool _paused;
    private bool _stopAsked;
    private bool _stopping;

    private enum Phase
    {
        New,
        Idle,
        Cores,
        MemorySets,
        Exchanging,
        TakingIn,
        Ended,
    }

    /// <summary>The windows of this node's share of a domain that other nodes share; null if none does.</summary>
    public SharedWindows? Shared { get; init; }

    /// <summary>The domain's turns on its lane; null for a domain that has the lane to itself.</summary>
    public DomainTurn? Turn { get; init; }

    /// <summary>The checker that ends the domain's run when it has found a violation there; null for none.</summary>
    public TranslationChecker? Checker { get; init; }

    /// <summary>The domain's number.</summary>
    public int Domain { get; init; }

    /// <summary>Windows opened.</summary>
    public long Windows { get; private set; }

    /// <summary>Start of the last window, in cycles.</summary>
    public long WindowStart { get; private set; }

    /// <summary>Whether the domain came to its end and was not stopped.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Where the node's last core phase ended, in cycles.</summary>
    public long Reached { get; private set; }

    /// <summary>When cores and groups have something to do, as of the end of the last phase.</summary>
    public DomainHorizon Horizon { get; private set; } = DomainHorizon.Empty;

    /// <summary>Whether an exchange is under way.</summary>
    public bool IsExchanging { get; private set; }

    /// <summary>Whether this node tells the others in the exchange under way that it was asked to stop.</summary>
    public bool AnnouncesStop { get; private set; }

    /// <summary>The domain begins.</summary>
    public DomainStep OnBegin()
    {
        _phase = Phase.Cores;
        schedule.CoreEnd = 0;
        return new DomainStep(DomainAction.Start);
    }

    /// <summary>A phase was opened.</summary>
    /// <param name="lanes">Lanes on which somebody takes part.</param>
    public DomainStep OnPhaseOpened(int lanes)
    {
        _lanesPending = lanes;
        return lanes == 0 ? EndPhase() : DomainStep.Wait;
    }

    /// <summary>All actors of one lane have ended their part of the phase.</summary>
    public DomainStep OnLaneDone()
    {
        Debug.Assert(
            _lanesPending > 0 && _phase is Phase.Cores or Phase.MemorySets or Phase.TakingIn,
            "a lane is done in a phase that it takes part in");
        return --_lanesPending == 0 ? EndPhase() : DomainStep.Wait;
    }

    /// <summary>A message leaves for another node.</summary>
    /// <param name="due">When it is there, in cycles.</param>
    /// <param name="toCore">Whether it goes to a core, not to a group.</param>
    public void OnSent(long due, bool toCore) => Shared!.OnSent(due, toCore);

    /// <summary>What this node says in the exchange that it asked for.</summary>
    public NodeHorizon Say() => _said = Shared!.Say(Horizon);

    /// <summary>The envelopes of all other nodes have come, and their messages were handed on.</summary>
    /// <param name="envelopes">The envelopes.</param>
    public DomainStep OnExchanged(IReadOnlyList<PhaseEnvelope> envelopes)
    {
        IsExchanging = false;
        Shared!.OnExchanged(_said, envelopes);
        if (Shared.IsFinished)
        {
            IsComplete = !_stopping;
            return TakeIn();
        }

        // A node that stopped by itself would leave the others waiting for its envelopes. All learn of it in the same exchange, and run on
        // to where the foremost of them is.
        if (!_stopping && (AnnouncesStop || envelopes.Any(envelope => envelope.Stopping)))
        {
            _stopping = true;
            Shared.EndAt(Math.Max(Reached, envelopes.Max(envelope => envelope.Limit)));
            Shared.OnExchanged(_said, envelopes);
            if (Shared.IsFinished)
            {
                return TakeIn();
            }
        }

        Horizon = schedule.ReadHorizon();
        return OpenShared();
    }

    /// <summary>It is the domain's turn on its lane.</summary>
    public DomainStep OnTurn()
    {
        Turn!.Begin();
        if (_phase == Phase.Ended)
        {
            Turn.End();
            return DomainStep.Wait;
        }

        return OpenWindowIfIdle();
    }

    /// <summary>Open no further window until <see cref="OnResume"/>.</summary>
    public DomainStep OnPause()
    {
        _paused = true;
        return DomainStep.Wait;
    }

    /// <summary>Go on after <see cref="OnPause"/>.</summary>
    public DomainStep OnResume()
    {
        _paused = false;
        return OpenWindowIfIdle();
    }

    /// <summary>Stop at the end of the window, also when paused.</summary>
    public DomainStep OnStop()
    {
        _stopAsked = true;
        return OpenWindowIfIdle();
    }

    private DomainStep EndPhase()
    {
        if (_phase == Phase.TakingIn)
        {
            _phase = Phase.Ended;
            Turn?.End();
            return new DomainStep(DomainAction.End);
        }

        Horizon = schedule.ReadHorizon();
        Reached = Math.Max(Reached, schedule.CoreEnd);
        return Shared is null ? GoOn() : OpenShared();
    }

    /// <summary>Goes on behind a phase of a domain that lives here wholly.</summary>
    private DomainStep GoOn()
    {
        // Memory sets run behind the cores, and a least delay from core to space beyond them: only then is it certain that no core can
        // still send a message that comes before one of theirs. The plain loop of SequentialEngine has the same order.
        long limit = schedule.CoreEnd + delays.CoreToSpace.Value;
        if (_phase == Phase.Cores && Horizon.Group.Value < limit)
        {
            _phase = Phase.MemorySets;
            return new DomainStep(DomainAction.RunMemorySets, WindowStart, limit);
        }

        _phase = Phase.Idle;
        return OpenWindow();
    }

    private DomainStep OpenWindowIfIdle() => _phase != Phase.Idle ? DomainStep.Wait : Shared is null ? OpenWindow() : OpenShared();

    /// <summary>Goes on with a domain that other nodes share.</summary>
    private DomainStep OpenShared()
    {
        _phase = Phase.Idle;
        if (_paused && !_stopAsked)
        {
            return DomainStep.Wait;
        }

        // A stop is told at once: the others may be waiting for this node, and it might have much to do without them.
        DomainStep step = _stopAsked && !AnnouncesStop ? new DomainStep(DomainAction.Exchange) : Shared!.Next(Horizon);
        switch (step.Action)
        {
            case DomainAction.Exchange:
                IsExchanging = true;
                AnnouncesStop = _stopAsked;
                _phase = Phase.Exchanging;
                break;
            case DomainAction.RunCores:
                Windows++;
                _phase = Phase.Cores;
                WindowStart = step.Start;
                schedule.CoreEnd = step.Limit;
                break;
            default:
                _phase = Phase.MemorySets;
                WindowStart = step.Start;
                break;
        }

        return step;
    }

    private DomainStep OpenWindow()
    {
        if (_paused && !_stopAsked)
        {
            return DomainStep.Wait;
        }

        _stopping |= _stopAsked || Checker?.ViolatedIn(Domain) is true;
        WindowPlan plan = WindowPlan.Next(Horizon, delays, window, until);
        WindowStart = plan.Start.Value;
        IsComplete = plan.Finished;
        if (plan.Finished || _stopping)
        {
            return TakeIn();
        }

        if (Turn is { } turn && !turn.TryBegin())
        {
            return DomainStep.Wait;
        }

        Windows++;
        _phase = Phase.Cores;
        schedule.CoreEnd = plan.CoreLimit.Value;
        return new DomainStep(DomainAction.RunCores, plan.Start.Value, plan.CoreLimit.Value, plan.Alone >= 0);
    }

    /// <summary>What is on its way is no work any more, but the models are asked what they still wait for.</summary>
    private DomainStep TakeIn()
    {
        _phase = Phase.TakingIn;
        return new DomainStep(DomainAction.TakeIn);
    }
}
