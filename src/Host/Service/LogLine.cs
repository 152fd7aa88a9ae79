namespace VmSim.Host.Service;

/// <summary>A line of a job's log.</summary>
/// <param name="Time">When, in milliseconds since 1970, UTC.</param>
/// <param name="Text">What happened.</param>
internal sealed record LogLine(long Time, string Text);
