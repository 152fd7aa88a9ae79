namespace VmSim.Host.Service;

/// <summary>
/// The jobs that wait, and which is next. A greater priority goes first. Of one priority the owner is next who has the fewest jobs running,
/// and of several such the one who has waited longest since the last job; his jobs go in the order of submission.
/// </summary>
internal sealed class JobQueue
{
    private readonly SortedDictionary<int, Dictionary<string, SortedSet<long>>> _waiting =
        new(Comparer<int>.Create((one, other) => other.CompareTo(one)));

    private readonly Dictionary<long, (string Owner, int Priority)> _places = [];
    private readonly Dictionary<string, int> _running = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _lastTurn = new(StringComparer.Ordinal);
    private long _turns;

    /// <summary>Jobs that wait.</summary>
    public int Count => _places.Count;

    /// <summary>A job waits, be it new or to be begun again.</summary>
    public void Add(long job, string owner, int priority)
    {
        if (!_places.TryAdd(job, (owner, priority)))
        {
            return;
        }

        if (!_waiting.TryGetValue(priority, out Dictionary<string, SortedSet<long>>? owners))
        {
            _waiting[priority] = owners = new(StringComparer.Ordinal);
        }

        if (!owners.TryGetValue(owner, out SortedSet<long>? jobs))
        {
            owners[owner] = jobs = [];
        }

        jobs.Add(job);
    }

    /// <summary>A job waits no more.</summary>
    /// <returns>Whether it did.</returns>
    public bool Remove(long job)
    {
        if (!_places.Remove(job, out (string Owner, int Priority) place))
        {
            return false;
        }

        Dictionary<string, SortedSet<long>> owners = _waiting[place.Priority];
        SortedSet<long> jobs = owners[place.Owner];
        jobs.Remove(job);
        if (jobs.Count == 0)
        {
            owners.Remove(place.Owner);
        }

        if (owners.Count == 0)
        {
            _waiting.Remove(place.Priority);
        }

        return true;
    }

    /// <summary>Whether a job waits.</summary>
    public bool Has(long job) => _places.ContainsKey(job);

    /// <summary>The next job; it counts as running until <see cref="End"/>.</summary>
    /// <returns>Its number, owner and priority; null if none waits.</returns>
    public (long Id, string Owner, int Priority)? Take()
    {
        if (_waiting.Count == 0)
        {
            return null;
        }

        (int priority, Dictionary<string, SortedSet<long>> owners) = _waiting.First();
        string owner = owners.Keys
            .OrderBy(name => _running.GetValueOrDefault(name))
            .ThenBy(name => _lastTurn.GetValueOrDefault(name))
            .ThenBy(name => name, StringComparer.Ordinal)
            .First();
        long job = owners[owner].Min;
        Remove(job);
        Begin(owner);
        _lastTurn[owner] = ++_turns;
        return (job, owner, priority);
    }

    /// <summary>A job of somebody runs that was not taken here.</summary>
    public void Begin(string owner) => _running[owner] = _running.GetValueOrDefault(owner) + 1;

    /// <summary>A job that was taken runs no more.</summary>
    public void End(string owner)
    {
        if (--_running[owner] == 0)
        {
            _running.Remove(owner);
        }
    }
}
