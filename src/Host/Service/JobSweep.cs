namespace VmSim.Host.Service;

/// <summary>What a step has removed of jobs.</summary>
/// <param name="After">The greatest number that was looked at.</param>
/// <param name="Jobs">How many were removed.</param>
/// <param name="Scenarios">Scenarios that went with them.</param>
/// <param name="IsAll">Whether all jobs that may be old were looked at.</param>
internal sealed record JobSweep(long After, int Jobs, int Scenarios, bool IsAll);
