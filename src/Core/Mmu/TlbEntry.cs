using VmSim.Core.Addresses;

namespace VmSim.Core.Mmu;

/// <summary>A translation that came into a core's TLBs, or left the last of them.</summary>
/// <param name="Tag">Its tag; <see cref="GlobalTag"/> for global pages.</param>
/// <param name="Page">The page's first address.</param>
/// <param name="Size">The page's size.</param>
public readonly record struct TlbEntry(Asid Tag, VirtAddr Page, PageSize Size)
{
    /// <summary>Stands for every tag.</summary>
    public const ushort GlobalTag = ushort.MaxValue;
}
