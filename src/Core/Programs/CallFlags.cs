namespace VmSim.Core.Programs;

/// <summary>
/// What a mapping asks for beside its rights and its source, with Linux's MAP_* values on x86-64 (include/uapi/asm-generic/mman-common.h,
/// arch/x86/include/uapi/asm/mman.h).
/// </summary>
[Flags]
public enum MappingFlags
{
    /// <summary>Nothing more.</summary>
    None = 0,

    /// <summary>MAP_FIXED: what is mapped in the range is unmapped first.</summary>
    Fixed = 0x10,

    /// <summary>MAP_32BIT: the mapping lies below 2 GiB.</summary>
    Below2G = 0x40,

    /// <summary>MAP_GROWSDOWN: faults below the area extend it downwards, as a stack.</summary>
    GrowsDown = 0x100,

    /// <summary>MAP_LOCKED: the pages are made at once and stay in memory.</summary>
    Locked = 0x2000,

    /// <summary>MAP_NORESERVE: the pages do not count as promised memory.</summary>
    NoReserve = 0x4000,

    /// <summary>MAP_NONBLOCK: pages that MAP_POPULATE would have to make or read are not.</summary>
    NonBlocking = 0x10000,

    /// <summary>MAP_HUGETLB: pages of the pool of huge pages; <see cref="SystemCall.HugePageShift"/> says how large.</summary>
    HugePages = 0x40000,

    /// <summary>MAP_FIXED_NOREPLACE: the call fails if anything is mapped in the range.</summary>
    FixedNoReplace = 0x100000,
}

/// <summary>How mremap may move a range, with Linux's MREMAP_* values (include/uapi/linux/mman.h).</summary>
[Flags]
public enum RemapFlags
{
    /// <summary>The range stays where it is.</summary>
    None = 0,

    /// <summary>MREMAP_MAYMOVE: the range may move.</summary>
    MayMove = 1,

    /// <summary>MREMAP_FIXED: the range moves to the given place, where everything is unmapped first.</summary>
    Fixed = 2,

    /// <summary>MREMAP_DONTUNMAP: the old range stays mapped, and empty.</summary>
    DontUnmap = 4,
}

/// <summary>What mlock2 and mlockall lock, and when.</summary>
[Flags]
public enum Locking
{
    /// <summary>mlock: the pages of the range, at once.</summary>
    None = 0,

    /// <summary>MCL_CURRENT of mlockall: the areas there are.</summary>
    Current = 1,

    /// <summary>MCL_FUTURE of mlockall: areas that are mapped later.</summary>
    Future = 2,

    /// <summary>MLOCK_ONFAULT and MCL_ONFAULT: pages are locked when a fault makes them, and none is made at once.</summary>
    OnFault = 4,
}

/// <summary>How msync works, with Linux's MS_* values (include/uapi/asm-generic/mman-common.h).</summary>
[Flags]
public enum SyncFlags
{
    /// <summary>Nothing is written.</summary>
    None = 0,

    /// <summary>MS_ASYNC: dirty pages are left to the kernel's own writing.</summary>
    Asynchronous = 1,

    /// <summary>MS_INVALIDATE: other mappings are to see the file; it fails on locked areas.</summary>
    Invalidate = 2,

    /// <summary>MS_SYNC: dirty pages are written before the call returns.</summary>
    Synchronous = 4,
}
