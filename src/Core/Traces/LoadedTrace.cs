using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>How a trace is read.</summary>
public sealed record TraceLoadOptions
{
    /// <summary>Opens another file of the same capture by name (a child's trace); null when there is none.</summary>
    public Func<string, Stream?>? OpenFile { get; init; }

    /// <summary>Opens the records of a file's bytes by its name; null for <see cref="TraceSources.OpenToKeep"/>.</summary>
    public Func<Stream, string, IVmtSource>? OpenSource { get; init; }

    /// <summary>Whether a damaged trace is used up to the damage, with a warning, instead of being refused.</summary>
    public bool Salvage { get; init; }

    /// <summary>The program's name; null for the file's.</summary>
    public string? Name { get; init; }

    /// <summary>Cycles computed after each reference; 0 to 2^40. A trace does not tell what the program computed in between.</summary>
    public long Compute { get; init; }

    /// <summary>Cycles of the machine in a nanosecond, from 0.001 to 100: what a sleep's recorded time is in cycles.</summary>
    public double Ghz { get; init; } = new MachineSpec().Ghz;

    /// <summary>
    /// The cores that threads are pinned to, in the order in which they are made, and again from the first. Empty leaves it to the
    /// scenario.
    /// </summary>
    public IReadOnlyList<CoreId> Cores { get; init; } = [];

    /// <summary>How much of the trace's order between threads is kept.</summary>
    public ReplayOrder Order { get; init; } = ReplayOrder.Pages;

    /// <summary>Hears the records in their order; null for nobody.</summary>
    public ITraceObserver? Observer { get; init; }
}

/// <summary>A trace as a program.</summary>
public sealed class LoadedTrace
{
    /// <summary>What the traced process ran, ready for a scenario.</summary>
    public required ProgramImage Image { get; init; }

    /// <summary>Accesses of all its threads, collapsed ones counted one by one; without kernel accesses and children.</summary>
    public required long Accesses { get; init; }

    /// <summary>Records that were read, those of children left out.</summary>
    public required long Records { get; init; }

    /// <summary>
    /// Sets of the filter through which the trace was recorded, as its header says, a power of two: TLBs whose number of sets is a multiple
    /// of it miss as on the full trace. The most of it and its children; 1 for none.
    /// </summary>
    public int FilterSets { get; init; } = 1;

    /// <summary>What was missing or left out, one sentence each, children's included.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
