namespace VmSim.Host.Service;

/// <summary>A job that waits, as far as its turn depends on it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Owner">Whose it is.</param>
/// <param name="Priority">0 to <see cref="JobLimits.PriorityMax"/>, the greatest first.</param>
/// <param name="IsSplit">Whether several nodes are to have it together: it is in a line of its own.</param>
/// <param name="Build">The build that is to make it; each has a queue of its own.</param>
internal readonly record struct QueuedJob(long Id, string Owner, int Priority, bool IsSplit = false, string Build = "");
