namespace VmSim.Host.Service;

/// <summary>The split job whose turn it is; it waits until all nodes that it needs have room at the same time.</summary>
/// <param name="job">The job.</param>
/// <param name="build">The build of the nodes that are to have it.</param>
/// <param name="since">Since when.</param>
internal sealed class WaitingGang(Job job, string build, DateTimeOffset since)
{
    /// <summary>The job.</summary>
    public Job Job => job;

    /// <summary>The build of the nodes that are to have it.</summary>
    public string Build => build;

    /// <summary>Since when it waits.</summary>
    public DateTimeOffset Since => since;

    /// <summary>Names of the nodes of which one place is kept for it.</summary>
    public HashSet<string> Kept { get; } = new(StringComparer.Ordinal);
}
