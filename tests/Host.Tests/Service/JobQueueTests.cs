using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class JobQueueTests
{
    private readonly FakeStore _store = new();
    private readonly HashSet<long> _taken = [];
    private readonly JobQueue _queue;

    public JobQueueTests() => _queue = new JobQueue(_taken.Contains);

    [Fact]
    public void Take_ByPriorityThenByOwnersInTurn()
    {
        for (long job = 1; job <= 6; job++)
        {
            Add(job, "many", 5);
        }

        Add(7, "few", 5);
        Add(8, "few", 5);
        Add(9, "late", 9);

        // The greatest priority; then owners in turn, each in the order of submission; what is left at last.
        long?[] expected = [9, 7, 1, 8, 2, 3, 4, 5, 6, null];
        Assert.Equal(expected, Enumerable.Range(0, 10).Select(_ => TakeAndEnd()));
    }

    [Fact]
    public void Take_TheOwnerWithFewestRunning()
    {
        foreach ((long job, string owner) in new[] { (1L, "a"), (2L, "a"), (3L, "a"), (4L, "b") })
        {
            Add(job, owner, 0);
        }

        Assert.Equal(1, Take()?.Id);
        Assert.Equal(4, Take()?.Id);
        _queue.End("b");
        Add(5, "b", 0);
        Assert.Equal(5, Take()?.Id);
        Assert.Equal(2, Take()?.Id);
    }

    /// <summary>A job that is begun again goes before those that came after it.</summary>
    [Fact]
    public void Return_GoesFirst()
    {
        Add(1, "a", 0);
        Add(2, "a", 0);
        Assert.Equal(1, Take()?.Id);
        _queue.End("a");
        _queue.Return(new QueuedJob(1, "a", 0));
        _queue.Return(new QueuedJob(1, "a", 0));
        Assert.Equal(2, _queue.Count);
        Assert.Equal(1, Take()?.Id);
    }

    [Fact]
    public void Remove_WaitsNoMore()
    {
        Add(1, "a", 3);
        Remove(1, "a", 3);
        Remove(1, "a", 3);
        Assert.Null(Take());
        Assert.Equal(0, _queue.Count);
    }

    /// <summary>
    /// Whatever waits beyond memory, each job comes once, and each owner's in the order of submission; memory has no more than the heads.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Take_FromLinesInTheStore_GivesEachOnce(int seed)
    {
        // Drawn so that submissions, turns, returns and cancellations come in any order.
        Random draw = new(seed);
        Dictionary<string, long> last = new(StringComparer.Ordinal);
        HashSet<long> over = [];
        long next = 0;
        long cancelled = 0;
        for (int step = 0; step < 6_000; step++)
        {
            (string owner, int priority) = ($"owner{draw.Next(3)}", draw.Next(2));
            switch (draw.Next(step < 3_000 ? 3 : 9))
            {
                case 0:
                    for (int i = draw.Next(20); i >= 0; i--)
                    {
                        Add(++next, owner, priority);
                    }

                    break;
                case 1 when next > 0:
                    long gone = draw.NextInt64(next) + 1;
                    if (_store.Find(gone) is { } job)
                    {
                        Remove(job.Id, job.Owner, job.Priority);
                        cancelled++;
                    }

                    break;
                default:
                    TakeOne(over, last, draw);
                    break;
            }
        }

        while (TakeOne(over, last, draw))
        {
            // Until none is left.
        }

        Assert.True(next > 20 * JobQueue.Window, "too few jobs for lines in the store");
        Assert.Equal(next - cancelled, over.Count);
        Assert.Equal((0L, 0), (_queue.Count, _queue.Held));
    }

    /// <summary>A service that begins knows how many jobs wait, and has those in memory that come first.</summary>
    [Fact]
    public void Find_ALongLine_HasItsHeadInMemory()
    {
        const int Jobs = 10 * JobQueue.Window;
        for (long job = 1; job <= Jobs; job++)
        {
            _store.Jobs.Add(new QueuedJob(job, "a", 5));
        }

        _queue.Find("a", 5, Jobs);
        Assert.Equal((Jobs, 0), (_queue.Count, _queue.Held));
        _taken.Add(1);
        for (long job = 2; job <= Jobs; job++)
        {
            Assert.Equal(job, Take()?.Id);
            Assert.InRange(_queue.Held, 0, JobQueue.Window);
            _store.Jobs.Remove(new QueuedJob(job, "a", 5));
        }

        Assert.Null(Take());
        Assert.Equal(0, _queue.Count);
        Assert.InRange(_store.Fetches, 1, 12);
    }

    /// <summary>Two submissions may be heard of in another order than that of their numbers; none is passed over.</summary>
    [Fact]
    public void Add_InAnyOrder_PassesNoneOver()
    {
        long[] numbers = [.. Enumerable.Range(1, 2 * JobQueue.Window).Select(job => (long)job)];
        foreach (long job in numbers)
        {
            _store.Jobs.Add(new QueuedJob(job, "a", 5));
        }

        foreach (long job in numbers.Reverse())
        {
            _queue.Add(new QueuedJob(job, "a", 5));
        }

        List<long> taken = [];
        while (Take() is { } job)
        {
            taken.Add(job.Id);
            _store.Jobs.Remove(job);
        }

        Assert.Equal(numbers, taken.Order());
    }

    /// <summary>A job that is submitted while the rest of its line is fetched is in neither the answer nor the head.</summary>
    [Fact]
    public void Add_WhileTheRestIsFetched_IsNotLost()
    {
        _queue.Find("a", 5, 0);
        Assert.Null(_queue.Take(out QueueRest? rest));
        IReadOnlyList<long> fetched = Fetch(rest!);
        Add(1, "a", 5);
        _queue.Fill(rest!, fetched);
        Assert.Equal(1, Take()?.Id);
        _store.Jobs.Clear();
        Assert.Null(Take());

        // One who asked for the same at the same time fills nothing twice.
        Assert.Equal(0, _queue.Count);
        _queue.Fill(rest!, [1]);
        Assert.Null(Take());
    }

    /// <summary>Takes a job, and fetches what is in the store.</summary>
    private QueuedJob? Take()
    {
        QueuedJob? job;
        while ((job = _queue.Take(out QueueRest? rest)) is null && rest is not null)
        {
            _queue.Fill(rest, Fetch(rest));
        }

        return job;
    }

    private IReadOnlyList<long> Fetch(QueueRest rest) => _store.Waiting(rest.Owner, rest.Priority, rest.After, JobQueue.Window);

    private void Add(long job, string owner, int priority)
    {
        _store.Jobs.Add(new QueuedJob(job, owner, priority));
        _queue.Add(new QueuedJob(job, owner, priority));
    }

    private void Remove(long job, string owner, int priority)
    {
        _store.Jobs.Remove(new QueuedJob(job, owner, priority));
        _queue.Remove(new QueuedJob(job, owner, priority));
    }

    private long? TakeAndEnd()
    {
        QueuedJob? job = Take();
        if (job is { } taken)
        {
            _store.Jobs.Remove(taken);
            _queue.End(taken.Owner);
        }

        return job?.Id;
    }

    /// <summary>Takes a job, and ends it or, seldom, has it begun again.</summary>
    private bool TakeOne(HashSet<long> over, Dictionary<string, long> last, Random draw)
    {
        if (Take() is not { } job)
        {
            return false;
        }

        string line = $"{job.Owner} {job.Priority}";
        Assert.True(job.Id >= last.GetValueOrDefault(line), $"{job} comes after {last.GetValueOrDefault(line)}");
        _queue.End(job.Owner);
        if (draw.Next(10) == 0)
        {
            last[line] = job.Id;
            _queue.Return(job);
            return true;
        }

        last[line] = job.Id + 1;
        Assert.True(over.Add(job.Id), $"{job} comes twice");
        Assert.True(_store.Jobs.Remove(job), $"{job} does not wait");
        return true;
    }

    /// <summary>What the store would say.</summary>
    private sealed class FakeStore
    {
        public SortedSet<QueuedJob> Jobs { get; } = new(Comparer<QueuedJob>.Create((one, other) => one.Id.CompareTo(other.Id)));

        public int Fetches { get; private set; }

        public QueuedJob? Find(long job) =>
            Jobs.TryGetValue(new QueuedJob(job, "", 0), out QueuedJob found) ? found : null;

        public IReadOnlyList<long> Waiting(string owner, int priority, long after, int count)
        {
            Fetches++;
            return
            [
                .. Jobs.Where(job => job.Owner == owner && job.Priority == priority && job.Id > after).Select(job => job.Id).Take(count),
            ];
        }
    }
}
