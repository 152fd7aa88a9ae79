namespace VmSim.Core.Traces;

/// <summary>The uses of a page since its mapping last changed: each thread's last one, and the first store.</summary>
internal sealed class PageUse
{
    private TraceOrder.Point[] _users = [];
    private int _count;

    /// <summary>The first store; <see cref="TraceOrder.Point.None"/> before it.</summary>
    public TraceOrder.Point FirstStore { get; private set; } = TraceOrder.Point.None;

    /// <summary>Notes that a thread uses the page at a place of its operations.</summary>
    /// <returns>Whether it is the thread's first use.</returns>
    public bool Touch(int thread, long place)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_users[i].Thread == thread)
            {
                _users[i] = new TraceOrder.Point(thread, place);
                return false;
            }
        }

        if (_count == _users.Length)
        {
            Array.Resize(ref _users, Math.Max(1, 2 * _count));
        }

        _users[_count++] = new TraceOrder.Point(thread, place);
        return true;
    }

    /// <summary>Notes a store, which may be the first.</summary>
    public void Store(int thread, long place)
    {
        if (FirstStore.Thread < 0)
        {
            FirstStore = new TraceOrder.Point(thread, place);
        }
    }

    /// <summary>Forgets the uses and gives each to <paramref name="visit"/>.</summary>
    public void Take(Action<TraceOrder.Point> visit)
    {
        for (int i = 0; i < _count; i++)
        {
            visit(_users[i]);
        }

        _count = 0;
        FirstStore = TraceOrder.Point.None;
    }
}
