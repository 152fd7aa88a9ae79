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

    /// <summary>MADV_HUGEPAGE: faults map huge pages where they fit, if the option says madvise.</summary>
    HugePage = 14,

    /// <summary>MADV_NOHUGEPAGE: faults map pages of 4 KiB alone.</summary>
    NoHugePage = 15,

    /// <summary>MADV_PAGEOUT: reclaims the range's clean file pages that nobody else maps.</summary>
    PageOut = 21,

    /// <summary>MADV_POPULATE_READ: every page is mapped as a load would.</summary>
    PopulateRead = 22,

    /// <summary>MADV_POPULATE_WRITE: every page is mapped as a store would.</summary>
    PopulateWrite = 23,
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

    /// <summary>Bytes, as the program gave them; the kernel rounds up to pages. For Remap the old length.</summary>
    public ulong Length { get; init; }

    /// <summary>Rights (Map, Protect).</summary>
    public Protection Protection { get; init; }

    /// <summary>What is mapped (Map).</summary>
    public MappingSource Source { get; init; }

    /// <summary>Whether stores reach the object and every other mapping of it (MAP_SHARED), and not a private copy (MAP_PRIVATE).</summary>
    public bool Shared { get; init; }

    /// <summary>Whether all pages are mapped at once (MAP_POPULATE).</summary>
    public bool Populate { get; init; }

    /// <summary>The file (Map with a file source), an index into <see cref="ProgramImage.Files"/>.</summary>
    public int FileId { get; init; } = -1;

    /// <summary>Byte offset in the object (Map).</summary>
    public ulong Offset { get; init; }

    /// <summary>The new place (Remap).</summary>
    public VirtAddr NewStart { get; init; }

    /// <summary>The new length in bytes (Remap).</summary>
    public ulong NewLength { get; init; }

    /// <summary>The advice (Advise).</summary>
    public Advice Advice { get; init; }

    /// <summary>The name of a plug-in backend that the mapping uses instead of the one its source implies; null for none.</summary>
    public string? Backend { get; init; }

    /// <summary>The name shown in reports, such as [heap]; null for none.</summary>
    public string? Name { get; init; }
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

    /// <summary>The core the thread is pinned to; -1 when the scenario's placement decides.</summary>
    public int Core { get; init; } = -1;
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
