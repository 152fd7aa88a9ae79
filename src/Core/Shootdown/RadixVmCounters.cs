using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What an address space counts under <see cref="RadixVmProtocol"/>.</summary>
public sealed class RadixVmCounters : CounterSet<RadixVmCounters>
{
    public static readonly Counter FillFaults = Declare(
        "fillFaults", "faults", "Faults on pages that the space maps and the core's own page table had not; they are spurious faults too.");
    public static readonly Counter CoreTablePages = Declare(
        "coreTablePages", "pages", "Table pages made for the page tables of cores; they stay as long as the space does.");
}
