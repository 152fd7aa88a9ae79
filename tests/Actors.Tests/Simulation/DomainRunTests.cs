using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

public sealed class DomainRunTests
{
    private const int FirstGroup = 2;
    private static readonly Delays Least = WorldParts.DelaysOf(TestWorlds.Scenario(1));
    private readonly DomainSchedule _schedule = new(cores: FirstGroup, groups: 1);

    [Fact]
    public void OnBegin_New_StartsTheCores()
    {
        DomainRun run = Run();
        Assert.Equal(DomainAction.Start, run.OnBegin().Action);
        Assert.Equal(0, run.Windows);
    }

    [Fact]
    public void OnLaneDone_OtherLanesAreAtWork_Waits()
    {
        DomainRun run = Run();
        run.OnBegin();
        Assert.Equal(DomainStep.Wait, run.OnPhaseOpened(lanes: 2));
        _schedule.SetOwn(0, 100);
        Assert.Equal(DomainStep.Wait, run.OnLaneDone());
        Assert.Equal(DomainAction.RunCores, run.OnLaneDone().Action);
    }

    [Fact]
    public void OnPhaseOpened_NobodyTakesPart_EndsThePhase()
    {
        DomainRun run = Run();
        run.OnBegin();
        _schedule.SetOwn(0, 100);
        _schedule.SetOwn(1, 100);
        Assert.Equal(new DomainStep(DomainAction.RunCores, 100, 100 + Least.WindowBound.Value), run.OnPhaseOpened(lanes: 0));
    }

    [Fact]
    public void CorePhase_AGroupHasSomethingDue_IsFollowedByTheMemoryPhase()
    {
        DomainRun run = Begun(core0: 100, core1: 100);
        long limit = 100 + Least.WindowBound.Value + Least.CoreToSpace.Value;
        _schedule.SetOwn(FirstGroup, limit - 1);
        Assert.Equal(new DomainStep(DomainAction.RunMemorySets, 100, limit), End(run));
        _schedule.SetOwn(FirstGroup, long.MaxValue);
        Assert.Equal(DomainAction.RunCores, End(run).Action);
        Assert.Equal(2, run.Windows);
    }

    [Fact]
    public void CorePhase_NoGroupHasAnythingDue_IsFollowedByTheNextWindow()
    {
        DomainRun run = Begun(core0: 100, core1: 100);
        _schedule.SetOwn(0, 5_000);
        _schedule.SetOwn(1, 5_000);
        _schedule.SetOwn(FirstGroup, 100 + Least.WindowBound.Value + Least.CoreToSpace.Value);
        Assert.Equal(DomainAction.RunCores, End(run).Action);
        Assert.Equal(2, run.Windows);
    }

    [Fact]
    public void CorePhase_ACoreAloneStopsEarly_EndsTheMemoryPhaseEarlier()
    {
        DomainRun run = Run();
        run.OnBegin();
        _schedule.SetOwn(0, 100);
        DomainStep cores = run.OnPhaseOpened(lanes: 0);
        Assert.True(cores.IsAlone);
        Assert.Equal(long.MaxValue, cores.Limit);

        _schedule.CoreEnd = 700;
        _schedule.SetOwn(FirstGroup, 700);
        run.OnPhaseOpened(lanes: 1);
        Assert.Equal(new DomainStep(DomainAction.RunMemorySets, 100, 700 + Least.CoreToSpace.Value), run.OnLaneDone());
    }

    [Fact]
    public void OpenWindow_NothingIsLeft_TakesInAndEndsComplete()
    {
        DomainRun run = Begun(core0: 100, core1: 100);
        _schedule.SetOwn(0, long.MaxValue);
        _schedule.SetOwn(1, long.MaxValue);
        Assert.Equal(DomainAction.TakeIn, End(run).Action);
        Assert.Equal(DomainAction.End, End(run).Action);
        Assert.True(run.IsComplete);
    }

    [Fact]
    public void OnStop_InAWindow_TakesInAtItsEnd()
    {
        DomainRun run = Begun(core0: 100, core1: 100);
        Assert.Equal(DomainStep.Wait, run.OnStop());
        Assert.Equal(DomainAction.TakeIn, End(run).Action);
        Assert.Equal(DomainAction.End, End(run).Action);
        Assert.False(run.IsComplete);
        Assert.Equal(1, run.Windows);
    }

    [Fact]
    public void OnPause_InAWindow_OpensTheNextOnResume()
    {
        DomainRun run = Begun(core0: 100, core1: 100);
        Assert.Equal(DomainStep.Wait, run.OnPause());
        Assert.Equal(DomainStep.Wait, End(run));
        Assert.Equal(1, run.Windows);
        Assert.Equal(DomainAction.RunCores, run.OnResume().Action);
        Assert.Equal(2, run.Windows);
    }

    [Fact]
    public void OnStop_Paused_TakesIn()
    {
        DomainRun run = Begun(core0: 100, core1: 100);
        run.OnPause();
        End(run);
        Assert.Equal(DomainAction.TakeIn, run.OnStop().Action);
    }

    [Fact]
    public void OnStop_BeforeTheBeginning_EndsAfterTheStart()
    {
        DomainRun run = Run();
        Assert.Equal(DomainStep.Wait, run.OnStop());
        run.OnBegin();
        _schedule.SetOwn(0, 100);
        Assert.Equal(DomainAction.TakeIn, End(run).Action);
        Assert.Equal(0, run.Windows);
    }

    [Fact]
    public void OnTurn_AnotherDomainHadTheLane_OpensTheWindow()
    {
        LaneTurns turns = new(windows: 2);
        List<string> called = [];
        DomainRun first = Run(turn: new DomainTurn(turns, () => called.Add("first")));
        DomainRun second = Run(turn: new DomainTurn(turns, () => called.Add("second")));
        first.OnBegin();
        second.OnBegin();
        _schedule.SetOwn(0, 100);
        Assert.Equal(DomainAction.RunCores, End(first).Action);
        Assert.Equal(DomainStep.Wait, End(second));

        int windows = 1;
        while (End(first).Action == DomainAction.RunCores)
        {
            windows++;
        }

        Assert.InRange(windows, 2, 3);
        Assert.Equal(["second"], called);
        Assert.Equal(DomainAction.RunCores, second.OnTurn().Action);
    }

    [Fact]
    public void OnTurn_TheDomainHasEnded_PassesTheTurnOn()
    {
        LaneTurns turns = new(windows: 2);
        List<string> called = [];
        DomainTurn other = new(turns, () => called.Add("other"));
        Assert.True(other.TryBegin());
        DomainRun run = Run(turn: new DomainTurn(turns, () => called.Add("run")));
        run.OnBegin();
        _schedule.SetOwn(0, 100);
        Assert.Equal(DomainStep.Wait, End(run));
        Assert.Equal(DomainAction.TakeIn, run.OnStop().Action);
        Assert.Equal(DomainAction.End, End(run).Action);
        other.End();
        Assert.Equal(["run"], called);
        Assert.False(other.TryBegin());
        Assert.Equal(DomainStep.Wait, run.OnTurn());
        Assert.Equal(["run", "other"], called);
    }

    [Fact]
    public void Windows_AfterTheFirst_AllocateNothing()
    {
        DomainRun run = Begun(core0: 100, core1: 100);
        long before = 0;
        for (int window = 1; window <= 2_000; window++)
        {
            // The first thousand windows warm the code up.
            before = window == 1_000 ? GC.GetAllocatedBytesForCurrentThread() : before;
            _schedule.SetOwn(0, window * 10_000);
            _schedule.SetOwn(1, window * 10_000);
            _schedule.SetOwn(FirstGroup, window * 10_000);
            run.OnPhaseOpened(lanes: 1);
            DomainStep step = run.OnLaneDone();
            while (step.Action == DomainAction.RunMemorySets)
            {
                _schedule.SetOwn(FirstGroup, long.MaxValue);
                step = run.OnPhaseOpened(lanes: 0);
            }
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(2_001, run.Windows);
    }

    /// <summary>The windows that the run asks for, carried out by hand, find what the sequential engine finds.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(30_000)]
    public void Steps_CarriedOutInOrder_GiveTheSequentialEnginesFingerprint(long until)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(
            4, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("b", 20, 60), TestWorlds.Toucher("c", 30, 9)) with
        { Until = until };
        using World world = new(scenario, check: true);
        bool completed = true;
        foreach (Domain domain in world.Domains)
        {
            completed &= new HandRun(world, domain).RunToTheEnd();
        }

        Assert.Equal(TestWorlds.Run(scenario).Fingerprint, ReportBuilder.Build(world, completed).Fingerprint);
    }

    /// <summary>One lane carries the phase out.</summary>
    private static DomainStep End(DomainRun run)
    {
        Assert.Equal(DomainStep.Wait, run.OnPhaseOpened(lanes: 1));
        return run.OnLaneDone();
    }

    private DomainRun Run(DomainTurn? turn = null) => new(_schedule, Least, Least.WindowBound.Value, long.MaxValue) { Turn = turn };

    /// <summary>A run whose first window is open.</summary>
    private DomainRun Begun(long core0, long core1)
    {
        DomainRun run = Run();
        run.OnBegin();
        _schedule.SetOwn(0, core0);
        _schedule.SetOwn(1, core1);
        Assert.Equal(DomainAction.RunCores, End(run).Action);
        return run;
    }

    /// <summary>Carries out the steps of a domain's run on the calling thread.</summary>
    private sealed class HandRun
    {
        private readonly Domain _domain;
        private readonly DomainSchedule _schedule;
        private readonly DomainRun _run;

        public HandRun(World world, Domain domain)
        {
            _domain = domain;
            _schedule = new DomainSchedule(domain.Cores.Count, domain.Groups.Count);
            long until = world.Scenario.Until == 0 ? long.MaxValue : world.Scenario.Until;
            _run = new DomainRun(_schedule, world.Delays, world.Delays.WindowBound.Value, until) { Checker = world.Checker };
        }

        public bool RunToTheEnd()
        {
            DomainStep step = _run.OnBegin();
            while (step.Action != DomainAction.End)
            {
                Carry(step);
                Publish();
                step = _run.OnPhaseOpened(lanes: 0);
            }

            return _run.IsComplete;
        }

        private void Carry(DomainStep step)
        {
            switch (step.Action)
            {
                case DomainAction.RunCores when step.IsAlone:
                    CoreModel alone = _domain.Cores.Single(core => core.NextTime < step.Limit);
                    _schedule.CoreEnd = alone.RunAlone(step.Limit).Value;
                    break;
                case DomainAction.RunCores:
                    foreach (CoreModel core in _domain.Cores.Where(core => core.NextTime < step.Limit))
                    {
                        core.Run(step.Limit);
                    }

                    break;
                case DomainAction.RunMemorySets:
                    foreach (SpaceGroup group in _domain.Groups.Where(group => group.NextDue < step.Limit))
                    {
                        group.Process(step.Start, step.Limit);
                    }

                    break;
                default:
                    break;
            }
        }

        private void Publish()
        {
            IEnumerable<Outbox> ofSpaces = _domain.Groups.SelectMany(group => group.Members).Select(space => space.Outbox);
            foreach (Outbox outbox in _domain.Cores.Select(core => core.Outbox).Concat(ofSpaces))
            {
                foreach (ref readonly SimMessage message in outbox.Messages)
                {
                    _domain.Route(message);
                }

                outbox.Clear();
            }

            for (int i = 0; i < _domain.Cores.Count; i++)
            {
                _schedule.SetOwn(i, _domain.Cores[i].NextTime.Value);
            }

            for (int i = 0; i < _domain.Groups.Count; i++)
            {
                _schedule.SetOwn(_domain.Cores.Count + i, _domain.Groups[i].NextDue.Value);
            }
        }
    }
}
