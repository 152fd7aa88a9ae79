namespace VmSim.Host.Service;

/// <summary>A node, as the service knows it from its beats.</summary>
/// <param name="name">Its name.</param>
/// <param name="instance">The process that has the name.</param>
internal sealed class ServiceNode(string name, string instance)
{
    /// <summary>
    /// A node that has said nothing for so long is lost, as one of a run is: what it had is begun again elsewhere, and what it may still
    /// send of that counts no more, since its leases are void. No result depends on the time.
    /// </summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>The process that has the name.</summary>
    public string Instance => instance;

    /// <summary>The last beat.</summary>
    public NodeBeat? Last { get; private set; }

    /// <summary>When it came.</summary>
    public DateTimeOffset Seen { get; private set; }

    /// <summary>Whether somebody wants it to end with the jobs that it has.</summary>
    public bool Drains { get; set; }

    /// <summary>The jobs that it has, or whose end is being written down.</summary>
    public Dictionary<long, NodeJob> Jobs { get; } = [];

    /// <summary>What it has of jobs that other nodes lead.</summary>
    public Dictionary<long, GangPart> Parts { get; } = [];

    /// <summary>Numbers of the jobs that it has, whole or a part.</summary>
    public IEnumerable<long> Ids =>
        Jobs.Where(job => !job.Value.IsOver).Select(job => job.Key)
            .Concat(Parts.Where(part => !part.Value.Leader.IsOver).Select(part => part.Key));

    /// <summary>Whether there is an order for it, or will be.</summary>
    public bool Awaits =>
        Jobs.Values.Any(job => job.Order is not null) || Parts.Values.Any(part => part.GivenAt == NodeJob.Undelivered);

    /// <summary>Jobs that it would begin besides those that it has been given, or will be.</summary>
    public int Free => Last!.Room - Jobs.Values.Count(job => !job.IsOver && job.GivenAt >= Last.Number)
        - Parts.Values.Count(part => part.GivenAt >= Last.Number);

    /// <summary>Takes a beat.</summary>
    /// <returns>Whether it is news: one that was overtaken is not.</returns>
    public bool Hear(NodeBeat beat, DateTimeOffset now)
    {
        if (beat.Number <= (Last?.Number ?? 0))
        {
            return false;
        }

        (Last, Seen) = (beat, now);
        Drains |= beat.State == NodeState.Draining;
        return true;
    }

    /// <summary>Whether it lives.</summary>
    public bool Lives(DateTimeOffset now) => now - Seen < Silence;
}
