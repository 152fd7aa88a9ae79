using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>How far a call came that goes through the areas of a range.</summary>
/// <param name="Errno">What it answers; none if it came to the end.</param>
/// <param name="Start">First address of what stopped it, or of the whole range.</param>
/// <param name="Size">Bytes of that.</param>
/// <param name="IsPartial">Whether something was done before, which stays.</param>
/// <param name="MustUndo">Whether what was done must be taken back: memory ran out half way through an area.</param>
internal readonly record struct Progress(Errno Errno, VirtAddr Start, ulong Size, bool IsPartial = false, bool MustUndo = false);
