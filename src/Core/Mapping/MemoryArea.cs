using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>A half-open range of addresses with one set of flags and one backend (Linux: VMA).</summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags.</typeparam>
/// <typeparam name="TBackend">The backend.</typeparam>
/// <param name="Start">First address.</param>
/// <param name="Size">Bytes, 1 or more.</param>
/// <param name="Flags">The flags.</param>
/// <param name="Backend">The backend; shared by the pieces of a split area.</param>
public readonly record struct MemoryArea<TAddr, TFlags, TBackend>(TAddr Start, ulong Size, TFlags Flags, TBackend Backend)
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
{
    /// <summary>The address after the last one; address 0 for an area that ends at the highest address.</summary>
    public TAddr End => Last.Value == TAddr.MaxValue ? default : TAddr.FromValue(Start.Value + Size);

    /// <summary>The last address.</summary>
    public TAddr Last => TAddr.FromValue(Start.Value + (Size - 1));

    /// <summary>The range; empty by its own account if the area ends at the highest address.</summary>
    public AddrRange<TAddr> Range => new(Start, End);

    /// <summary>Whether an address lies in the area.</summary>
    public bool Contains(TAddr address) => address.Value - Start.Value < Size;

    /// <summary>The part of the area in [first, last], which it overlaps.</summary>
    internal MemoryArea<TAddr, TFlags, TBackend> Cut(ulong first, ulong last)
    {
        ulong from = Math.Max(Start.Value, first);
        ulong to = Math.Min(Last.Value, last);
        return this with { Start = TAddr.FromValue(from), Size = to - from + 1 };
    }
}
