using System.Globalization;
using System.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>What a call is to the importer.</summary>
internal enum StraceCall
{
    /// <summary>A call that has nothing to do with mappings, threads or processes.</summary>
    Other,

    /// <summary>A call that strace had no name for, and that is not known by its number.</summary>
    Unnamed,

    /// <summary>A call on memory that changes nothing that is simulated.</summary>
    NoChange,
    Map,
    MapIndirect,
    MapPages,
    Unmap,
    Protect,
    Remap,
    Break,
    Advise,
    AdviseProcess,
    Attach,
    Detach,
    SegmentGet,
    SegmentControl,
    RemapFilePages,
    ShadowStack,
    Lock,
    Unlock,
    LockAll,
    UnlockAll,
    Sync,
    Resident,
    Seal,
    Clone,
    Clone3,
    Fork,
    VFork,
    Execute,
    Exit,
    Open,
    OpenAt,
    Close,
    Duplicate,
    Control,
    MemoryFile,
    ProcessFile,
}

/// <summary>A call's name, and what it is.</summary>
internal sealed record StraceName(string Name, StraceCall Call)
{
    /// <summary>Whether it makes a thread or a process.</summary>
    public bool IsClone => Call is StraceCall.Clone or StraceCall.Clone3 or StraceCall.Fork or StraceCall.VFork;

    /// <summary>Whether addresses that it frees may be mapped by another thread before its own answer is printed.</summary>
    public bool Frees => Call is StraceCall.Unmap or StraceCall.Remap or StraceCall.Break or StraceCall.Detach;

    /// <summary>Whether it is read only to know what descriptors are.</summary>
    public bool IsDescriptor => Call is >= StraceCall.Open and <= StraceCall.Control;

    /// <summary>Whether the importer reads its arguments.</summary>
    public bool IsUsed => Call != StraceCall.Other;
}

/// <summary>Names and numbers of the calls that matter: strace's classes memory and process, and calls that open descriptors.</summary>
internal static class StraceNames
{
    private static readonly Dictionary<string, StraceCall> Calls = new(StringComparer.Ordinal)
    {
        ["mmap"] = StraceCall.Map,
        ["old_mmap"] = StraceCall.MapIndirect,
        ["mmap2"] = StraceCall.MapPages,
        ["munmap"] = StraceCall.Unmap,
        ["mprotect"] = StraceCall.Protect,
        ["pkey_mprotect"] = StraceCall.Protect,
        ["mremap"] = StraceCall.Remap,
        ["brk"] = StraceCall.Break,
        ["madvise"] = StraceCall.Advise,
        ["process_madvise"] = StraceCall.AdviseProcess,
        ["shmat"] = StraceCall.Attach,
        ["shmdt"] = StraceCall.Detach,
        ["shmget"] = StraceCall.SegmentGet,
        ["shmctl"] = StraceCall.SegmentControl,
        ["remap_file_pages"] = StraceCall.RemapFilePages,
        ["map_shadow_stack"] = StraceCall.ShadowStack,
        ["mlock"] = StraceCall.Lock,
        ["mlock2"] = StraceCall.Lock,
        ["munlock"] = StraceCall.Unlock,
        ["mlockall"] = StraceCall.LockAll,
        ["munlockall"] = StraceCall.UnlockAll,
        ["msync"] = StraceCall.Sync,
        ["mincore"] = StraceCall.Resident,
        ["mseal"] = StraceCall.Seal,
        ["clone"] = StraceCall.Clone,
        ["clone2"] = StraceCall.Clone,
        ["clone3"] = StraceCall.Clone3,
        ["fork"] = StraceCall.Fork,
        ["vfork"] = StraceCall.VFork,
        ["execve"] = StraceCall.Execute,
        ["execveat"] = StraceCall.Execute,
        ["execv"] = StraceCall.Execute,
        ["exit"] = StraceCall.Exit,
        ["exit_group"] = StraceCall.Exit,
        ["open"] = StraceCall.Open,
        ["creat"] = StraceCall.Open,
        ["openat"] = StraceCall.OpenAt,
        ["openat2"] = StraceCall.OpenAt,
        ["close"] = StraceCall.Close,
        ["dup"] = StraceCall.Duplicate,
        ["dup2"] = StraceCall.Duplicate,
        ["dup3"] = StraceCall.Duplicate,
        ["fcntl"] = StraceCall.Control,
        ["fcntl64"] = StraceCall.Control,
        ["memfd_create"] = StraceCall.MemoryFile,
        ["memfd_secret"] = StraceCall.MemoryFile,
        ["pidfd_open"] = StraceCall.ProcessFile,
        ["pkey_alloc"] = StraceCall.NoChange,
        ["pkey_free"] = StraceCall.NoChange,
        ["process_mrelease"] = StraceCall.NoChange,
        ["userfaultfd"] = StraceCall.NoChange,
        ["set_mempolicy"] = StraceCall.NoChange,
        ["set_mempolicy_home_node"] = StraceCall.NoChange,
        ["get_mempolicy"] = StraceCall.NoChange,
        ["mbind"] = StraceCall.NoChange,
        ["migrate_pages"] = StraceCall.NoChange,
        ["move_pages"] = StraceCall.NoChange,
        ["cachestat"] = StraceCall.NoChange,
        ["io_setup"] = StraceCall.NoChange,
        ["io_destroy"] = StraceCall.NoChange,
        ["io_uring_register"] = StraceCall.NoChange,
        ["subpage_prot"] = StraceCall.NoChange,
        ["break"] = StraceCall.NoChange,
        ["uselib"] = StraceCall.NoChange,
        ["sram_alloc"] = StraceCall.NoChange,
        ["????"] = StraceCall.Unnamed,
    };

    // numbers from 424 on are the same on all machines (scripts/syscall.tbl); up to 469 (6.16) none but these concern memory or processes
    private const ulong FirstCommonNumber = 424;
    private const ulong LastKnownNumber = 469;
    private const ulong X32Bit = 0x4000_0000;

    private static readonly Dictionary<ulong, string> CommonNumbers = new()
    {
        [427] = "io_uring_register",
        [434] = "pidfd_open",
        [435] = "clone3",
        [436] = "close_range",
        [437] = "openat2",
        [440] = "process_madvise",
        [447] = "memfd_secret",
        [448] = "process_mrelease",
        [450] = "set_mempolicy_home_node",
        [451] = "cachestat",
        [453] = "map_shadow_stack",
        [462] = "mseal",
    };

    // calls that an strace older than the kernel may not know, on x86-64, and on i386 and AArch64 (as RISC-V and LoongArch), by number
    private static readonly Dictionary<ulong, string> X64Numbers = new()
    {
        [319] = "memfd_create",
        [322] = "execveat",
        [323] = "userfaultfd",
        [325] = "mlock2",
        [329] = "pkey_mprotect",
        [330] = "pkey_alloc",
        [331] = "pkey_free",
    };

    private static readonly Dictionary<ulong, string> X86Numbers = new()
    {
        [356] = "memfd_create",
        [358] = "execveat",
        [374] = "userfaultfd",
        [376] = "mlock2",
        [380] = "pkey_mprotect",
        [381] = "pkey_alloc",
        [382] = "pkey_free",
        [395] = "shmget",
        [396] = "shmctl",
        [397] = "shmat",
        [398] = "shmdt",
    };

    private static readonly Dictionary<ulong, string> GenericNumbers = new()
    {
        [279] = "memfd_create",
        [281] = "execveat",
        [282] = "userfaultfd",
        [284] = "mlock2",
        [288] = "pkey_mprotect",
        [289] = "pkey_alloc",
        [290] = "pkey_free",
    };

    /// <summary>What a name in a log means.</summary>
    public static StraceName Of(ReadOnlySpan<byte> text, StraceMachine machine)
    {
        string name = Encoding.UTF8.GetString(text);
        if (!name.StartsWith("syscall_0x", StringComparison.Ordinal))
        {
            return new StraceName(name, Calls.GetValueOrDefault(name));
        }

        bool isNumber = ulong.TryParse(
            name.AsSpan("syscall_0x".Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong number);
        number = machine == StraceMachine.X64 ? number & ~X32Bit : number;
        Dictionary<ulong, string> numbers = number >= FirstCommonNumber ? CommonNumbers : machine switch
        {
            StraceMachine.X86 => X86Numbers,
            StraceMachine.Generic => GenericNumbers,
            _ => X64Numbers,
        };
        return isNumber && numbers.TryGetValue(number, out string? known) ? new StraceName(known, Calls.GetValueOrDefault(known))
            : isNumber && number <= LastKnownNumber ? new StraceName(name, StraceCall.Other)
            : new StraceName(name, StraceCall.Unnamed);
    }
}

/// <summary>Machines that number their calls differently.</summary>
internal enum StraceMachine
{
    /// <summary>x86-64.</summary>
    X64,

    /// <summary>i386: 32-bit programs.</summary>
    X86,

    /// <summary>The generic table: AArch64, RISC-V, LoongArch.</summary>
    Generic,
}
