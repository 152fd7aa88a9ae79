using VmSim.Core.Addresses;

namespace VmSim.Core.Memory.Backends;

/// <summary>Pages of a <see cref="MemoryObject"/>: what the file and shared backends have in common.</summary>
public abstract class ObjectBackend : MemoryBackend, IEquatable<ObjectBackend>
{
    private readonly Backing _backing;

    /// <summary>Backs a mapping of an object's pages.</summary>
    /// <param name="backing">The object, the place and whether stores make private copies.</param>
    protected ObjectBackend(Backing backing)
    {
        _backing = backing.Object is not null
            ? backing
            : throw new ArgumentException("it maps a file or a shared object, and the mapping has none", nameof(backing));
    }

    /// <inheritdoc/>
    public sealed override Backing Backing => _backing;

    /// <summary>The file or shared object whose pages are mapped.</summary>
    public MemoryObject Source => _backing.Object!;

    /// <inheritdoc/>
    public override bool Map(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory pageTable)
    {
        ArgumentNullException.ThrowIfNull(pageTable);
        pageTable.AddObjectMappings(Source, (long)(size >> PageSizes.BaseShift));
        return true;
    }

    /// <inheritdoc/>
    public override bool Unmap(VirtAddr start, ulong size, SpaceMemory pageTable)
    {
        ArgumentNullException.ThrowIfNull(pageTable);
        pageTable.AddObjectMappings(Source, -(long)(size >> PageSizes.BaseShift));
        return base.Unmap(start, size, pageTable);
    }

    /// <inheritdoc/>
    public override bool Fork(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory parent, SpaceMemory child)
    {
        ArgumentNullException.ThrowIfNull(child);
        child.AddObjectMappings(Source, (long)(size >> PageSizes.BaseShift));
        return !_backing.IsPrivate || base.Fork(start, size, flags, parent, child);
    }

    /// <inheritdoc/>
    public override bool Arrive(VirtAddr start, ulong size, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        memory.AddObjectMappings(Source, (long)(size >> PageSizes.BaseShift));
        return true;
    }

    /// <inheritdoc/>
    public override bool NeedsJournal => false;

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (!fault.Entry.Mapped)
        {
            return memory.TouchObject(fault, _backing);
        }

        return _backing.IsPrivate ? memory.WritePrivate(fault, FaultKind.FilePrivateCopy) : memory.WriteShared(fault, _backing);
    }

    /// <inheritdoc/>
    public bool Equals(ObjectBackend? other) => other is not null && other.GetType() == GetType() && other._backing == _backing;

    /// <inheritdoc/>
    public sealed override bool Equals(object? obj) => Equals(obj as ObjectBackend);

    /// <inheritdoc/>
    public sealed override int GetHashCode() => HashCode.Combine(_backing.Delta, _backing.IsPrivate);
}
