namespace VmSim.Actors.Cluster;

/// <summary>A node of a cluster run was lost; the message names it.</summary>
public sealed class NodeLostException : Exception
{
    /// <inheritdoc cref="Exception()"/>
    public NodeLostException()
    {
    }

    /// <inheritdoc cref="Exception(string)"/>
    public NodeLostException(string message)
        : base(message)
    {
    }

    /// <inheritdoc cref="Exception(string, Exception)"/>
    public NodeLostException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
