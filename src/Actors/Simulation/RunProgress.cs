namespace VmSim.Actors.Simulation;

/// <summary>How far a run has come.</summary>
/// <param name="VirtualTime">Virtual time that its domains have come to on average, in cycles.</param>
/// <param name="Accesses">Accesses simulated.</param>
public readonly record struct RunProgress(long VirtualTime, long Accesses);
