namespace VmSim.Actors.Simulation;

/// <summary>Somebody who may look at a run while it goes on. Nothing that is simulated depends on it.</summary>
public interface IRunViewer
{
    /// <summary>Whether he looks now. While he does not, next to nothing is read for him.</summary>
    bool IsLooking { get; }

    /// <summary>Shows how the run stands. Called on a thread that simulates, which goes on when this returns.</summary>
    void Show(RunSight sight);
}
