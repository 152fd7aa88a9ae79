namespace VmSim.Host.Terminal;

/// <summary>The system lacks something that the program needs.</summary>
/// <param name="message">What, and what to do.</param>
internal sealed class ShortageException(string message) : Exception(message);
