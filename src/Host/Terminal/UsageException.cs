namespace VmSim.Host.Terminal;

/// <summary>A command line that cannot be carried out, with a message for the person who typed it.</summary>
public sealed class UsageException : Exception
{
    /// <inheritdoc cref="Exception()"/>
    public UsageException()
    {
    }

    /// <inheritdoc cref="Exception(string)"/>
    public UsageException(string message)
        : base(message)
    {
    }

    /// <inheritdoc cref="Exception(string, Exception)"/>
    public UsageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
