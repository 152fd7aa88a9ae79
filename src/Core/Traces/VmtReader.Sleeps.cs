using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <content>
/// Sleeps: calls in which a thread gave up its core. A sleep that another thread ended ends when that one has come as far in the replay.
/// Any other lasts its recorded time. A thread that had no core slept in no call: what takes its time is the simulated machine's.
/// </content>
public sealed partial class VmtReader
{
    /// <summary>The threads, the one with the last record first.</summary>
    private readonly LinkedList<TraceThread> _latest = new();

    private readonly List<TraceOrder.Point> _wakers = [];

    /// <summary>The threads that ended, by the numbers that they had.</summary>
    private readonly Dictionary<int, TraceThread> _ended = [];

    /// <summary>Sleeps that a thread is said to have ended which had no record before.</summary>
    private long _unknownWakers;

    private void NoteRecord(TraceThread thread)
    {
        thread.LastRecord = _records;
        if (_latest.First != thread.Place)
        {
            _latest.Remove(thread.Place);
            _latest.AddFirst(thread.Place);
        }
    }

    private void Sleep(ref VmtRecord record)
    {
        TraceThread sleeper = _current;
        if (record.Text == VmtRules.OffCore)
        {
            _order.LeaveCore(sleeper.Index);
            return;
        }

        FindWakers(ref record);
        bool isOrdered = _order.Sleep(sleeper.Index, sleeper.Operations.Count, _wakers);
        ulong cycles = isOrdered ? 0 : (ulong)(record.Nanoseconds * _options.Ghz);
        if (cycles > 0)
        {
            sleeper.Operations.Add(Operation.ControlWord(ControlKind.Sleep, cycles));
        }

        if (_options.Order == ReplayOrder.Full && _threads.Count > 1)
        {
            // the point at which it is awake, which others come after; it has no operation of its own
            long awake = sleeper.Operations.Add(Operation.ControlWord(ControlKind.Compute));
            _order.Awake(sleeper.Index, awake, isOrdered);
        }
    }

    /// <summary>
    /// What may have ended the sleep: the last operations of threads that did something since the sleeper's last record, the latest
    /// first.
    /// </summary>
    private void FindWakers(ref VmtRecord record)
    {
        _wakers.Clear();
        TraceThread? known = record.WakeCause == WakeCause.Thread ? ThreadOf((int)record.Waker) : null;
        bool isUnknown = record.WakeCause == WakeCause.Thread && known is null;
        _unknownWakers += isUnknown ? 1 : 0;
        if (record.WakeCause == WakeCause.Outside || isUnknown)
        {
            return;
        }

        for (LinkedListNode<TraceThread>? place = _latest.First; place is not null && place.Value.LastRecord > _current.LastRecord;
            place = place.Next)
        {
            TraceThread thread = place.Value;
            if (thread != _current && (known is null || thread == known) && thread.Done > 0)
            {
                _wakers.Add(new TraceOrder.Point(thread.Index, thread.Done - 1));
            }
        }
    }

    private TraceThread? ThreadOf(int number) => _byNumber.GetValueOrDefault(number) ?? _ended.GetValueOrDefault(number);
}
