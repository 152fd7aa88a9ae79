using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>What the writer of a page table sees at an address.</summary>
/// <param name="Mapped">Whether a leaf maps the address; all else is default if not.</param>
/// <param name="Present">Whether hardware may use the leaf; false for a held leaf, which has no right.</param>
/// <param name="Frame">The first byte of the leaf's page.</param>
/// <param name="Size">The leaf's page size.</param>
/// <param name="Flags">What the leaf allows and says.</param>
public readonly record struct EntryInfo(bool Mapped, bool Present, PhysAddr Frame, PageSize Size, PageFlags Flags);

/// <summary>A leaf of a page table and where it is.</summary>
/// <param name="Address">The first byte of the virtual page.</param>
/// <param name="Entry">The leaf.</param>
public readonly record struct MappedLeaf(VirtAddr Address, EntryInfo Entry);
