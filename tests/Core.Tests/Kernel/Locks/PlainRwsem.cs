namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>
/// A read/write semaphore told as Linux keeps it: one word of flags and readers, a line of spinners and a list of waiters. Numbers stand
/// for threads. What happens is a line of text each.
/// </summary>
/// <param name="readersSpin">Whether readers spin.</param>
internal sealed class PlainRwsem(bool readersSpin)
{
    /// <summary>Cycles of a microsecond.</summary>
    public const long Microsecond = 1_000;

    private const long WriterLocked = 1;
    private const long Waiters = 2;
    private const long Handoff = 4;
    private const long Reader = 256;

    private readonly HashSet<int> _writers = [];
    private readonly List<int> _line = [];
    private readonly List<Waiter> _list = [];
    private readonly HashSet<int> _given = [];
    private long _count;
    private bool _nonspinnable;

    /// <summary>For the first of the line, when it gives up; null while it has no limit.</summary>
    private (int Thread, long At)? _limit;

    private sealed class Waiter(int thread, bool writes, long since)
    {
        public int Thread => thread;

        public bool Writes => writes;

        public long Since => since;

        public bool IsAwake { get; set; }

        public bool SpinsForHandoff { get; set; }
    }

    /// <summary>What has happened since it was last cleared.</summary>
    public List<string> Told { get; } = [];

    private long ReadersNow => _count / Reader;

    public bool Ask(int thread, bool writes, long now)
    {
        if (writes)
        {
            _writers.Add(thread);
        }
        else
        {
            _writers.Remove(thread);
        }

        if (TryUnqueued(thread))
        {
            if (!writes && ReadersNow == 1)
            {
                GiveToReaders();
            }

            LimitFirst(now);
            return true;
        }

        if (!_nonspinnable && (writes || readersSpin))
        {
            _line.Add(thread);
            LimitFirst(now);
            return false;
        }

        Enlist(thread, now);
        return false;
    }

    public bool RunAgain(int thread, long now)
    {
        if (_given.Remove(thread))
        {
            return true;
        }

        Waiter self = _list[0];
        if ((_count & (WriterLocked | ~(Reader - 1))) == 0)
        {
            _list.RemoveAt(0);
            _count = (_count & ~Handoff) | WriterLocked;
            SetWaiters();
            return true;
        }

        if (now - self.Since > 4_000 * Microsecond && (_count & Handoff) == 0)
        {
            _count |= Handoff;
            Told.Add($"kept for {thread}");
        }

        self.IsAwake = false;
        self.SpinsForHandoff = (_count & Handoff) != 0 && (_count & WriterLocked) != 0;
        if (!self.SpinsForHandoff)
        {
            Told.Add($"{thread} sleeps");
        }

        return false;
    }

    public void GiveUp(int thread, long now)
    {
        _count -= _writers.Contains(thread) ? WriterLocked : Reader;
        if ((_count & WriterLocked) != 0 || ReadersNow > 0)
        {
            return;
        }

        _nonspinnable = false;
        _limit = null;
        LineTries(now);
        if (_list.Count == 0)
        {
            return;
        }

        Waiter first = _list[0];
        if (!first.Writes)
        {
            if ((_count & WriterLocked) == 0)
            {
                GiveToReaders();
                LimitFirst(now);
            }
            else if (now - first.Since > 4_000 * Microsecond && (_count & Handoff) == 0)
            {
                _count |= Handoff;
                Told.Add($"kept for {first.Thread}");
            }
        }
        else if (first.SpinsForHandoff)
        {
            _list.RemoveAt(0);
            _count = (_count & ~Handoff) | WriterLocked;
            SetWaiters();
            Told.Add($"{first.Thread} takes it");
        }
        else if (!first.IsAwake)
        {
            first.IsAwake = true;
            Told.Add($"{first.Thread} wakes");
        }
    }

    public void BecomeReader(int thread, long now)
    {
        _writers.Remove(thread);
        _count += Reader - WriterLocked;
        LineTries(now);
        if (_list.Count > 0 && _list[0].SpinsForHandoff)
        {
            _list[0].SpinsForHandoff = false;
            Told.Add($"{_list[0].Thread} sleeps");
        }

        GiveToReaders();
    }

    public void AnotherIsDue(int thread, long now)
    {
        if (_line.Remove(thread))
        {
            _limit = _limit?.Thread == thread ? null : _limit;
            Enlist(thread, now);
            LimitFirst(now);
        }
    }

    public void TimeIsUp(int thread, long now)
    {
        if (_limit != (thread, now))
        {
            return;
        }

        _nonspinnable = true;
        foreach (int spinner in _line)
        {
            Enlist(spinner, now);
        }

        _line.Clear();
        _limit = null;
    }

    private bool TryUnqueued(int thread)
    {
        bool isBusy = (_count & (WriterLocked | Handoff)) != 0;
        if (_writers.Contains(thread))
        {
            if (isBusy || ReadersNow > 0)
            {
                return false;
            }

            _count |= WriterLocked;
            return true;
        }

        bool mayJoin = ReadersNow == 0 || (_count & Waiters) == 0 || (readersSpin && !_nonspinnable);
        if (isBusy || !mayJoin)
        {
            return false;
        }

        _count += Reader;
        return true;
    }

    private void LineTries(long now)
    {
        while (_line.Count > 0 && TryUnqueued(_line[0]))
        {
            int thread = _line[0];
            _line.RemoveAt(0);
            _limit = null;
            Told.Add($"{thread} takes it");
        }

        LimitFirst(now);
    }

    private void LimitFirst(long now)
    {
        if (_line.Count > 0 && ReadersNow > 0 && _limit?.Thread != _line[0])
        {
            long looks = (20 + Math.Min(30, ReadersNow)) * Microsecond / 2 / 2_240;
            _limit = (_line[0], now + ((looks + 1) * 2_240));
            Told.Add($"{_line[0]} spins to {_limit.Value.At}");
        }
    }

    private void GiveToReaders()
    {
        if (_list.Count == 0 || _list[0].Writes)
        {
            return;
        }

        _count &= ~Handoff;
        foreach (Waiter waiter in _list.Where(waiter => !waiter.Writes).Take(256).ToArray())
        {
            _list.Remove(waiter);
            _given.Add(waiter.Thread);
            _count += Reader;
            Told.Add($"{waiter.Thread} wakes");
        }

        SetWaiters();
    }

    private void Enlist(int thread, long now)
    {
        _list.Add(new Waiter(thread, _writers.Contains(thread), now));
        SetWaiters();
        Told.Add($"{thread} sleeps");
    }

    private void SetWaiters() => _count = _list.Count > 0 ? _count | Waiters : _count & ~Waiters;
}
