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
    where TBackend : class
{
    /// <summary>The address after the last one.</summary>
    public TAddr End => TAddr.FromValue(Start.Value + Size);

    /// <summary>The range.</summary>
    public AddrRange<TAddr> Range => new(Start, End);

    /// <summary>Whether an address lies in the area.</summary>
    public bool Contains(TAddr address) => address.Value - Start.Value < Size;

    /// <summary>The part of the area in [start, end), which it overlaps.</summary>
    internal MemoryArea<TAddr, TFlags, TBackend> Cut(ulong start, ulong end)
    {
        ulong from = Math.Max(Start.Value, start);
        return this with { Start = TAddr.FromValue(from), Size = Math.Min(Start.Value + Size, end) - from };
    }
}
