using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>Between whom a message of a protocol goes.</summary>
public enum MessageDirection
{
    /// <summary>From a core to an address space.</summary>
    CoreToSpace,

    /// <summary>From an address space to a core.</summary>
    SpaceToCore,

    /// <summary>From a core to another core of its domain.</summary>
    CoreToCore,
}

/// <summary>A kind of message that a protocol adds. A kind's number is its place in what the shootdown protocol declares.</summary>
/// <param name="Name">What it is, for errors.</param>
/// <param name="Direction">Between whom it goes.</param>
/// <param name="LeastDelay">
/// Cycles from when it leaves to its delivery, at least 1. No message of the kind may take less; a run's windows are as short as this
/// demands. What a space sends leaves it a service time after the message that it handles.
/// </param>
public readonly record struct ProtocolMessage(string Name, MessageDirection Direction, Cycles LeastDelay);
