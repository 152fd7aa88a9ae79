using VmSim.Core.Addresses;

namespace VmSim.Core.Memory.Backends;

/// <summary>
/// Private memory of MAP_HUGETLB: each first touch, a load's as well, makes a whole huge page, and no call and no copy divides one
/// (Linux 6.18: mm/hugetlb.c).
/// </summary>
/// <remarks>A fault that finds no free huge page fails. Linux keeps huge pages back when it maps, and so refuses the mapping.</remarks>
internal sealed class HugeTlbBackend : MemoryBackend
{
    private readonly PageSize _size;

    private HugeTlbBackend(PageSize size) => _size = size;

    /// <summary>Pages of 2 MiB.</summary>
    public static HugeTlbBackend Of2M { get; } = new(PageSize.Size2M);

    /// <summary>Pages of 1 GiB.</summary>
    public static HugeTlbBackend Of1G { get; } = new(PageSize.Size1G);

    /// <inheritdoc/>
    public override string Name => NameOf(_size);

    /// <inheritdoc/>
    public override PageSize Granule => _size;

    /// <summary>The name of the backends of a page size.</summary>
    public static string NameOf(PageSize size) => size == PageSize.Size1G ? "hugetlb-1g" : "hugetlb-2m";

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        return fault.Entry.Mapped ? memory.WriteWhole(fault) : memory.TouchWhole(fault, _size);
    }
}

/// <summary>Shared memory of MAP_HUGETLB: huge pages that every mapping of one object shares.</summary>
/// <param name="source">The object.</param>
/// <param name="delta">Byte offset in the object less the virtual address, modulo 2^64; a multiple of the page size.</param>
/// <param name="size">The size of its pages.</param>
internal sealed class SharedHugeTlbBackend(MemoryObject source, ulong delta, PageSize size)
    : ObjectBackend(new Backing(source, delta, IsPrivate: false, IsOutside: false))
{
    /// <inheritdoc/>
    public override string Name => HugeTlbBackend.NameOf(Granule);

    /// <inheritdoc/>
    public override PageSize Granule { get; } = size;

    /// <inheritdoc/>
    public override MemoryBackend MovedBy(ulong distance) =>
        new SharedHugeTlbBackend(Source, unchecked(Backing.Delta - distance), Granule);

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        return memory.TouchWholeObject(fault, Backing, Granule);
    }
}
