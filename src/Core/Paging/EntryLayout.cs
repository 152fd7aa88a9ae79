using System.Runtime.CompilerServices;

namespace VmSim.Core.Paging;

/// <summary>
/// What walkers must know of a format's entries, as plain masks, so that no virtual call is needed per reference. An entry is valid to the
/// hardware if one of the <see cref="ValidMask"/> bits is set; above level 0 it is a leaf if one of the <see cref="LeafMask"/> bits is set,
/// or, with <see cref="LeafWhenClear"/>, if none is.
/// </summary>
public readonly struct EntryLayout
{
    /// <summary>Bits of which one must be set for the hardware to use an entry that points to a table.</summary>
    public ulong TableValidMask { get; init; }

    /// <summary>Bits of which one must be set for the hardware to use a leaf.</summary>
    public ulong ValidMask { get; init; }

    /// <summary>Bits that tell a leaf from a pointer to a table above level 0.</summary>
    public ulong LeafMask { get; init; }

    /// <summary>Whether an entry with all <see cref="LeafMask"/> bits clear is the leaf.</summary>
    public bool LeafWhenClear { get; init; }

    /// <summary>Bits of an entry that hold a physical address, before shifting.</summary>
    public ulong AddressMask { get; init; }

    /// <summary>How far the address in an entry is shifted left to get bytes; negative for right.</summary>
    public int AddressShift { get; init; }

    /// <summary>Whether the entry, at a level above 0, maps memory and does not point to a table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsLeaf(ulong entry, int level) => level == 0 || ((entry & LeafMask) != 0) != LeafWhenClear;

    /// <summary>Whether the hardware can use the entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsValid(ulong entry, bool leaf) => (entry & (leaf ? ValidMask : TableValidMask)) != 0;

    /// <summary>The physical address in an entry, in bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Address(ulong entry)
    {
        ulong bits = entry & AddressMask;
        return AddressShift >= 0 ? bits << AddressShift : bits >> -AddressShift;
    }
}
