namespace VmSim.Host.Service;

/// <summary>What an endpoint asks of who asks it.</summary>
/// <param name="Role">The least role.</param>
internal sealed record RoleNeeded(Role Role);
