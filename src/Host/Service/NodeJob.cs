namespace VmSim.Host.Service;

/// <summary>A job that a node makes, as the service sees it.</summary>
/// <param name="node">The node.</param>
/// <param name="lease">By what the node has it.</param>
/// <param name="givenAt">
/// Number of the beat whose answer has the order, which the next one claims; 0 for one that it had before, <see cref="Undelivered"/> for
/// one that no answer has yet.
/// </param>
internal sealed class NodeJob(ServiceNode node, string lease, long givenAt) : IJobMaker
{
    /// <summary>Greater than the number of any beat.</summary>
    public const long Undelivered = long.MaxValue;

    private readonly TaskCompletionSource<JobEnding> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action<JobProgress> _progress = _ => { };
    private HashSet<string> _missing = [];
    private DateTimeOffset _missingUntil;
    private Action<JobFigures> _figures = _ => { };
    private int _isLookedAt;

    /// <summary>The node.</summary>
    public ServiceNode Node => node;

    /// <summary>By what the node has it.</summary>
    public string Lease => lease;

    /// <summary>Number of the beat whose answer has the order.</summary>
    public long GivenAt { get; private set; } = givenAt;

    /// <summary>What the node is told when it next asks; null if it has been told.</summary>
    public NodeOrder? Order { get; set; }

    /// <summary>Where the node waits for the others, if several nodes have the job; empty before it has said so.</summary>
    public string Address { get; private set; } = "";

    /// <summary>What other nodes have of the job.</summary>
    public List<GangPart> Parts { get; } = [];

    /// <summary>Whether the attempt has ended.</summary>
    public bool IsOver => _ended.Task.IsCompleted;

    /// <summary>Whether the node has said so.</summary>
    public bool IsEndedByNode { get; private set; }

    /// <inheritdoc/>
    public string Where => Parts.Count == 0
        ? $"node {node.Name}"
        : $"nodes {string.Join(", ", Parts.Select(part => part.Node.Name).Prepend(node.Name))}";

    /// <inheritdoc/>
    public Task<JobEnding> WaitAsync(Action<JobProgress> progress, Action<JobFigures> figures, Action<string> log)
    {
        Volatile.Write(ref _progress, progress);
        Volatile.Write(ref _figures, figures);
        return _ended.Task;
    }

    /// <summary>Takes the order for an answer.</summary>
    /// <param name="number">Number of the beat that is answered.</param>
    public NodeOrder? TakeOrder(long number)
    {
        NodeOrder? order = Order;
        (Order, GivenAt) = (null, order is null ? GivenAt : number);
        return order;
    }

    /// <summary>Other nodes have it too, or had it, and have not said so to this service.</summary>
    /// <param name="names">Their names.</param>
    /// <param name="until">How long they may take.</param>
    public void Miss(IEnumerable<string> names, DateTimeOffset until) => (_missing, _missingUntil) = ([.. names], until);

    /// <summary>A node says that it has its part still.</summary>
    /// <returns>Whether it was missed.</returns>
    public bool Find(string name) => _missing.Remove(name);

    /// <summary>Ends the attempt if a node that has it too has not come back.</summary>
    public void EndIfMissing(DateTimeOffset now)
    {
        if (_missing.Count > 0 && now >= _missingUntil)
        {
            End(new JobEnding(null, $"node {_missing.Order(StringComparer.Ordinal).First()} has not come back", IsLost: true));
        }
    }

    /// <summary>The node has said what it is at. What it says for the job's log is the scheduler's concern.</summary>
    public void Hear(NodeClaim claim)
    {
        Address = claim.Address.Length > 0 ? claim.Address : Address;
        if (claim.Progress is { } made)
        {
            Volatile.Read(ref _progress)(made);
        }

        if (claim.Figures is { } figures)
        {
            Volatile.Read(ref _figures)(figures);
        }
    }

    /// <inheritdoc/>
    public void Look() => Volatile.Write(ref _isLookedAt, 1);

    /// <summary>Whether somebody has looked since this was last asked.</summary>
    public bool TakeLook() => Interlocked.Exchange(ref _isLookedAt, 0) == 1;

    /// <summary>The attempt has ended; what is said of it later counts no more.</summary>
    public void End(JobEnding ending) => _ended.TrySetResult(ending);

    /// <summary>The node says that the attempt has ended, be it for the second time.</summary>
    /// <returns>Whether that counts; false if it has ended without the node.</returns>
    public bool EndByNode(JobEnding ending) => IsEndedByNode |= _ended.TrySetResult(ending);

    /// <inheritdoc/>
    public void Stop() => End(new JobEnding(null, "", IsDetached: true));

    /// <inheritdoc/>
    public void Kill() => End(new JobEnding(null, "it was ended"));

    /// <inheritdoc/>
    public void Dispose()
    {
        // What a node has is told it by the answers to its beats.
    }
}
