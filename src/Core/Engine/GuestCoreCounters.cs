using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What a core of virtual machines counts.</summary>
public sealed class GuestCoreCounters : CounterSet<GuestCoreCounters>
{
    public static readonly Counter HostFaults = Declare(
        "hostFaults", "faults", "Walks that found nothing in the host's table for a page of the guest's memory.");
    public static readonly Counter HostFlushesHandled = Declare(
        "hostFlushesHandled", "flushes", "Times the core dropped all translations for the host.");
}
