using VmSim.Core.Programs;

namespace VmSim.Core.Memory.Backends;

/// <summary>What is true of every page of a memory area (Linux: vm_flags of a VMA).</summary>
[Flags]
public enum AreaFlags
{
    /// <summary>No access at all (PROT_NONE).</summary>
    None = 0,

    /// <summary>Loads from the area are allowed.</summary>
    Read = 1 << 0,

    /// <summary>Stores to the area are allowed.</summary>
    Write = 1 << 1,

    /// <summary>Instruction fetches are allowed.</summary>
    Execute = 1 << 2,

    /// <summary>Stores reach the object and every other mapping of it; otherwise the first store to a page makes a private copy.</summary>
    Shared = 1 << 3,

    /// <summary>Huge pages are wanted (MADV_HUGEPAGE).</summary>
    HugePages = 1 << 4,

    /// <summary>Huge pages are not wanted (MADV_NOHUGEPAGE).</summary>
    NoHugePages = 1 << 5,

    /// <summary>Reads will be random: no read-around (MADV_RANDOM).</summary>
    RandomReads = 1 << 6,

    /// <summary>Reads will be sequential: read ahead only (MADV_SEQUENTIAL).</summary>
    SequentialReads = 1 << 7,

    /// <summary>A fault below the area extends it downwards: a stack (MAP_GROWSDOWN).</summary>
    GrowsDown = 1 << 8,

    /// <summary>The pages stay in memory (mlock): advice does not drop them.</summary>
    Locked = 1 << 9,

    /// <summary>Of a locked area: pages are made by faults alone (MLOCK_ONFAULT).</summary>
    LockedOnFault = 1 << 10,

    /// <summary>fork does not copy the area (MADV_DONTFORK).</summary>
    NotForked = 1 << 11,

    /// <summary>A forked child finds zeros in the area (MADV_WIPEONFORK).</summary>
    WipedOnFork = 1 << 12,

    /// <summary>Core dumps leave the area out (MADV_DONTDUMP).</summary>
    NotDumped = 1 << 13,

    /// <summary>Equal pages may be merged (MADV_MERGEABLE). Nothing here merges them.</summary>
    Mergeable = 1 << 14,

    /// <summary>The area can be neither unmapped, moved nor protected (mseal).</summary>
    Sealed = 1 << 15,

    /// <summary>The area is of huge pages that no call divides (MAP_HUGETLB).</summary>
    HugeTlb = 1 << 16,

    /// <summary>The pages do not count as promised, even when stores are allowed (MAP_NORESERVE).</summary>
    NotReserved = 1 << 17,

    /// <summary>The pages count as promised memory, if it is counted (VM_ACCOUNT).</summary>
    Promised = 1 << 18,

    /// <summary>Both flags of a locked area, as a mask.</summary>
    Locks = Locked | LockedOnFault,

    /// <summary>The three rights together, as a mask.</summary>
    Rights = Read | Write | Execute,
}

/// <summary>Flags of areas, from what system calls say.</summary>
public static class AreaFlagsExtensions
{
    /// <summary>
    /// The rights that a call asks for; bits of it that are no right are left out. <see cref="SpaceMemory.EntryFlags"/> makes flags of
    /// page-table entries of them.
    /// </summary>
    public static AreaFlags ToAreaFlags(this Protection protection) =>
        ((protection & Protection.Read) != 0 ? AreaFlags.Read : AreaFlags.None)
        | ((protection & Protection.Write) != 0 ? AreaFlags.Write : AreaFlags.None)
        | ((protection & Protection.Execute) != 0 ? AreaFlags.Execute : AreaFlags.None);
}
