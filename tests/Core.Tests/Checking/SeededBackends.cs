using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Checking;

/// <summary>A backend that unmaps all but the last page of a range. Public, as plug-ins are.</summary>
public sealed class LeavesAPageMappedBackend : MemoryBackend
{
    /// <inheritdoc/>
    public override string Name => "leaves-a-page";

    /// <inheritdoc/>
    public override bool Unmap(VirtAddr start, ulong size, SpaceMemory pageTable) =>
        base.Unmap(start, size - PageSizes.BaseBytes, pageTable);

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) => LazyBackend.Instance.HandleFault(fault, memory);
}

/// <summary>A backend that lets every page be executed, whatever its area says.</summary>
public sealed class MapsMoreRightsBackend : MemoryBackend
{
    /// <inheritdoc/>
    public override string Name => "more-rights";

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) =>
        memory.TryAllocate(FrameKind.Anonymous, out PhysAddr frame)
        && memory.MapFrame(
            fault.Page, frame, PageSize.Size4K, SpaceMemory.EntryFlags(fault.Flags | AreaFlags.Execute, writable: true) | PageFlags.Dirty)
            ? FaultKind.Anonymous
            : FaultKind.OutOfMemory;
}

/// <summary>A backend that takes a second frame at each first touch and forgets it.</summary>
public sealed class LosesAFrameBackend : MemoryBackend
{
    /// <inheritdoc/>
    public override string Name => "loses-a-frame";

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        memory.TryAllocate(FrameKind.Anonymous, out _);
        return LazyBackend.Instance.HandleFault(fault, memory);
    }
}
