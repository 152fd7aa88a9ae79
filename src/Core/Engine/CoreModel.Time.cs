using VmSim.Core.Shootdown;

namespace VmSim.Core.Engine;

/// <content>Time that passes while no thread runs: waits, ticks, and the way back to user mode.</content>
public sealed partial class CoreModel
{
    /// <summary>Lets a waiting core's time pass until <paramref name="due"/> and books it where it belongs.</summary>
    private void AccountWait(long due)
    {
        if (!_warm && due >= _warmup)
        {
            _clock = Math.Max(_clock, _warmup);
            ResetCounters();
        }

        if (due <= _clock)
        {
            return;
        }

        if (_clock >= _intervals.End)
        {
            EndInterval();
        }

        // What a core that idles waits is counted nowhere, and its intervals may end together.
        while (due >= _intervals.End && State is CoreState.Loading or CoreState.Trapped or CoreState.Awaiting)
        {
            Wait(_intervals.End);
            EndInterval();
        }

        Wait(due);
        if (due >= _intervals.End)
        {
            EndInterval();
        }
    }

    private void Wait(long until)
    {
        long waited = until - _clock;
        _clock = until;
        if (State == CoreState.Loading)
        {
            Cycles[CoreCycles.Switch] += waited;
        }
        else if (State == CoreState.Trapped)
        {
            BookTrap(waited);
        }
        else if (State == CoreState.Awaiting)
        {
            Cycles[ClassOf(Awaited()!.Trap)] += waited;
        }
    }

    private void BookTrap(long cycles) => Cycles[ClassOf(_thread!.Trap)] += cycles;

    private static CoreCycles.Counter ClassOf(TrapKind trap) => trap switch
    {
        TrapKind.Fault or TrapKind.HostFault => CoreCycles.Fault,
        TrapKind.Order => CoreCycles.OrderWait,
        TrapKind.Spin => CoreCycles.User,
        _ => CoreCycles.Syscall,
    };

    private void Tick()
    {
        if (_nextTick > _clock)
        {
            AccountWait(_nextTick);
        }

        _dueAt = _nextTick;
        _nextTick += _shootdown.TickCycles.Value;
        long cycles = _shootdown.OnTick().Value;
        _dueAt = long.MaxValue;
        Cycles[CoreCycles.Interrupt] += cycles;
        _clock += cycles;
        _timeline?.Tick(_clock - cycles, _clock);
        LeaveKernel();
    }

    /// <summary>The kernel has run on the core: before its thread goes on, the protocol hears of it, and what is owed is dropped.</summary>
    private void LeaveKernel() => _entersUser = _tellsReturns;

    private void EnterUser()
    {
        _entersUser = false;
        long cycles = (_protocolHearsReturns ? _shootdown.OnReturnToUser().Value : 0) + PayOwed();
        Cycles[CoreCycles.Interrupt] += cycles;
        _clock += cycles;
        TellTags();
    }
}
