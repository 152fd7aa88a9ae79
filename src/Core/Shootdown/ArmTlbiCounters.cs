using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What an address space counts under <see cref="ArmTlbiProtocol"/>.</summary>
public sealed class ArmTlbiSpaceCounters : CounterSet<ArmTlbiSpaceCounters>
{
    public static readonly Counter Operations = Declare("tlbiBroadcasts", "instructions", "TLBI instructions that were broadcast.");
    public static readonly Counter LocalOperations = Declare("tlbiLocal", "instructions", "TLBI instructions that stayed on their core.");
    public static readonly Counter FabricWait = Declare(
        "fabricWaitCycles", "cycles", "Time that broadcasts waited for those of other cores to leave the fabric.");
}

/// <summary>What a core counts under <see cref="ArmTlbiProtocol"/>.</summary>
public sealed class ArmTlbiCoreCounters : CounterSet<ArmTlbiCoreCounters>
{
    public static readonly Counter FlushesAtSwitch = Declare(
        "flushesOfNewGenerations", "flushes", "Switches that dropped everything because a new generation of ASIDs had begun.");
}
