namespace VmSim.Core.Memory.Backends;

/// <summary>Anonymous private memory: nothing is mapped until the first touch; a read maps the page of zeros, a store a frame.</summary>
public sealed class LazyBackend : MemoryBackend
{
    private LazyBackend()
    {
    }

    /// <summary>The backend of every lazy area; it has no state.</summary>
    public static LazyBackend Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "lazy";

    /// <inheritdoc/>
    public override bool NeedsJournal => false;

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        return fault.Entry.Mapped ? memory.WritePrivate(fault) : memory.TouchAnonymous(fault);
    }
}
