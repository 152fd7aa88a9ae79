using System.Globalization;

namespace VmSim.Core.Addresses;

/// <summary>A virtual address of a process.</summary>
/// <param name="Value">Bytes from 0.</param>
public readonly record struct VirtAddr(ulong Value) : IMemoryAddress<VirtAddr>
{
    /// <inheritdoc/>
    public static ulong MaxValue => ulong.MaxValue;

    /// <summary>The number of the 4 KiB page that holds the address.</summary>
    public ulong PageNumber => Value >> PageSizes.BaseShift;

    /// <inheritdoc/>
    public static VirtAddr FromValue(ulong value) => new(value);

    /// <summary>The first byte of a 4 KiB page.</summary>
    public static VirtAddr OfPage(ulong pageNumber) => new(pageNumber << PageSizes.BaseShift);

    /// <summary>The address <paramref name="bytes"/> further up, modulo 2^64.</summary>
    public static VirtAddr operator +(VirtAddr address, ulong bytes) => new(address.Value + bytes);

    /// <summary>The address <paramref name="bytes"/> further down, modulo 2^64.</summary>
    public static VirtAddr operator -(VirtAddr address, ulong bytes) => new(address.Value - bytes);

    /// <summary>Whether <paramref name="left"/> lies below <paramref name="right"/>.</summary>
    public static bool operator <(VirtAddr left, VirtAddr right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> lies above <paramref name="right"/>.</summary>
    public static bool operator >(VirtAddr left, VirtAddr right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> lies at or below <paramref name="right"/>.</summary>
    public static bool operator <=(VirtAddr left, VirtAddr right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> lies at or above <paramref name="right"/>.</summary>
    public static bool operator >=(VirtAddr left, VirtAddr right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(VirtAddr other) => Value.CompareTo(other.Value);

    /// <summary>Lower-case hexadecimal with a 0x prefix.</summary>
    public override string ToString() => "0x" + Value.ToString("x", CultureInfo.InvariantCulture);
}
