namespace VmSim.Host.Terminal;

/// <summary>A command line that cannot be carried out, with a message for the person who typed it.</summary>
public sealed class UsageException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public UsageException()
    {
    }

    /// <summary>Makes an exception with a message for the person who typed the command.</summary>
    public UsageException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and its cause.</summary>
    public UsageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
