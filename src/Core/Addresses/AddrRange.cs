namespace VmSim.Core.Addresses;

/// <summary>A half-open range of addresses, [Start, End).</summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <param name="Start">The first address.</param>
/// <param name="End">The address after the last one; not below <paramref name="Start"/>.</param>
public readonly record struct AddrRange<TAddr>(TAddr Start, TAddr End)
    where TAddr : struct, IMemoryAddress<TAddr>
{
    /// <summary>Bytes in the range.</summary>
    public ulong Size => End.Value - Start.Value;

    /// <summary>Whether the range holds no address.</summary>
    public bool IsEmpty => End.Value <= Start.Value;

    /// <summary>Whether <paramref name="address"/> lies in the range.</summary>
    public bool Contains(TAddr address) => address.Value >= Start.Value && address.Value < End.Value;

    /// <summary>Whether the whole of <paramref name="other"/> lies in the range.</summary>
    public bool Contains(AddrRange<TAddr> other) => other.Start.Value >= Start.Value && other.End.Value <= End.Value;

    /// <summary>Whether the two ranges share an address.</summary>
    public bool Overlaps(AddrRange<TAddr> other) => Start.Value < other.End.Value && other.Start.Value < End.Value;

    /// <summary>[start, end) in hexadecimal.</summary>
    public override string ToString() => $"[{Start}, {End})";
}
