using VmSim.Actors.Simulation;
using VmSim.Core.Kernel;

namespace VmSim.Actors.Running;

/// <summary>How a run is carried out. Nothing here changes what it finds.</summary>
public sealed record RunOptions
{
    /// <summary>Host threads that simulate; 0 for one per processor.</summary>
    public int Threads { get; init; }

    /// <summary>Length of a window in cycles, at most the bound; 0 for the bound.</summary>
    public long Window { get; init; }

    /// <summary>Whether the translation checker watches, also where the scenario does not ask for it.</summary>
    public bool Check { get; init; }

    /// <summary>What the report has one by one.</summary>
    public RunLists Lists { get; init; } = RunLists.None;

    /// <summary>What the run goes on from, and when it is written down; null for neither.</summary>
    public RunCheckpoints? Checkpoints { get; init; }

    /// <summary>Who may look at the run while it goes on, where it has one process; null for nobody.</summary>
    public IRunViewer? Viewer { get; init; }

    /// <summary>The number of host threads that <see cref="Threads"/> means here.</summary>
    public int EffectiveThreads => Threads == 0 ? Math.Clamp(Environment.ProcessorCount, 1, Lanes.Max) : Threads;
}
