namespace VmSim.Host.Service;

/// <summary>Over how many nodes a job is to be spread, and what it takes, as far as those who submitted it say. None of it changes a
/// result.</summary>
/// <param name="Nodes">Nodes that are to have it at a time; 1 for one, if it fits there.</param>
/// <param name="MemoryBytes">Bytes that it needs on one node; 0 for nothing known.</param>
/// <param name="SharedBytes">How many of those are divided among nodes that have it together; every node has the others.</param>
/// <param name="Cores">Host threads that are to simulate it, over all nodes; 0 for as many as a node gives a job.</param>
/// <param name="Sets">Settings of its cluster, each <c>cluster.key=value</c>.</param>
internal sealed record JobSpread(
    int Nodes = 1, long MemoryBytes = 0, long SharedBytes = 0, int Cores = 0, IReadOnlyList<string>? Sets = null)
{
    /// <summary>A job of which nothing is said.</summary>
    public static readonly JobSpread None = new();

    /// <summary>Whether several nodes are to have it at a time.</summary>
    public bool IsSplit => Nodes > 1;

    /// <summary>Bytes that it needs on each of several nodes.</summary>
    public long BytesOn(int nodes) => MemoryBytes - SharedBytes + ((SharedBytes + nodes - 1) / nodes);
}
