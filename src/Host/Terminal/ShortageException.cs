namespace VmSim.Host.Terminal;

/// <summary>The system lacks something that the program needs.</summary>
/// <param name="message">What, and what to do.</param>
/// <param name="passes">Whether it may have that again without anybody's doing.</param>
internal sealed class ShortageException(string message, bool passes = false) : Exception(message)
{
    /// <summary>Whether it may have that again without anybody's doing.</summary>
    public bool Passes => passes;
}
