namespace VmSim.Host.Service;

/// <summary>The database of a store cannot be had now: its server is away, or another process has it. It may be tried again.</summary>
/// <param name="message">What is said to people.</param>
/// <param name="reason">Why; null if nothing else went wrong.</param>
internal sealed class StoreAwayException(string message, Exception? reason = null) : IOException(message, reason);
