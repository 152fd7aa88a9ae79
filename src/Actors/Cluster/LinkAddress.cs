namespace VmSim.Actors.Cluster;

/// <summary>Where a node takes the connections of the others that share a domain with it, on the host of its actor system.</summary>
/// <param name="Port">The port.</param>
/// <param name="Token">What a caller has to show: it is known to nodes of this run only.</param>
public readonly record struct LinkAddress(int Port, Guid Token)
{
    /// <summary>Bytes of a token.</summary>
    public const int TokenBytes = 16;
}
