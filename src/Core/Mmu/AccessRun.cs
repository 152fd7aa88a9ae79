using VmSim.Core.Programs;

namespace VmSim.Core.Mmu;

/// <summary>How far <see cref="CoreMmu.Run"/> has come, and what it counted.</summary>
public struct AccessRun
{
    /// <summary>Index of the next operation; of a run of references that is not over, the one whose rest is left.</summary>
    public int Position;

    /// <summary>Virtual time of the next access, in cycles.</summary>
    public long Clock;

    /// <summary>References made; a collapsed run counts as its references (<see cref="Operation.Count"/>).</summary>
    public long Accesses;

    /// <summary>Cycles spent at the second level and on walks.</summary>
    public long WalkCycles;

    /// <summary>Accesses that hit the second level.</summary>
    public long SecondLevelHits;

    /// <summary>Page walks, each of one reference.</summary>
    public long Walks;
}
