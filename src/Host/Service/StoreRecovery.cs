namespace VmSim.Host.Service;

/// <summary>What a service finds in its store when it begins.</summary>
/// <param name="Waiting">How many jobs wait, by owner, priority, and whether they are split.</param>
/// <param name="Leased">Jobs that a node has or had, which may go on with them. They are among those that wait.</param>
internal sealed record StoreRecovery(
    IReadOnlyList<(string Owner, int Priority, bool IsSplit, long Count)> Waiting, IReadOnlyList<Job> Leased);
