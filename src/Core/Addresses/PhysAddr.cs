using System.Globalization;

namespace VmSim.Core.Addresses;

/// <summary>A physical address of the simulated machine.</summary>
/// <param name="Value">Bytes from 0.</param>
public readonly record struct PhysAddr(ulong Value) : IMemoryAddress<PhysAddr>
{
    /// <inheritdoc/>
    public static ulong MaxValue => ulong.MaxValue;

    /// <summary>The number of the 4 KiB page that holds the address.</summary>
    public ulong PageNumber => Value >> PageSizes.BaseShift;

    /// <inheritdoc/>
    public static PhysAddr FromValue(ulong value) => new(value);

    /// <summary>The first byte of a 4 KiB page.</summary>
    public static PhysAddr OfPage(ulong pageNumber) => new(pageNumber << PageSizes.BaseShift);

    /// <summary>The address <paramref name="bytes"/> further up, modulo 2^64.</summary>
    public static PhysAddr operator +(PhysAddr address, ulong bytes) => new(address.Value + bytes);

    /// <summary>The address <paramref name="bytes"/> further down, modulo 2^64.</summary>
    public static PhysAddr operator -(PhysAddr address, ulong bytes) => new(address.Value - bytes);

    /// <summary>Whether <paramref name="left"/> lies below <paramref name="right"/>.</summary>
    public static bool operator <(PhysAddr left, PhysAddr right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> lies above <paramref name="right"/>.</summary>
    public static bool operator >(PhysAddr left, PhysAddr right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> lies at or below <paramref name="right"/>.</summary>
    public static bool operator <=(PhysAddr left, PhysAddr right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> lies at or above <paramref name="right"/>.</summary>
    public static bool operator >=(PhysAddr left, PhysAddr right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(PhysAddr other) => Value.CompareTo(other.Value);

    /// <summary>Lower-case hexadecimal with a 0x prefix.</summary>
    public override string ToString() => "0x" + Value.ToString("x", CultureInfo.InvariantCulture);
}
