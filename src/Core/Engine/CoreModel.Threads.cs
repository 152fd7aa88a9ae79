using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <content>Which thread the core runs.</content>
public sealed partial class CoreModel
{
    /// <summary>
    /// A thread is runnable in its trap. A core that runs none is interrupted for it, which costs what entry and exit of any interrupt do.
    /// </summary>
    private void HandleResume(in TrapResumption resumption)
    {
        SimThread thread = _world.Threads[resumption.Thread.Value];
        thread.Resumes = resumption.Operation;
        if (State is CoreState.Idle or CoreState.Awaiting)
        {
            Counters[CoreCounters.RescheduleInterrupts]++;
            Cycles[CoreCycles.Interrupt] += Kernel.HandlerCycles;
            _clock += Kernel.HandlerCycles;
        }

        MakeReady(thread);
        if (State == CoreState.Trapped && !ReferenceEquals(thread, _thread))
        {
            SendResched();
        }
    }

    /// <summary>
    /// A thread that was woken in the kernel is due while another one is in its trap: if that one spins, it leaves (wakeup_preempt,
    /// kernel/sched/core.c). Its space hears of that behind the trap.
    /// </summary>
    private void SendResched() => Send(
        SimMessage.Of(new NeedResched(_thread!.Id)), _thread.Space, Math.Max(_clock + _delays.Notice.Value, _trapDue));

    private void MakeReady(SimThread thread)
    {
        _ready.Enqueue(thread);
        if (State is CoreState.Idle or CoreState.Awaiting)
        {
            PickNext();
        }
    }

    private void BeginThread()
    {
        State = CoreState.Running;
        if (_thread!.Sampling is { } sampling)
        {
            // While the core had no thread of the space, it did not hear of everything that died.
            _mapped!.Forget();
            sampling.Forget();
        }

        if (_thread.Trap == TrapKind.None)
        {
            long cycles = SwitchOut();
            _clock += cycles;
            Cycles[CoreCycles.Switch] += cycles;
        }

        _timeline?.BeginThread(_clock);
        LeaveKernel();
        if (!_entersUser)
        {
            TellTags();
        }

        _sliceEnd = _clock + Kernel.TimeSliceCycles;
        if (_thread.Started < 0)
        {
            _thread.Started = _clock;
        }

        if (_thread.Resumes > 0)
        {
            SendResumption(_thread);
        }

        if (_thread.Trap != TrapKind.None)
        {
            State = CoreState.Trapped;
            _timeline?.BeginTrap(_thread.Trap, _clock);
        }
    }

    private void SendResumption(SimThread thread)
    {
        TrapResumption resumption = new(thread.Id, thread.Resumes);
        thread.Resumes = 0;
        Send(SimMessage.OfDone(resumption), thread.Space, _clock + _delays.Notice.Value);
    }

    /// <summary>Takes the next runnable thread, or idles.</summary>
    private void PickNext()
    {
        _thread = null;
        _timeline?.EndThread(_clock);
        if (!_ready.TryDequeue(out SimThread? next))
        {
            if (Awaited() is not null)
            {
                State = CoreState.Awaiting;
                return;
            }

            State = CoreState.Idle;
            long sweeping = _shootdown.OnSwitch().Value;
            Cycles[CoreCycles.Switch] += sweeping;
            _clock += sweeping;
            if (_loadedSpace >= 0 && !_lazy && _shootdown.TellsLazy)
            {
                Send(SimMessage.EnterLazy(), new SpaceId(_loadedSpace), _clock + _delays.Notice.Value);
            }

            _lazy = _loadedSpace >= 0;
            return;
        }

        if (_nextTick <= _clock)
        {
            long period = _shootdown.TickCycles.Value;

            // An idle core has no ticks; they go on with the next period.
            _nextTick = ((_clock / period) + 1) * period;
        }

        _thread = next;
        _timeline?.BeginSwitch(next.Id, _clock);
        long cycles = _shootdown.OnSwitch().Value;
        if (!ReferenceEquals(next, _lastThread) && _lastThread is not null)
        {
            Counters[CoreCounters.ContextSwitches]++;
            cycles += Kernel.ContextSwitchCycles;
        }

        _lastThread = next;
        Cycles[CoreCycles.Switch] += cycles;
        _clock += cycles;
        int space = next.Space.Value;
        if (space == _loadedSpace && !(_lazy && _shootdown.ReloadAfterIdle))
        {
            _lazy = false;
            BeginThread();
            return;
        }

        if (_loadedSpace >= 0 && space != _loadedSpace)
        {
            Send(SimMessage.LeaveSpace(), new SpaceId(_loadedSpace), _clock + _delays.Notice.Value);
            _loadedSpace = -1;
        }

        _lazy = false;
        Send(SimMessage.Of(new LoadRequest(next.Id)), next.Space, _clock + _delays.Notice.Value);
        State = CoreState.Loading;
        if (next.Resumes > 0)
        {
            // The kernel needs none of the space's translations: the thread goes on while the core has it loaded.
            SendResumption(next);
        }
    }

    /// <summary>
    /// A thread of the loaded space that waits for the order of a trace, or spins: the core stays with the first. The thread of another
    /// space would have to be switched to first, so the core idles. Null for none.
    /// </summary>
    private SimThread? Awaited()
    {
        foreach (SimThread thread in _awaiting)
        {
            if (thread.Space.Value == _loadedSpace)
            {
                return thread;
            }
        }

        return null;
    }

    /// <summary>Whether the core has nothing to run but a thread that spins.</summary>
    public bool Spins => State == CoreState.Awaiting && Awaited() is { Trap: TrapKind.Spin };

    private void RequeueCurrent()
    {
        _ready.Enqueue(_thread!);
        EnterScheduler();
        PickNext();
    }
}
