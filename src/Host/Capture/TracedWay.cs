namespace VmSim.Host.Capture;

/// <summary>How a program is run under a tool.</summary>
/// <param name="Randomizes">Whether addresses are randomized.</param>
/// <param name="Limit">After how long it is interrupted as by Ctrl-C; 0 for never.</param>
internal readonly record struct TracedWay(bool Randomizes, TimeSpan Limit);
