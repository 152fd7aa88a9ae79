using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>Why an operation on a memory set did nothing.</summary>
public enum MappingErrorKind
{
    /// <summary>The range is empty, wraps around or is misaligned.</summary>
    InvalidParam,

    /// <summary>The range overlaps an area.</summary>
    AlreadyExists,

    /// <summary>A backend refused.</summary>
    BadState,

    /// <summary>There is no memory, or no area where one is needed.</summary>
    NoMemory,
}

/// <summary>Why an operation on a memory set did nothing, and where.</summary>
/// <param name="Kind">The reason.</param>
/// <param name="Start">First address of the offending range.</param>
/// <param name="Size">Bytes of the offending range.</param>
public readonly record struct MappingError(MappingErrorKind Kind, ulong Start, ulong Size)
{
    /// <summary>An error about a range.</summary>
    public static MappingError Of<TAddr>(MappingErrorKind kind, TAddr start, ulong size)
        where TAddr : struct, IMemoryAddress<TAddr> => new(kind, start.Value, size);

    /// <summary>The reason and the range.</summary>
    public override string ToString() => $"{Kind} at {new VirtAddr(Start)}, {Size} bytes";
}
