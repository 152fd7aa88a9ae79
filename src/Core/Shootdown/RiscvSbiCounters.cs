using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What an address space counts under <see cref="RiscvSbiProtocol"/>.</summary>
public sealed class RiscvSbiSpaceCounters : CounterSet<RiscvSbiSpaceCounters>
{
    public static readonly Counter FirmwareCalls = Declare(
        "firmwareCalls", "calls", "Calls of the firmware to have other cores invalidate.");
    public static readonly Counter Deferred = Declare(
        "flushesLeftToLoads", "flushes", "Flushes left to cores that did not run the space, for when they load it again.");
}

/// <summary>What a core counts under <see cref="RiscvSbiProtocol"/>.</summary>
public sealed class RiscvSbiCoreCounters : CounterSet<RiscvSbiCoreCounters>
{
    public static readonly Counter FlushesAtSwitch = Declare(ArmTlbiCoreCounters.FlushesAtSwitch.Info);
}
