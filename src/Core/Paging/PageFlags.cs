namespace VmSim.Core.Paging;

/// <summary>
/// What a page-table entry allows and says, independent of the architecture. Formats turn these into entry bits and back.
/// </summary>
[Flags]
public enum PageFlags : ushort
{
    /// <summary>No right: a mapping with no other flag is held, and not present for hardware.</summary>
    None = 0,

    /// <summary>Loads of the page are allowed.</summary>
    Read = 1 << 0,

    /// <summary>Stores to the page are allowed; in every format they imply loads.</summary>
    Write = 1 << 1,

    /// <summary>Instruction fetches are allowed.</summary>
    Execute = 1 << 2,

    /// <summary>User mode may use the page.</summary>
    User = 1 << 3,

    /// <summary>The translation is the same in every address space; a TLB keeps it across a change of ASID.</summary>
    Global = 1 << 4,

    /// <summary>Device memory: strongly ordered, never cached.</summary>
    Device = 1 << 5,

    /// <summary>Normal memory that is not cached.</summary>
    Uncached = 1 << 6,

    /// <summary>A walk used the entry.</summary>
    Accessed = 1 << 7,

    /// <summary>A store used the entry.</summary>
    Dirty = 1 << 8,
}
