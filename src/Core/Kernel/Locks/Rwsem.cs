using System.Diagnostics;
using VmSim.Core.Addresses;

namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// A lock that one writer or many readers hold, by the rules of Linux (kernel/locking/rwsem.c). A writer that finds it taken spins: as long
/// as a writer has it, since that one runs, and for some microseconds while readers have it. Then it queues and sleeps. Readers queue at
/// once. Who comes or spins takes a free lock before those that sleep, until the first of these has waited too long: then it is kept for
/// that one.
/// </summary>
/// <param name="rules">The kernel's rules.</param>
/// <param name="signals">Tells those that wait.</param>
internal sealed class Rwsem(RwsemRules rules, IRwsemSignals signals)
{
    /// <summary>Most readers that are woken at once (MAX_READERS_WAKEUP).</summary>
    private const int WokenMax = 256;

    private readonly List<KernelOperation> _readers = [];

    /// <summary>The first alone looks at the lock; the others wait for their turn behind it (osq_lock).</summary>
    private readonly List<KernelOperation> _spinners = [];
    private readonly List<KernelOperation> _sleepers = [];

    /// <summary>Whether a spinner has given up while these readers have the lock: nobody spins then (RWSEM_NONSPINNABLE).</summary>
    private bool _isNonspinnable;

    /// <summary>The writer that has it; null for none.</summary>
    public KernelOperation? Writer { get; private set; }

    /// <summary>The readers that have it.</summary>
    public IReadOnlyList<KernelOperation> Readers => _readers;

    /// <summary>Those that wait on their cores, the first first.</summary>
    public IReadOnlyList<KernelOperation> Spinners => _spinners;

    /// <summary>Those that are queued, the first first.</summary>
    public IReadOnlyList<KernelOperation> Sleepers => _sleepers;

    /// <summary>Whether the lock is kept for the first in the queue (RWSEM_FLAG_HANDOFF).</summary>
    public bool IsHandedOff { get; private set; }

    private bool IsFree => Writer is null && _readers.Count == 0;

    /// <summary>Takes the lock, or waits for it.</summary>
    /// <returns>Whether the operation has it.</returns>
    public bool TryEnter(KernelOperation operation, long now)
    {
        if (CanTake(operation))
        {
            Take(operation);
            if (!operation.Exclusive && _readers.Count == 1)
            {
                WakeReaders(operation, now);
            }

            return true;
        }

        if (CanSpin(operation))
        {
            operation.Rwsem = RwsemState.Spins;
            _spinners.Add(operation);
            LimitSpin(now);
        }
        else
        {
            Queue(operation, now);
        }

        return false;
    }

    /// <summary>A thread that slept runs again.</summary>
    /// <returns>Whether its operation has the lock.</returns>
    public bool Resume(KernelOperation operation, long now)
    {
        if (operation.Rwsem == RwsemState.Granted)
        {
            operation.Rwsem = RwsemState.None;
            return true;
        }

        Debug.Assert(operation == _sleepers[0], "the first of the queue alone is woken without being given the lock");
        if (IsFree)
        {
            TakeFirst();
            return true;
        }

        if (now - operation.QueuedAt > rules.HandoffCycles)
        {
            HandOff(operation);
        }

        if (IsHandedOff && Writer is not null)
        {
            operation.Rwsem = RwsemState.Handoff;
        }
        else
        {
            operation.Rwsem = RwsemState.Sleeps;
            signals.Sleep(operation);
        }

        return false;
    }

    /// <summary>Gives the lock back.</summary>
    public void Leave(KernelOperation operation, long now)
    {
        if (operation == Writer)
        {
            Writer = null;
        }
        else
        {
            _readers.Remove(operation);
        }

        if (!IsFree)
        {
            return;
        }

        _isNonspinnable = false;
        LimitSpin(now);
        TakeBySpinners(now);
        if (_sleepers.Count > 0)
        {
            WakeFirst(operation, now);
        }
    }

    /// <summary>The writer goes on as a reader.</summary>
    public void Downgrade(KernelOperation operation, long now)
    {
        Writer = null;
        _readers.Add(operation);
        TakeBySpinners(now);
        if (_sleepers.Count > 0 && _sleepers[0].Rwsem == RwsemState.Handoff)
        {
            _sleepers[0].Rwsem = RwsemState.Sleeps;
            signals.Sleep(_sleepers[0]);
        }

        WakeReaders(operation, now);
    }

    /// <summary>The time is over for which a writer spins while readers have the lock.</summary>
    public void EndSpin(KernelOperation operation, long now)
    {
        if (_spinners.Count == 0 || _spinners[0] != operation || operation.SpinLimit != now)
        {
            return;
        }

        _isNonspinnable = true;
        foreach (KernelOperation spinner in _spinners)
        {
            Queue(spinner, now);
        }

        _spinners.Clear();
    }

    /// <summary>
    /// Another thread is due on a thread's core: if it spins there, it sleeps (need_resched in rwsem_optimistic_spin). The lock that it
    /// waits for, or one that its owner waits for, may be kept for that very thread.
    /// </summary>
    public void GiveWay(ThreadId thread, long now)
    {
        if (rules.Sleeps && _spinners.Find(spinner => spinner.Thread == thread) is { } found)
        {
            _spinners.Remove(found);
            Queue(found, now);
            LimitSpin(now);
        }
    }

    /// <summary>A spinner was interrupted when its time was over: it looks at the clock later.</summary>
    public void SpinOn(KernelOperation operation, long until)
    {
        if (operation.SpinLimit > 0)
        {
            operation.SpinLimit = until;
            signals.SetSpinLimit(operation, until);
        }
    }

    /// <summary>
    /// A writer takes a free lock. A reader does not join others that have it while somebody sleeps for it, unless readers spin
    /// (rwsem_down_read_slowpath).
    /// </summary>
    private bool CanTake(KernelOperation operation)
    {
        if (IsHandedOff || Writer is not null || (!rules.Sleeps && _spinners.Count > 0 && _spinners[0] != operation))
        {
            return false;
        }

        return _readers.Count == 0
            || (!operation.Exclusive && (_sleepers.Count == 0 || (rules.ReadersSpin && !_isNonspinnable)));
    }

    private bool CanSpin(KernelOperation operation) =>
        !rules.Sleeps || (!_isNonspinnable && (operation.Exclusive || rules.ReadersSpin));

    private void Take(KernelOperation operation)
    {
        operation.Rwsem = RwsemState.None;
        if (operation.Exclusive)
        {
            Writer = operation;
        }
        else
        {
            _readers.Add(operation);
        }
    }

    /// <summary>Those that spin take the lock: one writer, or readers up to the next writer.</summary>
    private void TakeBySpinners(long now)
    {
        while (_spinners.Count > 0 && CanTake(_spinners[0]))
        {
            KernelOperation first = _spinners[0];
            _spinners.RemoveAt(0);
            Take(first);
            signals.Takes(first);
        }

        LimitSpin(now);
    }

    private void TakeFirst()
    {
        KernelOperation first = _sleepers[0];
        _sleepers.RemoveAt(0);
        IsHandedOff = false;
        Take(first);
    }

    /// <summary>
    /// The lock has been given back: a writer that is first in the queue is woken, even if a spinner has the lock by now; readers are given
    /// it if it is free (rwsem_mark_wake).
    /// </summary>
    private void WakeFirst(KernelOperation waker, long now)
    {
        KernelOperation first = _sleepers[0];
        if (!first.Exclusive)
        {
            if (Writer is null)
            {
                WakeReaders(waker, now);
            }
            else if (now - first.QueuedAt > rules.HandoffCycles)
            {
                HandOff(first);
            }
        }
        else if (first.Rwsem == RwsemState.Handoff && IsFree)
        {
            TakeFirst();
            signals.Takes(first);
        }
        else if (first.Rwsem == RwsemState.Sleeps)
        {
            first.Rwsem = RwsemState.Woken;
            signals.Wake(first, waker);
        }
    }

    /// <summary>If a reader is first in the queue, all readers in it are given the lock, those behind writers too.</summary>
    private void WakeReaders(KernelOperation waker, long now)
    {
        if (_sleepers.Count == 0 || _sleepers[0].Exclusive)
        {
            return;
        }

        IsHandedOff = false;
        int woken = 0;
        for (int i = 0; i < _sleepers.Count && woken < WokenMax;)
        {
            KernelOperation sleeper = _sleepers[i];
            if (sleeper.Exclusive)
            {
                i++;
                continue;
            }

            _sleepers.RemoveAt(i);
            woken++;
            _readers.Add(sleeper);
            sleeper.Rwsem = RwsemState.Granted;
            signals.Wake(sleeper, waker);
        }

        LimitSpin(now);
    }

    private void HandOff(KernelOperation first)
    {
        if (IsHandedOff)
        {
            return;
        }

        IsHandedOff = true;
        signals.IsKept(first);
    }

    private void Queue(KernelOperation operation, long now)
    {
        operation.Rwsem = RwsemState.Sleeps;
        operation.QueuedAt = now;
        _sleepers.Add(operation);
        signals.Sleep(operation);
    }

    /// <summary>While readers have the lock, the first spinner has a limited time, which begins when it sees the first of them.</summary>
    private void LimitSpin(long now)
    {
        if (!rules.Sleeps || _spinners.Count == 0)
        {
            return;
        }

        KernelOperation first = _spinners[0];
        if (_readers.Count == 0)
        {
            first.SpinLimit = 0;
        }
        else if (first.SpinLimit == 0)
        {
            first.SpinLimit = now + rules.SpinCycles(_readers.Count);
            signals.SetSpinLimit(first, first.SpinLimit);
        }
    }
}
