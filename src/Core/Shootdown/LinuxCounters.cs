using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What an address space counts under <see cref="LinuxProtocol"/>.</summary>
public sealed class LinuxSpaceCounters : CounterSet<LinuxSpaceCounters>
{
    public static readonly Counter RemoteFlushes = Declare(
        "remoteFlushes", "flushes", "Flushes while other cores were in the space's list, whether any was interrupted or not.");
}

/// <summary>What a core counts under <see cref="LinuxProtocol"/>.</summary>
public sealed class LinuxCoreCounters : CounterSet<LinuxCoreCounters>
{
    public static readonly Counter LocalFlushesOfAll = Declare(
        "localFlushesOfAll", "flushes", "Flushes of the whole space for the core's own operations.");
    public static readonly Counter LocalFlushesOfOne = Declare(
        "localFlushesOfOne", "entries", "Entries flushed one by one for the core's own operations.");
    public static readonly Counter WrongCore = Declare(
        "wrongCoreInterrupts", "interrupts", "Interrupts for a space that the core had left.");
}
