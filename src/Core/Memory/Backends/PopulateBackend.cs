using VmSim.Core.Addresses;

namespace VmSim.Core.Memory.Backends;

/// <summary>Anonymous private memory that has its frames from the start. Pages given up by advice come back by faults.</summary>
public sealed class PopulateBackend : MemoryBackend
{
    private PopulateBackend()
    {
    }

    /// <summary>The backend of every populated area; it has no state.</summary>
    public static PopulateBackend Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "populate";

    /// <summary>Maps a frame to every page.</summary>
    /// <returns>False when frames or table pages run out.</returns>
    public override bool Map(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory pageTable)
    {
        ArgumentNullException.ThrowIfNull(pageTable);
        return pageTable.MapNewFrames(start, size, flags);
    }

    /// <inheritdoc/>
    public override bool NeedsJournal => false;

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        return fault.Entry.Mapped ? memory.WritePrivate(fault) : memory.TouchAnonymous(fault);
    }
}
