using VmSim.Core.Addresses;
using VmSim.Core.Machine;

namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// A lock as a queue in virtual time, first come first served in the order of the calls. Who asks is told at once how long it takes to get
/// it. A cache line that cores write atomically is such a lock, held for one atomic operation.
/// </summary>
public sealed class VirtualLock
{
    private const int Nobody = -1;

    private int _last = Nobody;
    private long _freeAt;

    /// <summary>When the last holder gives it back.</summary>
    public Cycles FreeAt => _freeAt;

    /// <summary>Takes the lock.</summary>
    /// <param name="at">When it is asked for.</param>
    /// <param name="core">Who asks.</param>
    /// <param name="hold">How long it is held, at least 0.</param>
    /// <param name="machine">What a transfer of the line costs.</param>
    /// <param name="counters">Where it is counted.</param>
    /// <param name="kind">As what it is counted.</param>
    /// <param name="compares">
    /// Whether it is taken by compare and exchange. Where others wait for the line too, the first try finds that it has changed, and
    /// another core has the line before the next (rwsem_read_trylock, kernel/locking/rwsem.c; __refcount_add_not_zero,
    /// include/linux/refcount.h).
    /// </param>
    /// <returns>
    /// Cycles from the asking to the holding: waiting for the last holder, then the transfer of the line from that holder's core.
    /// </returns>
    public Cycles Acquire(
        Cycles at, CoreId core, Cycles hold, MachineSpec machine, SpaceCounters counters, LockKind kind, bool compares = false)
    {
        ArgumentNullException.ThrowIfNull(counters);
        LockCounters counted = SpaceCounters.Of(kind);
        counters[counted.Acquisitions]++;
        counters[counted.Waits] += _freeAt > at.Value ? 1 : 0;
        int tries = compares && _freeAt > at.Value ? 2 : 1;
        return Move(at.Value, core, hold.Value, machine, counters, counted, tries);
    }

    /// <summary>Writes the line to give the lock back: a transfer if another core has it by now.</summary>
    /// <returns>Cycles until it is written.</returns>
    /// <inheritdoc cref="Acquire"/>
    public Cycles Release(Cycles at, CoreId core, Cycles hold, MachineSpec machine, SpaceCounters counters, LockKind kind)
    {
        ArgumentNullException.ThrowIfNull(counters);
        return Move(at.Value, core, hold.Value, machine, counters, SpaceCounters.Of(kind));
    }

    private long Move(
        long at, CoreId core, long hold, MachineSpec machine, SpaceCounters counters, LockCounters counted, int tries = 1)
    {
        ArgumentNullException.ThrowIfNull(machine);
        long wait = Math.Max(0, _freeAt - at);
        long transfer = 0;
        if (_last != core.Value)
        {
            if (_last != Nobody)
            {
                CoreId from = new(_last);
                transfer = (tries * machine.LineTransfer(from, core)) + ((tries - 1) * hold);
                bool isNear = machine.SocketOf(from) == machine.SocketOf(core);
                counters[isNear ? counted.LocalTransfers : counted.RemoteTransfers] += tries;
            }

            _last = core.Value;
        }

        counters[counted.WaitCycles] += wait;
        _freeAt = at + wait + transfer + hold;
        return wait + transfer;
    }
}
