using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory.Backends;

/// <summary>A page fault that its area allows, as a backend sees it.</summary>
/// <param name="Page">The first byte of the 4 KiB page.</param>
/// <param name="Kind">What the access does.</param>
/// <param name="Area">The area's range.</param>
/// <param name="Flags">The area's flags.</param>
/// <param name="Entry">The translation of the page now; present only when a store met one that forbids it.</param>
public readonly record struct Fault(VirtAddr Page, AccessKind Kind, AddrRange<VirtAddr> Area, AreaFlags Flags, EntryInfo Entry)
{
    /// <summary>Whether the access writes.</summary>
    public bool IsStore => Kind == AccessKind.Store;
}
