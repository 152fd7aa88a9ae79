namespace VmSim.Core.Addresses;

/// <summary>An address of some address space: virtual, physical, guest-physical, 32-bit. Unsigned, byte-granular.</summary>
/// <typeparam name="TSelf">The implementing type.</typeparam>
public interface IMemoryAddress<TSelf> : IEquatable<TSelf>, IComparable<TSelf>
    where TSelf : struct, IMemoryAddress<TSelf>
{
    /// <summary>The highest value an address of this type can have.</summary>
    static abstract ulong MaxValue { get; }

    /// <summary>The address as an unsigned number of bytes from 0.</summary>
    ulong Value { get; }

    /// <summary>Makes an address from a number of bytes from 0; legal range 0 to <see cref="MaxValue"/>.</summary>
    static abstract TSelf FromValue(ulong value);
}
