using System.Globalization;

namespace VmSim.Core.Addresses;

/// <summary>A simulated CPU core, numbered from 0 within the machine.</summary>
/// <param name="Value">0 to cores - 1.</param>
public readonly record struct CoreId(int Value)
{
    /// <summary>The bare number.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>An address space of the run, numbered from 0 in the order of creation.</summary>
/// <param name="Value">0 or more.</param>
public readonly record struct SpaceId(int Value)
{
    /// <summary>No space.</summary>
    public static SpaceId None => new(-1);

    /// <summary>The bare number.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A simulated thread, numbered from 0 within the run.</summary>
/// <param name="Value">0 or more.</param>
public readonly record struct ThreadId(int Value)
{
    /// <summary>The bare number.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// The tag that lets entries of several address spaces share a TLB (ASID; PCID on x86). 12 bits on x86, up to 16 elsewhere.
/// </summary>
/// <param name="Value">0 to the format's highest tag.</param>
public readonly record struct Asid(ushort Value)
{
    /// <summary>The bare number.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
