using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

// The sentence of a class stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>Where a core's cycles go, by class. With <see cref="Idle"/> they add up to the run's length.</summary>
public sealed class CoreCycles : CounterSet<CoreCycles>
{
    public static readonly Counter User = Declare("user", "cycles", "Running the program, TLB hits included.");
    public static readonly Counter Walk = Declare("walk", "cycles", "Second-level TLB hits and page walks.");
    public static readonly Counter Fault = Declare("fault", "cycles", "Page faults, shootdown waits apart.");
    public static readonly Counter Syscall = Declare("syscall", "cycles", "System calls, shootdown waits apart.", "call");
    public static readonly Counter ShootdownWait = Declare("shootdownWait", "cycles", "Waiting for other cores to invalidate.", "wait");
    public static readonly Counter Interrupt = Declare("interrupt", "cycles", "Handling other cores' invalidations, and ticks.", "irq");
    public static readonly Counter OrderWait = Declare(
        "orderWait", "cycles", "Waiting for what the order of a trace puts first, where the program ran on.", "order");
    public static readonly Counter Switch = Declare("switch", "cycles", "Switching threads and address spaces.");

    /// <summary>The run's length, the first of its totals.</summary>
    public static CounterInfo OfRun { get; } = new("cycles", "cycles", "Virtual time from the start of counting to the end of the run.");

    /// <summary>What is left of the run's length; nobody counts it.</summary>
    public static CounterInfo Idle { get; } = new("idle", "cycles", "Nothing to run.");
}
