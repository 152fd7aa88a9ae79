namespace VmSim.Core.Addresses;

/// <summary>A range of addresses, [Start, Last]: both ends are in it, so that it can hold the highest address. It is never empty.</summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
public readonly record struct AddrRange<TAddr>
    where TAddr : struct, IMemoryAddress<TAddr>
{
    /// <summary>Makes a range of its two ends.</summary>
    /// <param name="start">The first address.</param>
    /// <param name="last">The last address; not below <paramref name="start"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The last address lies below the first.</exception>
    public AddrRange(TAddr start, TAddr last)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(last, start);
        Start = start;
        Last = last;
    }

    /// <summary>The first address.</summary>
    public TAddr Start { get; }

    /// <summary>The last address.</summary>
    public TAddr Last { get; }

    /// <summary>Bytes in the range, 1 or more.</summary>
    /// <exception cref="OverflowException">The range is the whole of a 64-bit space, 2^64 bytes.</exception>
    public ulong Size => checked(Last.Value - Start.Value + 1);

    /// <summary>Whether <paramref name="address"/> lies in the range.</summary>
    public bool Contains(TAddr address) => address.Value >= Start.Value && address.Value <= Last.Value;

    /// <summary>Whether the whole of <paramref name="other"/> lies in the range.</summary>
    public bool Contains(AddrRange<TAddr> other) => other.Start.Value >= Start.Value && other.Last.Value <= Last.Value;

    /// <summary>Whether the two ranges share an address.</summary>
    public bool Overlaps(AddrRange<TAddr> other) => Start.Value <= other.Last.Value && other.Start.Value <= Last.Value;

    /// <summary>Both ends: [0x1000, 0x1fff].</summary>
    public override string ToString() => $"[{Start}, {Last}]";
}

/// <summary>Makes ranges of addresses.</summary>
public static class AddrRange
{
    /// <summary>The range of a number of bytes from an address on.</summary>
    /// <param name="start">The first address.</param>
    /// <param name="size">Bytes, 1 or more; the range ends at the highest address at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or the range would end beyond the highest address.</exception>
    public static AddrRange<TAddr> Of<TAddr>(TAddr start, ulong size)
        where TAddr : struct, IMemoryAddress<TAddr>
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size - 1, TAddr.MaxValue - start.Value, nameof(size));
        return new AddrRange<TAddr>(start, TAddr.FromValue(start.Value + (size - 1)));
    }

    /// <summary>Every address of a kind.</summary>
    public static AddrRange<TAddr> All<TAddr>()
        where TAddr : struct, IMemoryAddress<TAddr> => new(TAddr.FromValue(0), TAddr.FromValue(TAddr.MaxValue));
}
