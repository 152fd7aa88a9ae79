using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory.Backends;

/// <summary>Memory whose physical address is the virtual one plus an offset, known when it is mapped. The device variant is strongly
/// ordered and never cached. The memory is not of the frame pool; it never faults.</summary>
public sealed class LinearBackend : MemoryBackend, IEquatable<LinearBackend>
{
    private readonly ulong _offset;

    /// <summary>Backs a mapping whose frames lie at a fixed distance.</summary>
    /// <param name="offset">Physical less virtual address, modulo 2^64; a multiple of 4 KiB.</param>
    /// <param name="isDevice">Whether the memory is a device's.</param>
    public LinearBackend(ulong offset, bool isDevice = false)
    {
        if ((offset & (PageSizes.BaseBytes - 1)) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, "a linear mapping's offset is a multiple of 4 KiB");
        }

        _offset = offset;
        IsDevice = isDevice;
    }

    /// <summary>Whether the memory is a device's.</summary>
    public bool IsDevice { get; }

    /// <inheritdoc/>
    public override string Name => IsDevice ? "device" : "linear";

    /// <inheritdoc/>
    public override Backing Backing => Backing.Outside;

    /// <inheritdoc/>
    public override bool TakesAdvice => false;

    /// <summary>Maps the whole range.</summary>
    /// <returns>False when a page is mapped already or table pages run out.</returns>
    public override bool Map(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory pageTable)
    {
        ArgumentNullException.ThrowIfNull(pageTable);
        PageFlags entry = SpaceMemory.EntryFlags(flags, writable: true) | (IsDevice ? PageFlags.Device : PageFlags.None);
        return pageTable.MapOutside(start, new PhysAddr(unchecked(start.Value + _offset)), size, entry);
    }

    /// <summary>The child maps the same physical memory.</summary>
    public override bool Fork(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory parent, SpaceMemory child) =>
        Map(start, size, flags, child);

    /// <inheritdoc/>
    public override bool NeedsJournal => false;

    /// <summary>A linear area has all its translations; a fault on a missing one has nothing to map.</summary>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) => FaultKind.BusError;

    /// <summary>The same physical memory seen from another place.</summary>
    public override MemoryBackend MovedBy(ulong distance) => new LinearBackend(unchecked(_offset - distance), IsDevice);

    /// <inheritdoc/>
    public bool Equals(LinearBackend? other) => other is not null && other._offset == _offset && other.IsDevice == IsDevice;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LinearBackend);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_offset, IsDevice);
}
