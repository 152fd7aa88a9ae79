namespace VmSim.Host.Service;

/// <summary>A node could not take part in a job that it was to have with others.</summary>
internal sealed class GangBrokenException : Exception
{
    /// <inheritdoc cref="Exception()"/>
    public GangBrokenException()
    {
    }

    /// <inheritdoc cref="Exception(string)"/>
    public GangBrokenException(string message)
        : base(message)
    {
    }

    /// <inheritdoc cref="Exception(string, Exception)"/>
    public GangBrokenException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
