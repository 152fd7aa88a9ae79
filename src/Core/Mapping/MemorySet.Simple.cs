using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>
/// A memory set over <see cref="VirtAddr"/> whose areas may have backends of different types. All it can do is said at
/// <see cref="MemorySet{TAddr, TFlags, TPageTable, TBackend}"/>, which it is.
/// </summary>
/// <typeparam name="TFlags">The flags of areas.</typeparam>
/// <typeparam name="TPageTable">What backends change.</typeparam>
public class MemorySet<TFlags, TPageTable> : MemorySet<VirtAddr, TFlags, TPageTable, IMappingBackend<TFlags, TPageTable>>
    where TFlags : struct
{
    /// <summary>Makes an empty byte-granular set that never merges areas and has no limit.</summary>
    public MemorySet()
    {
    }

    /// <summary>Makes an empty set.</summary>
    /// <exception cref="ArgumentException">The granule is no power of two, or the limit of areas is negative.</exception>
    public MemorySet(MemorySetOptions options)
        : base(options)
    {
    }
}
