using VmSim.Core.Addresses;

namespace VmSim.Core.Memory.Backends;

/// <summary>What a backend learns about the mapping that it is to serve.</summary>
/// <param name="Start">The mapping's first address.</param>
/// <param name="Offset">Byte offset in the object, or of the physical address, as the call gave it.</param>
/// <param name="Object">The file or shared object; null if the call named none.</param>
/// <param name="IsShared">Whether stores reach the object and every other mapping of it.</param>
public readonly record struct BackendRequest(VirtAddr Start, ulong Offset, MemoryObject? Object, bool IsShared)
{
    /// <summary>Byte offset in the object, or of the physical address, less the virtual address, modulo 2^64.</summary>
    public ulong Delta => unchecked(Offset - Start.Value);
}
