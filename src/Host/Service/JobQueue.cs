namespace VmSim.Host.Service;

/// <summary>
/// The jobs that wait, and which is next. A greater priority goes first. Of one priority the owner is next who has the fewest jobs running,
/// and of several such the one who has waited longest since the last job; his jobs go in the order of submission.
/// <para>
/// Jobs of one owner and priority are a line, and those for several nodes together another one, which is asked for apart. Only the head of
/// a line is in memory, the rest is in the store, from which the line is filled again; so memory grows with the lines, not with the jobs,
/// and a turn costs the logarithm of the number of owners. A number may come out of the store that is known already, or over meanwhile:
/// whoever begins a job looks there at its state. The queue asks nobody: whoever takes a job fetches the rest of its line, while others go
/// on with the queue.
/// </para>
/// </summary>
/// <param name="isTaken">Whether a job that waits by the word of the store is another's concern now.</param>
internal sealed class JobQueue(Func<long, bool> isTaken)
{
    /// <summary>
    /// Jobs of a line that are fetched at once. A fetch of so many takes 0.07 ms of SQLite, with a million waiting (docs/scale.md), and
    /// comes once for so many turns; in memory they take some 15 KB.
    /// </summary>
    public const int Window = 256;

    private static readonly Comparer<Owner> ByTurn = Comparer<Owner>.Create(CompareTurns);

    private readonly Dictionary<string, Owner> _owners = new(StringComparer.Ordinal);

    /// <summary>Kinds of lines: one of each priority, and one of each priority of split jobs.</summary>
    private const int Kinds = 2 * (JobLimits.PriorityMax + 1);

    /// <summary>For each kind of line the owners who have one, the next one first.</summary>
    private readonly SortedSet<Owner>[] _turns = [.. Enumerable.Range(0, Kinds).Select(_ => new SortedSet<Owner>(ByTurn))];

    private long _turn;

    /// <summary>Jobs that wait. Those that are in the store alone are counted as far as this process has heard of them.</summary>
    public long Count { get; private set; }

    /// <summary>Jobs in memory.</summary>
    public int Held { get; private set; }

    /// <summary>A job has been submitted.</summary>
    public void Add(QueuedJob job)
    {
        Line line = LineOf(job.Owner, KindOf(job));
        if (!line.HasRest && line.Head.Count < Window)
        {
            Put(line, job.Id);
        }
        else
        {
            // Submissions that end at about the same time may come here in another order than their numbers.
            line.After = line.HasRest ? Math.Min(line.After, job.Id - 1) : job.Id - 1;
            line.HasRest = true;
            line.News++;
            line.Rest++;
            Count++;
        }

        List(job.Owner, KindOf(job));
    }

    /// <summary>A job waits again.</summary>
    public void Return(QueuedJob job)
    {
        Put(LineOf(job.Owner, KindOf(job)), job.Id);
        List(job.Owner, KindOf(job));
    }

    /// <summary>The store has jobs that this process has not heard of, or may have them.</summary>
    /// <param name="owner">Whose they are.</param>
    /// <param name="priority">Their priority.</param>
    /// <param name="count">How many, as far as is known.</param>
    /// <param name="isSplit">Whether they are split jobs.</param>
    public void Find(string owner, int priority, long count, bool isSplit = false)
    {
        int kind = KindOf(priority, isSplit);
        Line line = LineOf(owner, kind);
        (line.HasRest, line.After) = (true, 0);
        line.News++;
        line.Rest += count;
        Count += count;
        List(owner, kind);
    }

    /// <summary>A job waits no more.</summary>
    public void Remove(QueuedJob job)
    {
        Line line = LineOf(job.Owner, KindOf(job));
        if (line.Head.Remove(job.Id))
        {
            (Held, Count) = (Held - 1, Count - 1);
        }
        else if (line.Rest > 0)
        {
            line.Rest--;
            Count--;
        }

        Unlist(_owners[job.Owner], KindOf(job));
    }

    /// <summary>The next job; it counts as running until <see cref="End"/>.</summary>
    /// <param name="rest">What is to be fetched, and given to <see cref="Fill"/>, before there is a next one; null if nothing is.</param>
    /// <param name="isSplit">Whether a split job is wanted.</param>
    /// <returns>The job; null if none waits, or it is in the store.</returns>
    public QueuedJob? Take(out QueueRest? rest, bool isSplit = false)
    {
        rest = null;
        for (int priority = JobLimits.PriorityMax; priority >= 0; priority--)
        {
            int kind = KindOf(priority, isSplit);
            while (_turns[kind].Min is { } owner)
            {
                Line line = owner.Lines[kind]!;
                if (line.Head.Count > 0)
                {
                    long job = line.Head.Min;
                    line.Head.Remove(job);
                    (Held, Count) = (Held - 1, Count - 1);
                    Unlist(owner, kind);
                    Change(owner, +1, ++_turn);
                    return new QueuedJob(job, owner.Name, priority, isSplit);
                }

                if (line.HasRest)
                {
                    rest = new QueueRest(owner.Name, priority, line.After, line.News, isSplit);
                    return null;
                }

                Unlist(owner, kind);
            }
        }

        return null;
    }

    /// <summary>The greatest priority of which a job waits, as far as is known; null for none.</summary>
    /// <param name="isSplit">Whether split jobs are meant.</param>
    public int? Greatest(bool isSplit)
    {
        for (int priority = JobLimits.PriorityMax; priority >= 0; priority--)
        {
            if (_turns[KindOf(priority, isSplit)].Count > 0)
            {
                return priority;
            }
        }

        return null;
    }

    /// <summary>Takes what has been fetched of a line.</summary>
    /// <param name="rest">What was to be fetched.</param>
    /// <param name="next">The next jobs, at most <see cref="Window"/>.</param>
    public void Fill(QueueRest rest, IReadOnlyList<long> next)
    {
        int kind = KindOf(rest.Priority, rest.IsSplit);
        if (OwnerOf(rest.Owner).Lines[kind] is not { } line || line.After != rest.After)
        {
            // The line was heard of anew meanwhile, or another one has filled it.
            return;
        }

        foreach (long job in next.Where(job => !isTaken(job)))
        {
            Put(line, job);
        }

        // What was counted in the rest is in the head now, or was heard of wrongly; what has come meanwhile may be in neither.
        line.HasRest = next.Count == Window || line.News != rest.News;
        long moved = line.HasRest ? Math.Min(line.Rest, next.Count) : line.Rest;
        line.Rest -= moved;
        Count -= moved;
        line.After = next.Count > 0 ? next[^1] : line.After;
        Unlist(_owners[rest.Owner], kind);
    }

    /// <summary>A job of somebody runs that was not taken here.</summary>
    public void Begin(string owner)
    {
        Owner found = OwnerOf(owner);
        Change(found, +1, found.LastTurn);
    }

    /// <summary>A job that was taken runs no more.</summary>
    public void End(string owner)
    {
        Owner found = OwnerOf(owner);
        Change(found, -1, found.LastTurn);
    }

    private static int KindOf(int priority, bool isSplit) => priority + (isSplit ? JobLimits.PriorityMax + 1 : 0);

    private static int KindOf(QueuedJob job) => KindOf(job.Priority, job.IsSplit);

    private static int CompareTurns(Owner? one, Owner? other)
    {
        int order = one!.Running.CompareTo(other!.Running);
        order = order != 0 ? order : one.LastTurn.CompareTo(other.LastTurn);
        return order != 0 ? order : string.CompareOrdinal(one.Name, other.Name);
    }

    private void Put(Line line, long job)
    {
        if (line.Head.Add(job))
        {
            (Held, Count) = (Held + 1, Count + 1);
        }
    }

    private Owner OwnerOf(string name)
    {
        if (!_owners.TryGetValue(name, out Owner? owner))
        {
            _owners[name] = owner = new Owner(name);
        }

        return owner;
    }

    private Line LineOf(string owner, int kind) => OwnerOf(owner).Lines[kind] ??= new Line();

    private void List(string owner, int kind) => _turns[kind].Add(_owners[owner]);

    /// <summary>Takes an owner out of the turns of a kind if nothing of it is left.</summary>
    private void Unlist(Owner owner, int kind)
    {
        if (owner.Lines[kind] is { HasRest: false, Head.Count: 0 } line)
        {
            _turns[kind].Remove(owner);
            owner.Lines[kind] = null;
            Count -= line.Rest;
        }
    }

    /// <summary>Changes what an owner's turn depends on, in the turns of all kinds.</summary>
    private void Change(Owner owner, int running, long turn)
    {
        for (int kind = 0; kind < _turns.Length; kind++)
        {
            if (owner.Lines[kind] is not null)
            {
                _turns[kind].Remove(owner);
            }
        }

        (owner.Running, owner.LastTurn) = (owner.Running + running, turn);
        for (int kind = 0; kind < _turns.Length; kind++)
        {
            if (owner.Lines[kind] is not null)
            {
                _turns[kind].Add(owner);
            }
        }
    }

    /// <summary>Somebody who has submitted jobs; there are as many as names of tokens have been used.</summary>
    private sealed class Owner(string name)
    {
        public string Name => name;

        public int Running { get; set; }

        public long LastTurn { get; set; }

        public Line?[] Lines { get; } = new Line?[Kinds];
    }

    /// <summary>Jobs of one owner and one priority, in the order of submission.</summary>
    private sealed class Line
    {
        public SortedSet<long> Head { get; } = [];

        /// <summary>Whether the store may have more, with numbers greater than <see cref="After"/>.</summary>
        public bool HasRest { get; set; }

        public long After { get; set; }

        /// <summary>How often something was heard of the rest.</summary>
        public long News { get; set; }

        /// <summary>How many more, as far as is known; nothing depends on it but <see cref="Count"/>.</summary>
        public long Rest { get; set; }
    }
}
