namespace VmSim.Host.Service;

/// <summary>The split job whose turn it is; it waits until all nodes that it needs have room at the same time.</summary>
/// <param name="job">The job.</param>
/// <param name="since">Since when.</param>
internal sealed class WaitingGang(Job job, DateTimeOffset since)
{
    /// <summary>The job.</summary>
    public Job Job => job;

    /// <summary>Since when it waits.</summary>
    public DateTimeOffset Since => since;

    /// <summary>Names of the nodes of which one place is kept for it.</summary>
    public HashSet<string> Kept { get; } = new(StringComparer.Ordinal);
}
