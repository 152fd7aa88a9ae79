namespace VmSim.Core.Workloads.Synthetic;

/// <summary>What a synthetic program is built for.</summary>
/// <param name="Name">The process's name, for reports.</param>
/// <param name="Copy">Which of several alike processes, from 0.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Cores">Cores of the machine.</param>
public sealed record ProgramContext(string Name, int Copy, ulong Seed, int Cores);
