namespace VmSim.Core.Mapping;

/// <summary>How a memory set treats its areas.</summary>
public sealed record MemorySetOptions
{
    /// <summary>Whether neighbours with equal flags and equal backends become one area, as in Linux. Default: no.</summary>
    public bool MergeNeighbours { get; init; }

    /// <summary>
    /// Bytes to which every start and size is aligned; a power of two. Default 1, which asks for no alignment; then the address after an
    /// area must exist, so that the very last address cannot be mapped. From 2 up, misalignment is
    /// <see cref="MappingErrorKind.InvalidParam"/> and the very last granule can be mapped.
    /// </summary>
    public ulong Granule { get; init; } = 1;

    /// <summary>
    /// Areas at most; an operation that would leave more is <see cref="MappingErrorKind.NoMemory"/>. Default: no limit. Linux has 65,530.
    /// </summary>
    public int MaxAreas { get; init; } = int.MaxValue;
}
