using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class JobQueueTests
{
    private readonly JobQueue _queue = new();

    [Fact]
    public void Take_ByPriorityThenByOwnersInTurn()
    {
        for (long job = 1; job <= 6; job++)
        {
            _queue.Add(job, "many", 5);
        }

        _queue.Add(7, "few", 5);
        _queue.Add(8, "few", 5);
        _queue.Add(9, "late", 9);

        // The greatest priority; then owners in turn, each in the order of submission; what is left at last.
        long?[] expected = [9, 7, 1, 8, 2, 3, 4, 5, 6, null];
        Assert.Equal(expected, Enumerable.Range(0, 10).Select(_ => TakeAndEnd()));
    }

    [Fact]
    public void Take_TheOwnerWithFewestRunning()
    {
        foreach ((long job, string owner) in new[] { (1L, "a"), (2L, "a"), (3L, "a"), (4L, "b") })
        {
            _queue.Add(job, owner, 0);
        }

        Assert.Equal(1, _queue.Take()?.Id);
        Assert.Equal(4, _queue.Take()?.Id);
        _queue.End("b");
        _queue.Add(5, "b", 0);
        Assert.Equal(5, _queue.Take()?.Id);
        Assert.Equal(2, _queue.Take()?.Id);
    }

    /// <summary>A job that is begun again goes before those that came after it.</summary>
    [Fact]
    public void Add_Again_GoesFirst()
    {
        _queue.Add(1, "a", 0);
        _queue.Add(2, "a", 0);
        Assert.Equal(1, _queue.Take()?.Id);
        _queue.End("a");
        _queue.Add(1, "a", 0);
        _queue.Add(1, "a", 0);
        Assert.Equal(2, _queue.Count);
        Assert.Equal(1, _queue.Take()?.Id);
    }

    [Fact]
    public void Remove_WaitsNoMore()
    {
        _queue.Add(1, "a", 3);
        Assert.True(_queue.Remove(1));
        Assert.False(_queue.Remove(1));
        Assert.Null(_queue.Take());
        Assert.Equal(0, _queue.Count);
    }

    private long? TakeAndEnd()
    {
        (long Id, string Owner, int Priority)? job = _queue.Take();
        if (job is { } taken)
        {
            _queue.End(taken.Owner);
        }

        return job?.Id;
    }
}
