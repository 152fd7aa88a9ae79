using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <content>Messages that come to the core.</content>
public sealed partial class CoreModel
{
    private void Take(in SimMessage message)
    {
        if (State == CoreState.Loading && IsForResumed(message))
        {
            _afterLoad.Enqueue(message);
            return;
        }

        AccountWait(message.Due.Value);
        LeaveKernel();
        _dueAt = message.Due.Value;
        switch (message.Kind)
        {
            case MessageKind.Invalidate:
                HandleInvalidation(message.AsInvalidation(), message.Due.Value);
                break;
            case MessageKind.TrapReturn:
                HandleTrapReturn(message.Space, message.AsTrapReturn());
                break;
            case MessageKind.TrapSleep:
                HandleTrapSleep(message.AsTrapSleep());
                break;
            case MessageKind.ThreadWake:
                HandleWake(message.Space, message.AsTrapReturn());
                break;
            case MessageKind.ThreadResume:
                HandleResume(message.AsTrapResumption());
                break;
            case MessageKind.SpaceLoaded:
                HandleSpaceLoaded(message.Space, message.AsSpaceLoaded().Answer);
                break;
            case MessageKind.HostFlush:
                HandleHostFlush(message.Space, message.AsHostFlush());
                break;
            case MessageKind.Protocol:
                Cycles cycles = message.Sender < Machine.Cores
                    ? _shootdown.OnDirect(message.SenderCore, message.AsProtocol())
                    : _shootdown.OnProtocol(message.Space, message.AsProtocol());
                Cycles[CoreCycles.Interrupt] += cycles.Value;
                _clock += cycles.Value;
                break;
            default:
                throw new InvalidOperationException($"core {Core} got a {message.Kind}, which is not for cores");
        }

        _dueAt = long.MaxValue;
    }

    /// <summary>
    /// Whether a message is for the thread that goes on in the kernel while its space is being loaded. It is woken behind being told to
    /// sleep, or it would have the lock while another thread has its core.
    /// </summary>
    private bool IsForResumed(in SimMessage message) => _thread!.Trap != TrapKind.None && message.Kind switch
    {
        MessageKind.TrapReturn => message.AsTrapReturn().Thread == _thread.Id,
        MessageKind.TrapSleep => message.AsTrapSleep().Thread == _thread.Id,
        MessageKind.ThreadResume => message.AsTrapResumption().Thread == _thread.Id,
        MessageKind.Invalidate => message.AsInvalidation() is { IsLocal: true } local && local.Space == _thread.Space,
        _ => false,
    };

    private void HandleInvalidation(in Invalidation invalidation, long due)
    {
        if (invalidation.IsLocal && EndsProcess(invalidation.Space))
        {
            LeaveEndedSpace();
            return;
        }

        BeginInvalidation(invalidation.Space, invalidation.Shootdown, invalidation.Scope.Range);
        InvalidationResult result = _shootdown.OnInvalidation(invalidation);
        EndInvalidation(result);
        if (invalidation.IsLocal)
        {
            Counters[CoreCounters.LocalInvalidations]++;
            _clock += result.Cycles.Value;
            if (State == CoreState.Trapped)
            {
                BookTrap(result.Cycles.Value);
            }
            else
            {
                Cycles[CoreCycles.Interrupt] += result.Cycles.Value;
            }

            return;
        }

        long entered = _clock;
        long cycles = result.Cycles.Value;
        if (invalidation.Way == InvalidationWay.Interrupt)
        {
            cycles += Kernel.HandlerCycles + (due < _kernelUntil ? Kernel.HandlerInCallCycles : 0);
            cycles += State == CoreState.Running && due >= _kernelUntil ? SwitchIn() + SwitchOut() : 0;
            Counters[CoreCounters.InvalidationsHandled]++;
        }

        Cycles[CoreCycles.Interrupt] += cycles;
        _clock += cycles;
        _timeline?.Invalidation(invalidation.Space, invalidation.Shootdown, entered, _clock);
        if (result.Ack != AckTime.Later)
        {
            SendAck(invalidation, result.Ack == AckTime.AtEntry ? entered : _clock, result.Dropped + result.Owed, cycles);
        }

        if (result.LeavesSpace && _loadedSpace == invalidation.Space.Value)
        {
            Send(SimMessage.LeaveSpace(), invalidation.Space, _clock + _delays.Notice.Value);
            _loadedSpace = -1;
            _lazy = false;
        }
    }

    /// <summary>Whether the core takes the memory of a process apart whose last thread has ended on it.</summary>
    private bool EndsProcess(SpaceId space) =>
        State == CoreState.Trapped && _thread!.Trap == TrapKind.Exit && _thread.Space == space && _loadedSpace == space.Value;

    /// <summary>
    /// The core goes on with the kernel's own space, which costs it a switch and no flush: nobody loads the ended one again.
    /// </summary>
    private void LeaveEndedSpace()
    {
        _clock += Kernel.SpaceSwitchCycles;
        BookTrap(Kernel.SpaceSwitchCycles);
        Send(SimMessage.LeaveSpace(), _thread!.Space, _clock + _delays.Notice.Value);
        _loadedSpace = -1;
    }

    private void TakeWord(SpaceId space, long word)
    {
        if (word != 0)
        {
            _shootdown.OnReturnWord(space, word);
        }
    }

    private void HandleTrapReturn(SpaceId space, in TrapReturn answer)
    {
        TakeWord(space, answer.Word);
        SimThread thread = _world.Threads[answer.Thread.Value];
        bool ends = thread.Trap == TrapKind.Exit;
        if (State == CoreState.Trapped && ReferenceEquals(_thread, thread))
        {
            CoreCycles.Counter booked = ClassOf(thread.Trap);
            long wait = Math.Min(Math.Min(answer.ShootdownWait.Value, _clock - thread.TrapBegan.Value), Cycles[booked]);
            RebookAsWait(booked, wait);
            BookTrap(-wait);
            Cycles[CoreCycles.ShootdownWait] += wait;
            _timeline?.EndTrap(_clock);
            if (answer.Primes is { } size)
            {
                Prime(thread, size);
            }

            if (!ends)
            {
                LeaveTrap(thread.Trap);
            }

            EndTrap(thread, answer);
            if (ends)
            {
                PickNext();
            }
            else
            {
                State = CoreState.Running;
            }

            return;
        }

        EndTrap(thread, answer);
        if (!ends)
        {
            MakeReady(thread);
        }
    }

    private void HandleTrapSleep(in TrapSleep sleep)
    {
        if (State == CoreState.Trapped && _thread!.Id == sleep.Thread)
        {
            PickNext();
        }
    }

    private void HandleWake(SpaceId space, in TrapReturn answer)
    {
        TakeWord(space, answer.Word);
        SimThread thread = _world.Threads[answer.Thread.Value];
        thread.Core = thread.Home = Core;
        bool spun = thread.Trap == TrapKind.Spin && State == CoreState.Awaiting && ReferenceEquals(thread, _lastThread)
            && thread.Space.Value == _loadedSpace;
        if (thread.Trap != TrapKind.None)
        {
            EndTrap(thread, answer);
        }

        if (spun)
        {
            // It has never left its core, so that nothing is switched.
            _thread = thread;
            BeginThread();
            return;
        }

        MakeReady(thread);
    }

    /// <summary>Counts what a trap was and lets the thread go on behind it.</summary>
    private void EndTrap(SimThread thread, in TrapReturn answer)
    {
        TrapResult result = answer.Result;
        long latency = _clock - thread.TrapBegan.Value;
        switch (thread.Trap)
        {
            case TrapKind.Fault:
                CountFault(thread, result, latency);
                break;
            case TrapKind.SystemCall:
                CountCall(thread.TrapCall!.Kind, latency);
                thread.Faults += answer.Faults;
                Counters[CoreCounters.MinorFaults] += answer.Faults;
                break;
            case TrapKind.Order or TrapKind.Spin:
                _awaiting.Remove(thread);
                break;
            default:
                break;
        }

        if (result == TrapResult.Failed)
        {
            Counters[CoreCounters.FailedCalls]++;
        }

        thread.Trap = TrapKind.None;
        thread.TrapCall = null;
    }

    private void CountFault(SimThread thread, TrapResult result, long latency)
    {
        switch (result)
        {
            case TrapResult.Major:
                Counters[CoreCounters.MajorFaults]++;
                Latencies.Record(LatencyKind.MajorFault, latency);
                break;
            case TrapResult.Spurious:
                Counters[CoreCounters.SpuriousFaults]++;
                break;
            case TrapResult.Segmentation:
                Counters[CoreCounters.SegmentationFaults]++;
                thread.Position++;
                thread.FaultsInARow = 0;
                break;
            default:
                Counters[CoreCounters.MinorFaults]++;
                Latencies.Record(LatencyKind.MinorFault, latency);
                break;
        }
    }

    private void CountCall(SystemCallKind kind, long latency) => Latencies.Record(
        kind switch
        {
            SystemCallKind.Map => LatencyKind.Map,
            SystemCallKind.Unmap => LatencyKind.Unmap,
            SystemCallKind.Protect => LatencyKind.Protect,
            _ => LatencyKind.OtherCall,
        },
        latency);

    private void HandleSpaceLoaded(SpaceId space, in LoadAnswer answer)
    {
        Debug.Assert(State == CoreState.Loading && _thread!.Space == space, "only the space that was asked for is loaded");
        LoadResult loaded = _shootdown.OnLoaded(space, answer);
        if (answer.Flush && !loaded.Flushed)
        {
            Counters[CoreCounters.EntriesInvalidated] += SharedRules.Flush(this, loaded.Tag);
            loaded = loaded with { Cycles = loaded.Cycles + Kernel.InvalidateAllCycles, Flushed = true };
        }

        bool other = _loadedSpace != space.Value;
        _loadedSpace = space.Value;
        _lazy = false;
        SetTags(loaded.Tag);
        if (_tables is { } tables)
        {
            tables[space.Value] = answer.Table;
        }

        _table = TableOf(space.Value);
        LoadTable();
        if (loaded.Flushed)
        {
            Counters[CoreCounters.FullFlushes]++;
        }

        long cycles = loaded.Cycles.Value + (other ? Kernel.SpaceSwitchCycles : 0);
        Counters[CoreCounters.SpaceLoads]++;
        Cycles[CoreCycles.Switch] += cycles;
        _clock += cycles;
        BeginThread();
        while (_afterLoad.TryDequeue(out SimMessage message))
        {
            Take(message);
        }
    }
}
