using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>An operation to weave into a thread's operations.</summary>
/// <param name="Place">Twice the index of the operation it stands before, or one more than twice that of the one it stands after.</param>
/// <param name="Word">The encoded operation.</param>
public readonly record struct OrderInsertion(long Place, ulong Word);

/// <summary>
/// Finds the orders between threads that a replay must keep, and expresses them as few events. A page's users must come after the operation
/// that made the page's mapping what it is, and before the one that changes it next. A thread comes after the point that starts it. A fork
/// comes between the memory operations before and after it. With <see cref="ReplayOrder.Pages"/> a thread's first use of a page comes after
/// the page's first store if it is a load. Vector clocks tell which of these orders already follow from others; only the rest become a
/// <see cref="ControlKind.Signal"/> and a <see cref="ControlKind.Await"/>. <see cref="ReplayOrder.Full"/> needs no clocks: each change of
/// thread in the trace is an event.
/// </summary>
/// <remarks>
/// Places are indices into a thread's operations. A clock entry for thread t counts t's operations that are known to be done. The trace's
/// own order satisfies every order found here, so events can never form a cycle.
/// </remarks>
/// <param name="budget">What the orders may cost.</param>
/// <param name="order">How much of the trace's order is kept.</param>
public sealed partial class TraceOrder(ReadingBudget? budget = null, ReplayOrder order = ReplayOrder.Pages)
{
    private readonly List<ThreadClock> _threads = [];
    private readonly PageUsers _users = new();
    private readonly RangeOperations _operations = new();
    private readonly List<Point> _candidates = [];
    private readonly Dictionary<Point, int> _events = [];
    private readonly ReadingBudget _budget = budget ?? new ReadingBudget();
    private Point _fork = Point.None;

    /// <summary>With the full order: the last operation of any thread.</summary>
    private Point _latest = Point.None;

    /// <summary>False once the order of pages would have cost more than <see cref="ReadingBudget"/> has: it is kept up to there.</summary>
    public bool KeepsPages { get; private set; } = true;

    /// <summary>False once the order of sleeps would have cost more than <see cref="ReadingBudget"/> has: it is kept up to there.</summary>
    public bool KeepsSleeps { get; private set; } = true;

    /// <summary>How many events the orders need.</summary>
    public int EventCount => _events.Count;

    /// <summary>Adds a thread that starts when thread <paramref name="parent"/> has done its operations up to and including
    /// <paramref name="place"/>; -1 for the main thread. Threads are numbered from 0 as they are added.</summary>
    public void AddThread(int parent, long place)
    {
        ThreadClock clock = new ThreadClock();
        if (parent >= 0 && order == ReplayOrder.Full)
        {
            Step(parent, place, place);
        }
        else if (parent >= 0)
        {
            clock.Learn(0, KnownAt(new Point(parent, place)));
        }

        _threads.Add(clock);
    }

    /// <summary>
    /// The only thread uses a page in its operation <paramref name="place"/>, before there is another. What comes later knows it to be
    /// done, so that it matters for the order of pages alone.
    /// </summary>
    /// <returns>Whether it is the thread's first use since the page's mapping last changed.</returns>
    public bool UseAlone(ulong page, bool isStore, long place)
    {
        PageUse use = _users.Of(page);
        if (isStore)
        {
            use.Store(0, place);
        }

        return use.Touch(0, place);
    }

    /// <summary>The only thread changes the mappings of a range of pages, before there is another.</summary>
    public void ChangeAlone(ulong firstPage, ulong endPage) => _users.TakeRange(firstPage, endPage, static _ => { });

    /// <summary>
    /// Thread <paramref name="thread"/> uses a page in its operations <paramref name="first"/> to <paramref name="last"/>.
    /// </summary>
    /// <returns>Whether it is the thread's first use since the page's mapping last changed.</returns>
    public bool Access(int thread, ulong page, bool isStore, long first, long last)
    {
        if (_threads.Count == 1)
        {
            return false;
        }

        if (order == ReplayOrder.Full)
        {
            Step(thread, first, last);
            return false;
        }

        PageUse use = _users.Of(page);
        bool isFirst = use.Touch(thread, last);
        if (isFirst)
        {
            _candidates.Clear();
            AddIfAny(_operations.Find(page));
            if (!isStore)
            {
                AddStore(thread, use.FirstStore);
            }

            if (_candidates.Count > 0)
            {
                WaitForCandidates(thread, first);
            }
        }

        if (isStore)
        {
            use.Store(thread, first);
        }

        return isFirst;
    }

    /// <summary>
    /// Thread <paramref name="thread"/> changes the mappings of a range of pages in its operation <paramref name="place"/>.
    /// </summary>
    public void Change(int thread, ulong firstPage, ulong endPage, long place)
    {
        if (_threads.Count == 1)
        {
            return;
        }

        if (order == ReplayOrder.Full)
        {
            Step(thread, place, place);
            return;
        }

        if (endPage <= firstPage)
        {
            return;
        }

        _candidates.Clear();
        _users.TakeRange(firstPage, endPage, AddCandidate);
        _operations.Replace(firstPage, endPage, new Point(thread, place), AddCandidate);
        AddIfAny(_fork);
        _threads[thread].LastChange = place;
        WaitForCandidates(thread, place);
    }

    /// <summary>Thread <paramref name="thread"/> copies the address space in its operation <paramref name="place"/>.</summary>
    public void Fork(int thread, long place)
    {
        if (order == ReplayOrder.Full)
        {
            Step(thread, place, place);
            return;
        }

        _candidates.Clear();
        for (int other = 0; other < _threads.Count; other++)
        {
            AddIfAny(new Point(other, _threads[other].LastChange));
        }

        _fork = new Point(thread, place);
        _threads[thread].LastChange = place;
        WaitForCandidates(thread, place);
    }

    /// <summary>The signals and waits of a thread, in order of place.</summary>
    public IReadOnlyList<OrderInsertion> InsertionsOf(int thread) =>
        [.. _threads[thread].Insertions.OrderBy(insertion => insertion.Place)];

    /// <summary>With the full order: a thread goes on behind the last operation of any other.</summary>
    private void Step(int thread, long first, long last, ControlKind kind = ControlKind.Await)
    {
        if (_latest.Thread >= 0 && _latest.Thread != thread)
        {
            AddWait(thread, first, _latest, kind);
        }

        _latest = new Point(thread, last);
    }

    /// <summary>
    /// Adds a page's first store. When the order of pages has cost what it may it ends here: what it keeps makes faults of a replay more
    /// like those of the program, and nothing depends on it.
    /// </summary>
    private void AddStore(int thread, Point store)
    {
        bool isKept = order == ReplayOrder.Pages && KeepsPages;
        if (!isKept || store.Thread < 0 || store.Thread == thread || _threads[thread].Knows(store))
        {
            return;
        }

        KeepsPages = _budget.AllowsPageOrder(_threads.Count);
        if (KeepsPages)
        {
            AddCandidate(store);
        }
    }

    private void AddIfAny(Point point)
    {
        if (point.Place >= 0)
        {
            AddCandidate(point);
        }
    }

    private void AddCandidate(Point point)
    {
        for (int i = 0; i < _candidates.Count; i++)
        {
            if (_candidates[i].Thread == point.Thread)
            {
                _candidates[i] = new Point(point.Thread, Math.Max(point.Place, _candidates[i].Place));
                return;
            }
        }

        _candidates.Add(point);
    }

    /// <summary>
    /// Makes operation <paramref name="place"/> of a thread wait for those candidates that neither its clock nor another candidate implies.
    /// </summary>
    private void WaitForCandidates(int thread, long place)
    {
        ThreadClock clock = _threads[thread];
        _candidates.RemoveAll(point => point.Thread == thread || clock.Knows(point));
        for (int i = _candidates.Count - 1; i >= 0; i--)
        {
            Point point = _candidates[i];
            if (_candidates.Exists(other => other != point && _threads[other.Thread].KnowsAt(other.Place, point)))
            {
                _candidates.RemoveAt(i);
            }
        }

        foreach (Point point in _candidates)
        {
            AddWait(thread, place, point);
            clock.Learn(place, KnownAt(point));
        }
    }

    private void AddWait(int thread, long place, Point point, ControlKind kind = ControlKind.Await)
    {
        ThreadClock clock = _threads[thread];
        if (clock.WasOffCore)
        {
            clock.WasOffCore = false;
            clock.OffCoreBefore = place;
        }

        kind = clock.OffCoreBefore == place ? ControlKind.Wait : kind;
        clock.Insertions.Add(new OrderInsertion(2 * place, Operation.ControlWord(kind, (ulong)EventOf(point))));
    }

    private int EventOf(Point point)
    {
        if (!_events.TryGetValue(point, out int number))
        {
            number = _events.Count;
            _events.Add(point, number);
            _threads[point.Thread].Insertions.Add(
                new OrderInsertion((2 * point.Place) + 1, Operation.ControlWord(ControlKind.Signal, (ulong)number)));
        }

        return number;
    }

    /// <summary>All that is known to be done once <paramref name="point"/> is.</summary>
    private long[] KnownAt(Point point)
    {
        long[] before = _threads[point.Thread].At(point.Place);
        long[] known = new long[Math.Max(before.Length, point.Thread + 1)];
        before.CopyTo(known, 0);
        known[point.Thread] = point.Place + 1;
        _budget.TakeEntries(known.Length);
        return known;
    }

    /// <summary>An operation of a thread.</summary>
    public readonly record struct Point(int Thread, long Place)
    {
        /// <summary>No place.</summary>
        public static Point None => new(-1, -1);
    }

    /// <summary>What a thread knows to be done, from which place on. Entries past a clock's length are 0.</summary>
    private sealed class ThreadClock
    {
        private readonly List<(long Place, long[] Known)> _history = [(0, [])];

        public List<OrderInsertion> Insertions { get; } = [];

        public long LastChange { get; set; } = -1;

        /// <summary>Whether it has had no core since it last waited for the order.</summary>
        public bool WasOffCore { get; set; }

        /// <summary>The last operation that waits for the order where the thread had no core; -1 for none.</summary>
        public long OffCoreBefore { get; set; } = -1;

        public bool Knows(Point point) => Covers(_history[^1].Known, point);

        public bool KnowsAt(long place, Point point) => Covers(At(place), point);

        public long[] At(long place)
        {
            int low = 0;
            int high = _history.Count - 1;
            while (low < high)
            {
                int middle = (low + high + 1) / 2;
                (low, high) = _history[middle].Place <= place ? (middle, high) : (low, middle - 1);
            }

            return _history[low].Known;
        }

        public void Learn(long place, long[] news)
        {
            long[] known = _history[^1].Known;
            long[] joined = new long[Math.Max(known.Length, news.Length)];
            for (int i = 0; i < joined.Length; i++)
            {
                joined[i] = Math.Max(i < known.Length ? known[i] : 0, i < news.Length ? news[i] : 0);
            }

            if (_history[^1].Place == place)
            {
                _history[^1] = (place, joined);
            }
            else
            {
                _history.Add((place, joined));
            }
        }

        public static bool Covers(long[] known, Point point) => point.Thread < known.Length && known[point.Thread] > point.Place;
    }
}
