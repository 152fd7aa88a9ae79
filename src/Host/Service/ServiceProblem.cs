namespace VmSim.Host.Service;

/// <summary>What the service answers when it does not do what it was asked.</summary>
/// <param name="Error">Why.</param>
internal sealed record ServiceProblem(string Error);
