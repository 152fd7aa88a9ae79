namespace VmSim.Host.Service;

/// <summary>What an endpoint asks of who asks it.</summary>
/// <param name="Role">The least role; for nodes, theirs and no other.</param>
internal sealed record RoleNeeded(Role Role)
{
    /// <summary>Whether somebody may.</summary>
    public bool Allows(Role role) => Role == Role.Node ? role == Role.Node : role >= Role;
}
