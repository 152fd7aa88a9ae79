using VmSim.Core.Addresses;

namespace VmSim.Core.Programs;

/// <summary>A stream of operations, read in blocks. A stream depends on nothing but what it was made from: reading it faster,
/// slower or on another thread gives the same operations.</summary>
public interface IOperationStream
{
    /// <summary>Fills <paramref name="operations"/> from the front with encoded operations (<see cref="Operation"/>).</summary>
    /// <returns>How many were written; 0 only at the end of the stream.</returns>
    int Read(Span<ulong> operations);
}

/// <summary>A memory-management system call of a program.</summary>
public enum SystemCallKind : byte
{
    /// <summary>mmap at a fixed address; what was there before is unmapped.</summary>
    Map,

    /// <summary>munmap: Start and Length.</summary>
    Unmap,

    /// <summary>mprotect: Start, Length and Protection.</summary>
    Protect,

    /// <summary>brk: moves the end of the heap to <see cref="SystemCall.Start"/>.</summary>
    SetBreak,

    /// <summary>mremap from <see cref="SystemCall.Start"/> to <see cref="SystemCall.NewStart"/>.</summary>
    Remap,

    /// <summary>madvise: Start, Length and Advice.</summary>
    Advise,

    /// <summary>msync: Start and Length.</summary>
    Sync,

    /// <summary>A system call that touches no mapping (getppid, futex, ...): enters and leaves the kernel.</summary>
    Other,

    /// <summary>mlock and mlock2: Start, Length and <see cref="SystemCall.Locking"/>.</summary>
    Lock,

    /// <summary>munlock: Start and Length.</summary>
    Unlock,

    /// <summary>mlockall: <see cref="SystemCall.Locking"/>.</summary>
    LockAll,

    /// <summary>munlockall.</summary>
    UnlockAll,

    /// <summary>mincore: Start and Length.</summary>
    QueryResident,

    /// <summary>mseal: Start and Length.</summary>
    Seal,

    /// <summary>remap_file_pages: Start, Length, Offset, and MAP_NONBLOCK of <see cref="SystemCall.MappingFlags"/>.</summary>
    RemapFilePages,

    /// <summary>shmdt: unmaps the shared segment that is attached at <see cref="SystemCall.Start"/>.</summary>
    Detach,
}

/// <summary>Rights of a mapping, with Linux's PROT_* values.</summary>
[Flags]
public enum Protection : byte
{
    /// <summary>PROT_NONE: the pages cannot be used.</summary>
    None = 0,

    /// <summary>PROT_READ: loads are allowed.</summary>
    Read = 1,

    /// <summary>PROT_WRITE: stores are allowed.</summary>
    Write = 2,

    /// <summary>PROT_EXEC: fetches are allowed.</summary>
    Execute = 4,
}

/// <summary>Advice of a madvise call, with Linux's MADV_* values (include/uapi/asm-generic/mman-common.h).</summary>
public enum Advice
{
    /// <summary>MADV_NORMAL: a fault of a file page reads pages before and after it ahead.</summary>
    Normal = 0,

    /// <summary>MADV_RANDOM: a fault of a file page reads nothing ahead.</summary>
    Random = 1,

    /// <summary>MADV_SEQUENTIAL: a fault of a file page reads ahead from that page on.</summary>
    Sequential = 2,

    /// <summary>MADV_WILLNEED: file pages are read into memory.</summary>
    WillNeed = 3,

    /// <summary>MADV_DONTNEED: the pages are given back at once, and later faults map them anew.</summary>
    DontNeed = 4,

    /// <summary>MADV_FREE: the pages may be taken when memory is short; until then they stay.</summary>
    Free = 8,

    /// <summary>MADV_REMOVE: the pages and what they hold leave the object behind a shared mapping.</summary>
    Remove = 9,

    /// <summary>MADV_DONTFORK: the area is not copied by fork.</summary>
    DontFork = 10,

    /// <summary>MADV_DOFORK: takes <see cref="DontFork"/> back.</summary>
    DoFork = 11,

    /// <summary>MADV_MERGEABLE: equal pages may be merged (KSM).</summary>
    Mergeable = 12,

    /// <summary>MADV_UNMERGEABLE: takes <see cref="Mergeable"/> back.</summary>
    Unmergeable = 13,

    /// <summary>MADV_HUGEPAGE: faults map huge pages where they fit, if the option says madvise.</summary>
    HugePage = 14,

    /// <summary>MADV_NOHUGEPAGE: faults map pages of 4 KiB alone.</summary>
    NoHugePage = 15,

    /// <summary>MADV_DONTDUMP: the area is left out of core dumps.</summary>
    DontDump = 16,

    /// <summary>MADV_DODUMP: takes <see cref="DontDump"/> back.</summary>
    DoDump = 17,

    /// <summary>MADV_WIPEONFORK: a forked child finds zeros in the area.</summary>
    WipeOnFork = 18,

    /// <summary>MADV_KEEPONFORK: takes <see cref="WipeOnFork"/> back.</summary>
    KeepOnFork = 19,

    /// <summary>MADV_COLD: the pages count as not used lately.</summary>
    Cold = 20,

    /// <summary>MADV_PAGEOUT: reclaims the range's clean file pages that nobody else maps.</summary>
    PageOut = 21,

    /// <summary>MADV_POPULATE_READ: every page is mapped as a load would.</summary>
    PopulateRead = 22,

    /// <summary>MADV_POPULATE_WRITE: every page is mapped as a store would.</summary>
    PopulateWrite = 23,

    /// <summary>MADV_DONTNEED_LOCKED: as <see cref="DontNeed"/>, of locked areas too.</summary>
    DontNeedLocked = 24,

    /// <summary>MADV_COLLAPSE: small pages become huge ones at once.</summary>
    Collapse = 25,

    /// <summary>MADV_HWPOISON: the pages fail as broken memory does; for tests of a kernel by its administrator.</summary>
    HardwarePoison = 100,

    /// <summary>MADV_SOFT_OFFLINE: the pages move to other frames, for the same tests.</summary>
    SoftOffline = 101,

    /// <summary>MADV_GUARD_INSTALL: the pages are dropped, and each access to them is a segmentation fault.</summary>
    GuardInstall = 102,

    /// <summary>MADV_GUARD_REMOVE: takes <see cref="GuardInstall"/> back.</summary>
    GuardRemove = 103,
}

/// <summary>The object behind a mapping.</summary>
public enum MappingSource : byte
{
    /// <summary>Anonymous memory.</summary>
    Anonymous,

    /// <summary>A file; <see cref="SystemCall.FileId"/> says which.</summary>
    File,

    /// <summary>Device memory at physical address <see cref="SystemCall.Offset"/>.</summary>
    Device,

    /// <summary>Memory whose physical address is the virtual one plus <see cref="SystemCall.Offset"/>.</summary>
    Linear,

    /// <summary>An area that always faults.</summary>
    Guard,
}

/// <summary>One memory-management system call with its arguments. Unused ones are 0.</summary>
public sealed record SystemCall
{
    /// <summary>Which call it is; it decides which other properties count.</summary>
    public required SystemCallKind Kind { get; init; }

    /// <summary>The first address (Map, Unmap, Protect, Advise, Sync), the new break (SetBreak) or the old place (Remap).</summary>
    public VirtAddr Start { get; init; }

    /// <summary>
    /// Bytes, as the program gave them; the kernel rounds up to pages. For Remap the old length, for Detach those of the segment, 0 if they
    /// are not known.
    /// </summary>
    public ulong Length { get; init; }

    /// <summary>Rights (Map, Protect).</summary>
    public Protection Protection { get; init; }

    /// <summary>What is mapped (Map).</summary>
    public MappingSource Source { get; init; }

    /// <summary>Whether stores reach the object and every other mapping of it (MAP_SHARED), and not a private copy (MAP_PRIVATE).</summary>
    public bool Shared { get; init; }

    /// <summary>Whether all pages are mapped at once (MAP_POPULATE).</summary>
    public bool Populate { get; init; }

    /// <summary>Further flags of a mapping (Map; of RemapFilePages MAP_NONBLOCK alone).</summary>
    public MappingFlags MappingFlags { get; init; }

    /// <summary>
    /// Of a mapping with MAP_HUGETLB: the power of two that its pages have bytes, such as 21 and 30; 0 for the system's default, 2 MiB.
    /// </summary>
    public int HugePageShift { get; init; }

    /// <summary>The file (Map with a file source), an index into <see cref="ProgramImage.Files"/>.</summary>
    public int FileId { get; init; } = -1;

    /// <summary>Byte offset in the object (Map, RemapFilePages).</summary>
    public ulong Offset { get; init; }

    /// <summary>The new place (Remap).</summary>
    public VirtAddr NewStart { get; init; }

    /// <summary>The new length in bytes (Remap).</summary>
    public ulong NewLength { get; init; }

    /// <summary>How the range may move (Remap).</summary>
    public RemapFlags RemapFlags { get; init; }

    /// <summary>The advice (Advise).</summary>
    public Advice Advice { get; init; }

    /// <summary>Ranges after the first that the advice is for (Advise): those of process_madvise.</summary>
    public IReadOnlyList<AddrRange<VirtAddr>> MoreRanges { get; init; } = [];

    /// <summary>What is locked and when (Lock, LockAll).</summary>
    public Locking Locking { get; init; }

    /// <summary>How the range is synchronised (Sync); by default dirty pages are written before the call returns.</summary>
    public SyncFlags SyncFlags { get; init; } = SyncFlags.Synchronous;

    /// <summary>
    /// What the call answered where the program was recorded. A run tells of calls that answer something else. Null when nobody knows, as
    /// of a program that was never recorded.
    /// </summary>
    public Errno? Recorded { get; init; }

    /// <summary>The name of a plug-in backend that the mapping uses instead of the one its source implies; null for none.</summary>
    public string? Backend { get; init; }

    /// <summary>The name shown in reports, such as [heap]; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>From where the program makes the call; null if nobody recorded it.</summary>
    public CallSite? Site { get; init; }
}

/// <summary>A file that a program maps.</summary>
/// <param name="Path">Its name, for reports and for sharing page-cache pages between processes.</param>
/// <param name="Bytes">Its length; pages past it fault with a bus error. <see cref="ulong.MaxValue"/> when unknown.</param>
public sealed record ProgramFile(string Path, ulong Bytes = ulong.MaxValue);

/// <summary>One thread of a program.</summary>
public sealed record ThreadProgram
{
    /// <summary>A name for reports.</summary>
    public required string Name { get; init; }

    /// <summary>Makes a fresh stream of the thread's operations from its beginning.</summary>
    public required Func<IOperationStream> Open { get; init; }

    /// <summary>The system calls that the stream's operations name by index.</summary>
    public required IReadOnlyList<SystemCall> SystemCalls { get; init; }

    /// <summary>Whether the thread is runnable from the start; otherwise a <see cref="ControlKind.StartThread"/> starts it.</summary>
    public bool StartsRunnable { get; init; } = true;

    /// <summary>The core the thread is pinned to; null when the scenario's placement decides.</summary>
    public CoreId? Core { get; init; }
}

/// <summary>What one process runs: its initial mappings and its threads.</summary>
public sealed record ProgramImage
{
    /// <summary>A name for reports.</summary>
    public required string Name { get; init; }

    /// <summary>Files that mappings name by index.</summary>
    public IReadOnlyList<ProgramFile> Files { get; init; } = [];

    /// <summary>Mappings made before the first operation, at no simulated cost.</summary>
    public IReadOnlyList<SystemCall> InitialMappings { get; init; } = [];

    /// <summary>The program break before the first operation; 0 when the program never moves it.</summary>
    public VirtAddr InitialBreak { get; init; }

    /// <summary>The threads; number 0 is the main thread.</summary>
    public required IReadOnlyList<ThreadProgram> Threads { get; init; }

    /// <summary>
    /// Children that <see cref="ControlKind.Fork"/> operations start, by index. A child's initial mappings are its parent's.
    /// </summary>
    public IReadOnlyList<ProgramImage> Children { get; init; } = [];

    /// <summary>How many events (<see cref="ControlKind.Signal"/>) the streams use, numbered from 0.</summary>
    public int EventCount { get; init; }

    /// <summary>Parties of each barrier, by barrier number.</summary>
    public IReadOnlyList<int> BarrierParties { get; init; } = [];

    /// <summary>Whether threads use <see cref="ControlKind.Migrate"/>; then all cores of the machine are in the process's domain.</summary>
    public bool MayMigrate { get; init; }

    /// <summary>How many mutexes the streams use, numbered from 0.</summary>
    public int MutexCount { get; init; }
}
