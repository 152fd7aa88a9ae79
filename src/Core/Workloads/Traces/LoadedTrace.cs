namespace VmSim.Core.Workloads.Traces;

/// <summary>How a trace is read.</summary>
public sealed record TraceLoadOptions
{
    /// <summary>Opens another file of the same capture by name (a child's trace); null when there is none.</summary>
    public Func<string, Stream?>? OpenFile { get; init; }

    /// <summary>Whether a damaged trace is used up to the damage, with a warning, instead of being refused.</summary>
    public bool Salvage { get; init; }

    /// <summary>The program's name; null for the file's.</summary>
    public string? Name { get; init; }
}

/// <summary>A trace as a program.</summary>
public sealed class LoadedTrace
{
    /// <summary>The program.</summary>
    public required ProgramImage Image { get; init; }

    /// <summary>Accesses of all its threads, collapsed ones counted one by one; without kernel accesses and children.</summary>
    public required long Accesses { get; init; }

    /// <summary>Records read.</summary>
    public required long Records { get; init; }

    /// <summary>What was missing or left out, one sentence each, children's included.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
