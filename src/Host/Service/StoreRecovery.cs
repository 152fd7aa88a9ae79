namespace VmSim.Host.Service;

/// <summary>What a service finds in its store when it begins.</summary>
/// <param name="Waiting">The lines in which jobs wait.</param>
/// <param name="Leased">Jobs that a node has or had, which may go on with them. They are among those that wait.</param>
internal sealed record StoreRecovery(IReadOnlyList<WaitingLine> Waiting, IReadOnlyList<Job> Leased);

/// <summary>Jobs that wait one behind another.</summary>
/// <param name="Build">The build that is to make them.</param>
/// <param name="Owner">Whose they are.</param>
/// <param name="Priority">Their priority.</param>
/// <param name="IsSplit">Whether they are split.</param>
/// <param name="Count">How many, as far as is known.</param>
internal readonly record struct WaitingLine(string Build, string Owner, int Priority, bool IsSplit, long Count);
