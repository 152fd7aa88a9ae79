using System.Text;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>What a call is to the importer.</summary>
internal enum StraceCall
{
    /// <summary>A call that has nothing to do with mappings, threads or processes.</summary>
    Other,

    /// <summary>A call of a name or a number that is not known.</summary>
    Unnamed,

    /// <summary>A call on memory that changes nothing that is simulated.</summary>
    NoChange,

    /// <summary>A call that says on which nodes memory is to be: kept, and not simulated.</summary>
    Policy,
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

    /// <summary>A call of many kinds, some of which change memory; its arguments tell.</summary>
    Chosen,
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

    /// <summary>Whether a later line with a name goes on with it.</summary>
    public bool IsOf(StraceName later) => Name == later.Name
        || (later.Call == StraceCall.Chosen && Name.StartsWith(later.Name, StringComparison.Ordinal) && Name[later.Name.Length] == ' ');

    /// <summary>Whether the importer reads its arguments.</summary>
    public bool IsUsed => Call != StraceCall.Other;
}

/// <summary>Names and numbers of the calls that matter: strace's classes memory and process, and calls that open descriptors.</summary>
internal static class StraceNames
{
    /// <summary>The type in the numbers of userfaultfd's requests (UFFDIO in include/uapi/linux/userfaultfd.h).</summary>
    private const ulong UserFaultType = 0xAA;

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
        ["set_mempolicy"] = StraceCall.Policy,
        ["set_mempolicy_home_node"] = StraceCall.NoChange,
        ["get_mempolicy"] = StraceCall.NoChange,
        ["mbind"] = StraceCall.Policy,
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
        ["memcntl"] = StraceCall.NoChange,
        ["alloc_hugepages"] = StraceCall.NoChange,
        ["free_hugepages"] = StraceCall.NoChange,
        ["shmsys"] = StraceCall.NoChange,
        ["prctl"] = StraceCall.Chosen,
        ["arch_prctl"] = StraceCall.Chosen,
        ["ioctl"] = StraceCall.Chosen,
        ["ipc"] = StraceCall.Chosen,
    };

    // what changes a program's areas, or what its pages may be (include/uapi/linux/prctl.h, arch/x86/include/uapi/asm/prctl.h)
    private static readonly Dictionary<uint, string> MemoryOptions = new()
    {
        [35] = "PR_SET_MM",
        [41] = "PR_SET_THP_DISABLE",
        [65] = "PR_SET_MDWE",
        [67] = "PR_SET_MEMORY_MERGE",
        [75] = "PR_SET_SHADOW_STACK_STATUS",
        [0x53564D41] = "PR_SET_VMA",
        [0x5001] = "ARCH_SHSTK_ENABLE",
        [0x5002] = "ARCH_SHSTK_DISABLE",
    };

    // requests of userfaultfd by their numbers in the type's
    private static readonly Dictionary<ulong, string> UserFaultRequests = new()
    {
        [0x00] = "UFFDIO_REGISTER",
        [0x01] = "UFFDIO_UNREGISTER",
        [0x02] = "UFFDIO_WAKE",
        [0x03] = "UFFDIO_COPY",
        [0x04] = "UFFDIO_ZEROPAGE",
        [0x05] = "UFFDIO_MOVE",
        [0x06] = "UFFDIO_WRITEPROTECT",
        [0x07] = "UFFDIO_CONTINUE",
        [0x08] = "UFFDIO_POISON",
        [0x3F] = "UFFDIO_API",
    };

    // calls that strace names for other systems' programs (Tru64, Irix, the three interfaces of MIPS), before the name that Linux has
    private static readonly string[] Systems = ["osf_", "o32_", "n32_", "n64_", "svr4_", "sysv_", "bsd43_", "posix_SGI_", "posix_"];

    /// <summary>What a name in a log means.</summary>
    public static StraceName Of(ReadOnlySpan<byte> text, StraceMachine machine)
    {
        string name = Encoding.UTF8.GetString(text);
        return StraceNumbers.Find(name, machine) ?? new StraceName(name, CallOf(name));
    }

    /// <summary>What a call of many kinds is that changes memory only in some: prctl, arch_prctl, ioctl and ipc.</summary>
    /// <param name="name">The call.</param>
    /// <param name="arguments">What follows its opening parenthesis.</param>
    public static StraceName Chosen(StraceName name, ReadOnlySpan<byte> arguments)
    {
        ReadOnlySpan<byte> option = StraceSyntax.Word(arguments);
        bool isKnown = StraceValues.TryNumber(option, out ulong number);
        string? chosen = name.Name switch
        {
            "ioctl" => UserFault(arguments),
            "ipc" => IpcOf(option, isKnown, number),
            _ when isKnown => MemoryOptions.GetValueOrDefault((uint)number),
            _ => Encoding.UTF8.GetString(option) is { } text && MemoryOptions.ContainsValue(text) ? text : null,
        };
        return chosen is null
            ? new StraceName(name.Name, StraceCall.Other)
            : new StraceName($"{name.Name} {chosen}", StraceCall.NoChange);
    }

    /// <summary>Whether a text ends in a call's name, whatever stands before it.</summary>
    public static bool EndInCall(ReadOnlySpan<byte> text)
    {
        int start = text.Length;
        while (start > 0 && (char.IsAsciiLetterOrDigit((char)text[start - 1]) || text[start - 1] == (byte)'_'))
        {
            start--;
        }

        string word = Encoding.UTF8.GetString(text[start..]);
        for (int i = 0; i < word.Length - 1; i++)
        {
            if (Calls.ContainsKey(word[i..]) || StraceOtherNames.All.Contains(word[i..]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether a name that is not known ends in that of a call that matters, as when the program wrote its last words before it:
    /// "doneclone(". The calls of other systems have an underscore there.
    /// </summary>
    public static bool IsGlued(string name)
    {
        int part = name.LastIndexOf('_') + 1;
        if (part > 0 && (Calls.ContainsKey(name[part..]) || StraceOtherNames.All.Contains(name[part..])))
        {
            return false;
        }

        for (int i = 1; i < name.Length; i++)
        {
            bool isKnown = Calls.TryGetValue(name[i..], out StraceCall call);
            if (isKnown && name[i - 1] != '_' && call is > StraceCall.NoChange and < StraceCall.Open)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a call's name and its opening parenthesis stand anywhere in a text.</summary>
    public static bool HaveCall(ReadOnlySpan<byte> text)
    {
        for (int from = 0, at = text.IndexOf((byte)'('); at >= 0; at = text[from..].IndexOf((byte)'('))
        {
            if (EndInCall(text.Slice(from, at)))
            {
                return true;
            }

            from += at + 1;
        }

        return false;
    }

    /// <summary>What a call is by its name.</summary>
    public static StraceCall CallOf(string name)
    {
        // x32 and 64-bit numbers of calls in a program of the other kind
        string plain = name.EndsWith("#64", StringComparison.Ordinal) ? name[..^3]
            : name.StartsWith("64:", StringComparison.Ordinal) ? name[3..] : name;
        if (Calls.TryGetValue(plain, out StraceCall call))
        {
            return call;
        }

        string? system = Array.Find(Systems, system => plain.StartsWith(system, StringComparison.Ordinal));
        string linux = plain[(system?.Length ?? 0)..];
        return StraceOtherNames.All.Contains(linux) ? StraceCall.Other
            : Calls.TryGetValue(linux, out call) && call is < StraceCall.NoChange or >= StraceCall.Open ? StraceCall.Other
            : StraceCall.Unnamed;
    }

    /// <summary>UFFDIO_COPY and others of userfaultfd; null for anything else.</summary>
    private static string? UserFault(ReadOnlySpan<byte> arguments)
    {
        int at = arguments.IndexOf(", UFFDIO_"u8);
        if (at >= 0)
        {
            return Encoding.UTF8.GetString(StraceSyntax.Word(arguments[(at + 2)..]));
        }

        int comma = arguments.IndexOf(", "u8);
        ReadOnlySpan<byte> request = comma < 0 ? default : arguments[(comma + 2)..];
        bool isRaw = StraceValues.TryNumber(StraceSyntax.Word(request), out ulong number) && ((number >> 8) & 0xFF) == UserFaultType;
        return isRaw ? UserFaultRequests.GetValueOrDefault(number & 0xFF, "UFFDIO_???")
            : request.StartsWith("_IO"u8) && request.IndexOf(", 0xaa, "u8) > 0 ? "UFFDIO_???" : null;
    }

    /// <summary>The call on shared segments that ipc stands for; null for those on semaphores and messages.</summary>
    private static string? IpcOf(ReadOnlySpan<byte> option, bool isNumber, ulong number)
    {
        foreach ((string name, int value) in (ReadOnlySpan<(string, int)>)[("shmat", 21), ("shmdt", 22), ("shmget", 23), ("shmctl", 24)])
        {
            string text = Encoding.UTF8.GetString(option);
            if (isNumber ? (number & 0xFFFF) == (ulong)value : text.EndsWith(name, StringComparison.OrdinalIgnoreCase))
            {
                return name.ToUpperInvariant();
            }
        }

        return null;
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
