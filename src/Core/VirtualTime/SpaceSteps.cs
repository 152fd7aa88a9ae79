using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>A space comes to the next step of an operation.</summary>
/// <param name="Kind">Which step: <see cref="MessageKind.OperationStart"/> to <see cref="MessageKind.DeviceDone"/>.</param>
/// <param name="Operation">The operation's number within the space.</param>
public readonly record struct OperationStep(MessageKind Kind, long Operation);

/// <summary>A thread's sleep ends.</summary>
/// <param name="Thread">The thread.</param>
public readonly record struct SleepEnd(ThreadId Thread);

/// <summary>A timer of the shootdown protocol's space half.</summary>
/// <param name="Argument">What the protocol set it with.</param>
public readonly record struct ProtocolTimer(long Argument);
