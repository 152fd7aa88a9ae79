namespace VmSim.Host.Service;

/// <summary>A node, as far as jobs are placed by it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Free">Jobs that it would begin now.</param>
/// <param name="MemoryBytes">Bytes of memory that it has; 0 if it does not say.</param>
/// <param name="Threads">Host threads that it gives a job; 0 if it does not say.</param>
/// <param name="CanShare">Whether it can have a job together with others.</param>
internal sealed record NodeRoom(string Name, int Free, long MemoryBytes = 0, int Threads = 0, bool CanShare = true)
{
    /// <summary>Whether a job fits, without others, once the node has room.</summary>
    public bool Fits(JobSpread spread) => HasBytes(spread.MemoryBytes) && (Threads == 0 || spread.Cores <= Threads);

    /// <summary>Whether the node has so much memory in all.</summary>
    public bool HasBytes(long bytes) => MemoryBytes == 0 || bytes <= MemoryBytes;
}

/// <summary>
/// Which nodes are to have a job together. It is a pure function of what is known of the job and of the nodes; it takes all nodes that the
/// job needs or none.
/// </summary>
internal static class GangPlacement
{
    /// <summary>
    /// Over how many nodes a job is to be spread: as few as it fits on, and no fewer than it asks for. If there are too few, as many as
    /// there are, if it fits on them.
    /// </summary>
    /// <param name="spread">What the job takes.</param>
    /// <param name="nodes">The nodes that there are, busy ones too.</param>
    /// <returns>The number; 0 if it does not fit on any number of them.</returns>
    public static int NodesFor(JobSpread spread, IReadOnlyCollection<NodeRoom> nodes)
    {
        for (int count = Math.Max(1, spread.Nodes); count <= nodes.Count; count++)
        {
            NodeRoom[] best = [.. Able(spread, nodes, count).OrderByDescending(node => node.Threads).Take(count)];
            if (best.Length == count && (spread.Cores <= best.Sum(node => node.Threads) || Array.Exists(best, node => node.Threads == 0)))
            {
                return count;
            }
        }

        for (int count = nodes.Count; count > 0; count--)
        {
            if (Able(spread, nodes, count).Count() >= count)
            {
                return count;
            }
        }

        return 0;
    }

    /// <summary>Chooses nodes for a job: those with room first, then those that are kept for it already.</summary>
    /// <param name="spread">What the job takes.</param>
    /// <param name="nodes">The nodes that there are, busy ones too.</param>
    /// <param name="count">How many; <see cref="NodesFor"/> says that there are as many.</param>
    /// <param name="kept">Names of the nodes that are kept for the job.</param>
    /// <returns>The nodes, of which the first leads; the job can begin when each has room.</returns>
    public static IReadOnlyList<NodeRoom> Choose(
        JobSpread spread, IReadOnlyCollection<NodeRoom> nodes, int count, IReadOnlySet<string> kept) =>
    [
        .. Able(spread, nodes, count)
            .OrderByDescending(node => spread.Cores > 0 ? node.Threads : 0)
            .ThenByDescending(node => node.Free > 0)
            .ThenByDescending(node => kept.Contains(node.Name))
            .ThenBy(node => node.Name, StringComparer.Ordinal)
            .Take(count),
    ];

    private static IEnumerable<NodeRoom> Able(JobSpread spread, IEnumerable<NodeRoom> nodes, int count) =>
        nodes.Where(node => node.HasBytes(spread.BytesOn(count)) && (node.CanShare || count == 1));
}
