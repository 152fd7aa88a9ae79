namespace VmSim.Host.Service;

/// <summary>The part of a line that is to be fetched from the store.</summary>
/// <param name="Owner">Whose line.</param>
/// <param name="Priority">Of which priority.</param>
/// <param name="After">The jobs with a greater number.</param>
/// <param name="News">How often something was heard of the line by then.</param>
/// <param name="IsSplit">Whether it is the line of jobs for several nodes together.</param>
/// <param name="Build">Of which build.</param>
internal sealed record QueueRest(string Owner, int Priority, long After, long News, bool IsSplit = false, string Build = "");
