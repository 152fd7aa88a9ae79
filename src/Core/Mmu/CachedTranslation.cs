using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <summary>A translation that a TLB holds.</summary>
/// <param name="Array">Which TLB: its name in settings, such as <c>data-4k</c> or <c>second</c>.</param>
/// <param name="Entry">Its tag, page and size.</param>
/// <param name="Frame">Where the page's memory begins.</param>
/// <param name="Flags">What it allows and says.</param>
public readonly record struct CachedTranslation(string Array, TlbEntry Entry, PhysAddr Frame, PageFlags Flags);

/// <summary>A pointer to a table page that a paging-structure cache holds.</summary>
/// <param name="Cache">Which cache: its name in settings, such as <c>pde</c>.</param>
/// <param name="Tag">Its tag.</param>
/// <param name="Start">The first address that the table page translates.</param>
/// <param name="TablePage">The table page's number.</param>
public readonly record struct CachedTable(string Cache, Asid Tag, VirtAddr Start, int TablePage);
