using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What an address space of a virtual machine counts of its host's work.</summary>
public sealed class GuestSpaceCounters : CounterSet<GuestSpaceCounters>
{
    public static readonly Counter KernelHostFaults = Declare(
        "kernelHostFaults", "faults", "Faults of the host's table that the guest's kernel took when it touched frames and table pages.");
    public static readonly Counter HostPagesGiven = Declare("hostPagesGiven", "pages", "Pages of the host that the guest touched first.");
    public static readonly Counter HostPagesReadBack = Declare(
        "hostPagesReadBack", "pages", "Pages of the host that it had taken away and read back.");
    public static readonly Counter HostPagesTaken = Declare("hostPagesTaken", "pages", "Pages that the host took away.");
    public static readonly Counter HostFlushes = Declare(
        "hostFlushes", "flushes", "Times the host had every core of the guest drop all translations.");
}
