using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;

namespace VmSim.Core.Memory;

/// <summary>The memory set of a process. Its backends are one class, so that a call is one through a virtual table.</summary>
internal sealed class AreaSet(MemorySetOptions options) : MemorySet<VirtAddr, AreaFlags, SpaceMemory, MemoryBackend>(options);
