namespace VmSim.Host.Service;

/// <summary>
/// The jobs that wait, those of each build in a queue of their own: a job and its checkpoints are of one build, that of the service to
/// which it was submitted, and nodes of that build make it. A build is lost when no node of it has said anything for a while; then this
/// service's build makes what waits of it. People have their turns in each queue by itself.
/// </summary>
/// <param name="here">The service's own build, which is never lost.</param>
/// <param name="isTaken">Whether a job that waits by the word of the store is another's concern now.</param>
/// <param name="clock">Says what time it is.</param>
internal sealed class BuildQueues(string here, Func<long, bool> isTaken, TimeProvider clock)
{
    private readonly SortedDictionary<string, BuildQueue> _builds = new(StringComparer.Ordinal);

    /// <summary>Jobs that wait, as <see cref="JobQueue.Count"/> counts them.</summary>
    public long Count => _builds.Values.Sum(build => build.Queue.Count);

    /// <summary>A job has been submitted.</summary>
    public void Add(QueuedJob job) => QueueOf(job.Build).Add(job);

    /// <summary>A job waits again.</summary>
    public void Return(QueuedJob job) => QueueOf(job.Build).Return(job);

    /// <summary>A job waits no more.</summary>
    public void Remove(QueuedJob job) => QueueOf(job.Build).Remove(job);

    /// <summary>The store has jobs that this process has not heard of, or may have them.</summary>
    public void Find(WaitingLine line) => QueueOf(line.Build).Find(line.Owner, line.Priority, line.Count, line.IsSplit);

    /// <summary>A job runs that was not taken here.</summary>
    public void Begin(QueuedJob job) => QueueOf(job.Build).Begin(job.Owner);

    /// <summary>A job that was taken runs no more.</summary>
    public void End(QueuedJob job) => QueueOf(job.Build).End(job.Owner);

    /// <summary>The next job that one of a build may make; it counts as running until <see cref="End"/>.</summary>
    /// <param name="build">Who makes it.</param>
    /// <param name="rest">What is to be fetched, and given to <see cref="Fill"/>, before there is a next one; null if nothing is.</param>
    /// <param name="isSplit">Whether a split job is wanted.</param>
    /// <returns>The job, which may be of a build that is lost; null if none waits, or it is in the store.</returns>
    public QueuedJob? Take(string build, out QueueRest? rest, bool isSplit = false)
    {
        rest = null;
        while (NextFor(build, isSplit) is { } next)
        {
            if (next.Queue.Take(out rest, isSplit) is { } job)
            {
                return job with { Build = next.Name };
            }

            if (rest is not null)
            {
                rest = rest with { Build = next.Name };
                return null;
            }
        }

        return null;
    }

    /// <summary>Takes what has been fetched of a line.</summary>
    public void Fill(QueueRest rest, IReadOnlyList<long> next) => QueueOf(rest.Build).Fill(rest, next);

    /// <summary>The greatest priority of which a job waits that one of a build may make, as far as is known; null for none.</summary>
    public int? Greatest(string build, bool isSplit) => NextFor(build, isSplit)?.Queue.Greatest(isSplit);

    /// <summary>Jobs that wait and are of a build.</summary>
    public long CountOf(string build) => _builds.TryGetValue(build, out BuildQueue? found) ? found.Queue.Count : 0;

    /// <summary>Somebody of a build is there.</summary>
    public void Hear(string build)
    {
        if (_builds.TryGetValue(build, out BuildQueue? found))
        {
            found.Seen = clock.GetUtcNow();
        }
    }

    /// <summary>The queue of which the next job comes: of the greatest priority, and of those the one of an older build.</summary>
    private BuildQueue? NextFor(string build, bool isSplit)
    {
        BuildQueue? next = _builds.GetValueOrDefault(build);
        int greatest = next?.Queue.Greatest(isSplit) ?? -1;
        if (build == here && _builds.Count > 1)
        {
            foreach (BuildQueue other in _builds.Values)
            {
                // At the same priority what waits of a lost build has waited longer.
                int priority = IsLost(other) ? other.Queue.Greatest(isSplit) ?? -1 : -1;
                if (priority > greatest || (priority == greatest && priority >= 0 && next?.Name == here))
                {
                    (next, greatest) = (other, priority);
                }
            }
        }

        return greatest < 0 ? null : next;
    }

    /// <summary>Whether nobody makes the jobs of a build. Of what build it was is not known of some, which are nobody's.</summary>
    private bool IsLost(BuildQueue build) =>
        build.Name != here && (build.Name.Length == 0 || clock.GetUtcNow() - build.Seen >= ServiceNode.Silence);

    private JobQueue QueueOf(string build)
    {
        if (!_builds.TryGetValue(build, out BuildQueue? found))
        {
            _builds[build] = found = new BuildQueue(build, new JobQueue(isTaken)) { Seen = clock.GetUtcNow() };
        }

        return found.Queue;
    }

    /// <summary>The jobs of one build.</summary>
    private sealed class BuildQueue(string name, JobQueue queue)
    {
        public string Name => name;

        public JobQueue Queue => queue;

        /// <summary>When somebody of the build was there last, or the queue was made.</summary>
        public DateTimeOffset Seen { get; set; }
    }
}
