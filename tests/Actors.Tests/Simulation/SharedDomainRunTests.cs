using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

/// <summary>The run of a domain that another node shares.</summary>
public sealed class SharedDomainRunTests
{
    private static readonly Delays Least = WorldParts.DelaysOf(TestWorlds.Scenario(1));
    private readonly DomainSchedule _schedule = new(cores: 2, groups: 1);

    [Fact]
    public void OnExchanged_AnotherNodeWorksLater_OpensWindowsUpToItsReach()
    {
        DomainRun run = Shared();
        _schedule.SetOwn(0, 100);
        _schedule.SetOwn(1, 100);
        Assert.Equal(DomainAction.Exchange, End(run).Action);
        Assert.True(run.IsExchanging);
        Assert.Equal(100, run.Say().Core.Value);
        DomainStep step = run.OnExchanged([Envelope(NodeHorizon.Empty with { Core = 9_000 })]);
        Assert.False(run.IsExchanging);
        Assert.Equal(new DomainStep(DomainAction.RunCores, 100, 100 + Least.WindowBound.Value), step);
        for (long time = 200; time < 9_000; time += Least.WindowBound.Value)
        {
            _schedule.SetOwn(0, time);
            _schedule.SetOwn(1, time);
            Assert.Equal(DomainAction.RunCores, End(run).Action);
        }

        _schedule.SetOwn(0, 9_000 + Least.WindowBound.Value);
        _schedule.SetOwn(1, 9_000 + Least.WindowBound.Value);
        Assert.Equal(DomainAction.Exchange, End(run).Action);
    }

    [Fact]
    public void OnStop_Shared_IsToldAtOnceAndEndsWhereTheForemostNodeIs()
    {
        DomainRun run = Shared();
        _schedule.SetOwn(0, 100);
        _schedule.SetOwn(1, 100);
        End(run);
        run.Say();
        Assert.False(run.AnnouncesStop);

        // The envelopes of this exchange have left without it: the node opens a window, and tells the others behind that.
        run.OnStop();
        Assert.Equal(DomainAction.Exchange, run.OnExchanged([Envelope(NodeHorizon.Empty)]).Action);
        Assert.True(run.AnnouncesStop);
        run.Say();
        Assert.Equal(
            new DomainStep(DomainAction.RunCores, 100, 700), run.OnExchanged([Envelope(NodeHorizon.Empty, limit: 700)]));
        _schedule.SetOwn(0, 700);
        _schedule.SetOwn(1, 700);
        Assert.Equal(DomainAction.Exchange, End(run).Action);
        run.Say();
        Assert.Equal(DomainAction.TakeIn, run.OnExchanged([Envelope(NodeHorizon.Empty, limit: 700)]).Action);
        Assert.False(run.IsComplete);
    }

    [Fact]
    public void OnExchanged_AnotherNodeStops_TakesInWhereThatOneIs()
    {
        DomainRun run = Shared();
        _schedule.SetOwn(0, 100);
        End(run);
        run.Say();
        PhaseEnvelope envelope = Envelope(NodeHorizon.Empty with { Core = 90 }, limit: 80) with { Stopping = true };
        Assert.Equal(DomainAction.TakeIn, run.OnExchanged([envelope]).Action);
        Assert.False(run.IsComplete);
    }

    [Fact]
    public void OnExchanged_NobodyHasAnythingToDo_TakesInComplete()
    {
        DomainRun run = Shared();
        End(run);
        run.Say();
        Assert.Equal(DomainAction.TakeIn, run.OnExchanged([Envelope(NodeHorizon.Empty)]).Action);
        Assert.True(run.IsComplete);
    }

    private static PhaseEnvelope Envelope(NodeHorizon horizon, long limit = 0) =>
        new() { Domain = 0, Node = 1, Exchange = 0, Limit = limit, Horizon = horizon };

    /// <summary>One lane carries the phase out.</summary>
    private static DomainStep End(DomainRun run)
    {
        Assert.Equal(DomainStep.Wait, run.OnPhaseOpened(lanes: 1));
        return run.OnLaneDone();
    }

    /// <summary>A run of a domain that another node shares, which has begun.</summary>
    private DomainRun Shared()
    {
        DomainRun run = new(_schedule, Least, Least.WindowBound.Value, long.MaxValue)
        {
            Shared = new SharedWindows(Least, Least.WindowBound.Value, long.MaxValue),
        };
        run.OnBegin();
        return run;
    }
}
