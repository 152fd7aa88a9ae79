using VmSim.Core.Addresses;

namespace VmSim.Core.Memory.Backends;

/// <summary>What stands behind the pages of an area.</summary>
/// <param name="Object">The file or shared object; null for anonymous or outside memory.</param>
/// <param name="Delta">Byte offset in the object less the virtual address, modulo 2^64: the same for every piece of an area.</param>
/// <param name="IsPrivate">Whether the first store to a page makes a private copy.</param>
/// <param name="IsOutside">Whether the memory is not of the frame pool: a device or a linear mapping.</param>
public readonly record struct Backing(MemoryObject? Object, ulong Delta, bool IsPrivate, bool IsOutside)
{
    /// <summary>Private memory without an object.</summary>
    public static Backing Anonymous => new(null, 0, true, false);

    /// <summary>Memory that is not of the frame pool.</summary>
    public static Backing Outside => new(null, 0, false, true);

    /// <summary>The object's page that an address maps.</summary>
    public ulong PageOf(VirtAddr address) => unchecked(address.Value + Delta) >> PageSizes.BaseShift;
}
