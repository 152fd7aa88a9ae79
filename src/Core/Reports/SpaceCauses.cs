using VmSim.Core.Kernel.Causes;

namespace VmSim.Core.Reports;

/// <summary>Whose calls and faults have cost an address space what.</summary>
/// <param name="Rows">The causes, without refill misses, which cores count.</param>
/// <param name="OfShootdowns">The row of each shootdown that has a record, by its number from 1.</param>
public sealed record SpaceCauses(IReadOnlyList<CauseRow> Rows, IReadOnlyList<int> OfShootdowns);
