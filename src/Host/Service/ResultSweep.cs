namespace VmSim.Host.Service;

/// <summary>What a step has removed of results.</summary>
/// <param name="Removed">How many.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="HasMore">Whether there may be more to remove.</param>
internal sealed record ResultSweep(int Removed, long Bytes, bool HasMore);
