namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// Puts the calls of a process in an order in which they can have happened. A call is printed when it has returned, so one thread's mmap
/// may stand before the munmap of another thread that made room for it.
/// </summary>
/// <remarks>
/// While a call that may free addresses is open, what other threads do waits. When it returns, it is put before the first of them that maps
/// what it freed, and behind all of them if none does.
/// </remarks>
internal sealed class StraceOrder(StraceWriter writer)
{
    /// <summary>What may wait for a call; a call that takes longer is not waited for.</summary>
    private const int MostWaiting = 65_536;

    private readonly List<StraceStep> _waiting = [];
    private readonly Dictionary<long, long> _open = [];
    private long _first;

    /// <summary>A call of a task begins that may free addresses.</summary>
    public void Begin(long task) => _open[task] = _first + _waiting.Count;

    /// <summary>What happened besides.</summary>
    public void Add(in StraceStep step)
    {
        if (_open.Count == 0)
        {
            writer.Write(step);
            return;
        }

        _waiting.Add(step);
        if (_waiting.Count > MostWaiting)
        {
            _open.Clear();
            Drain();
        }
    }

    /// <summary>The open call of a task has returned.</summary>
    /// <param name="task">The task.</param>
    /// <param name="steps">What it did; empty if nothing.</param>
    /// <param name="start">The first address that it freed.</param>
    /// <param name="end">The address behind the last one; the first one if it freed none.</param>
    public void End(long task, List<StraceStep> steps, ulong start, ulong end)
    {
        if (!_open.Remove(task, out long since))
        {
            foreach (StraceStep step in steps)
            {
                Add(step);
            }

            return;
        }

        int at = (int)Math.Max(0, since - _first);
        while (at < _waiting.Count && !(start < end && _waiting[at].Maps(start, end)))
        {
            at++;
        }

        _waiting.InsertRange(at, steps);
        foreach ((long other, long place) in _open.ToArray())
        {
            _open[other] = place > _first + at ? place + steps.Count : place;
        }

        Drain();
    }

    /// <summary>Writes all that waits.</summary>
    public void Finish()
    {
        _open.Clear();
        Drain();
    }

    private void Drain()
    {
        long end = _open.Count == 0 ? _first + _waiting.Count : _open.Values.Min();
        int count = (int)Math.Max(0, end - _first);
        for (int i = 0; i < count; i++)
        {
            writer.Write(_waiting[i]);
        }

        _waiting.RemoveRange(0, count);
        _first += count;
    }
}
