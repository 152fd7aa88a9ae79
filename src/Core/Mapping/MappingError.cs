using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>Why an operation on a memory set did nothing.</summary>
public enum MappingErrorKind
{
    /// <summary>The operation succeeded; no error has this kind.</summary>
    None,

    /// <summary>The range is empty, wraps around or is misaligned.</summary>
    InvalidParam,

    /// <summary>The range overlaps an area.</summary>
    AlreadyExists,

    /// <summary>A backend refused, or the range has a hole where it must have none.</summary>
    BadState,

    /// <summary>There is no memory, or no area where one is needed.</summary>
    NoMemory,
}

/// <summary>Why an operation on a memory set did nothing, and where.</summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <param name="Kind">The reason.</param>
/// <param name="Start">First address of the range that was in the way.</param>
/// <param name="Size">
/// Its bytes; as the caller gave them, and so perhaps 0 or too many, if the kind is <see cref="MappingErrorKind.InvalidParam"/>.
/// </param>
public readonly record struct MappingError<TAddr>(MappingErrorKind Kind, TAddr Start, ulong Size)
    where TAddr : struct, IMemoryAddress<TAddr>
{
    /// <summary>The reason and the range.</summary>
    public override string ToString() => $"{Kind} at {Start}, {Size} bytes";
}
