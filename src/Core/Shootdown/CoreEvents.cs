using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Shootdown;

/// <summary>
/// What the core half of a protocol can hear of. Each costs host time where it happens, so nothing is told that the protocol does not ask
/// for.
/// </summary>
[Flags]
public enum CoreEvents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary><see cref="CoreShootdown.OnReturnToUser"/>.</summary>
    UserReturns = 1,

    /// <summary><see cref="CoreShootdown.OnWalk"/>.</summary>
    Walks = 2,

    /// <summary><see cref="CoreShootdown.OnFill"/>.</summary>
    Fills = 4,

    /// <summary><see cref="CoreShootdown.OnEvict"/>.</summary>
    Evictions = 8,
}

/// <summary>A page walk that has ended.</summary>
/// <param name="Space">The space whose table was walked.</param>
/// <param name="Address">The address that was accessed.</param>
/// <param name="Access">What the access does.</param>
/// <param name="Faulted">Whether it found no translation that allows the access.</param>
/// <param name="Size">Size of the page it found.</param>
/// <param name="BitsSet">Accessed and dirty bits that it set.</param>
public readonly record struct PageWalk(SpaceId Space, VirtAddr Address, AccessKind Access, bool Faulted, PageSize Size, PageFlags BitsSet);
