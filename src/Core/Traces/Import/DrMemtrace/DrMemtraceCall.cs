namespace VmSim.Core.Traces.Import.DrMemtrace;

/// <summary>A system call while its markers are read.</summary>
internal sealed class DrMemtraceCall
{
    /// <summary>What the number of a call is added to in a function marker (func_trace_t::TRACE_FUNC_ID_SYSCALL_BASE).</summary>
    private const ulong Base = 0x1_0000_0000;

    /// <summary>Numbers on AArch64 (include/uapi/asm-generic/unistd.h) of calls that have another on x86-64.</summary>
    private static readonly Dictionary<ulong, ulong> Arm = new()
    {
        [222] = 9,
        [226] = 10,
        [215] = 11,
        [214] = 12,
        [216] = 25,
        [227] = 26,
        [232] = 27,
        [233] = 28,
        [228] = 149,
        [229] = 150,
        [230] = 151,
        [231] = 152,
        [284] = 325,
        [194] = 29,
        [196] = 30,
        [195] = 31,
        [197] = 67,
        [220] = 56,
        [235] = 237,
        [288] = 329,
    };

    /// <summary>Names of the calls that concern memory, by number on x86-64.</summary>
    private static readonly Dictionary<ulong, string> Names = new()
    {
        [9] = "mmap",
        [10] = "mprotect",
        [11] = "munmap",
        [12] = "brk",
        [25] = "mremap",
        [26] = "msync",
        [27] = "mincore",
        [28] = "madvise",
        [29] = "shmget",
        [30] = "shmat",
        [31] = "shmctl",
        [67] = "shmdt",
        [149] = "mlock",
        [150] = "munlock",
        [151] = "mlockall",
        [152] = "munlockall",
        [237] = "mbind",
        [325] = "mlock2",
        [329] = "pkey_mprotect",
        [440] = "process_madvise",
        [462] = "mseal",
    };

    private int _count;
    private bool _isCall;

    /// <summary>The call's number on x86-64.</summary>
    public ulong Number { get; private set; }

    /// <summary>Its arguments; six.</summary>
    public ulong[] Arguments { get; } = new ulong[6];

    /// <summary>How many of them were recorded.</summary>
    public int Count => _count;

    /// <summary>The memory call that a system call marker announced and that no function marker has followed; null for none.</summary>
    public string? Announced { get; private set; }

    /// <summary>The name of the call; null if it does not concern memory.</summary>
    public string? Name => Names.GetValueOrDefault(Number);

    /// <summary>A system call marker: the call's number.</summary>
    public void Announce(ulong number, bool isArm) =>
        Announced = Names.GetValueOrDefault(isArm ? Arm.GetValueOrDefault(number, ulong.MaxValue) : number);

    /// <summary>A function marker: a call's number, or a function's.</summary>
    public void Begin(ulong id, bool isArm)
    {
        _isCall = id >= Base;
        _count = 0;
        Array.Clear(Arguments);
        if (_isCall)
        {
            ulong number = id - Base;
            Number = isArm ? Arm.GetValueOrDefault(number, ulong.MaxValue) : number;
            Announced = null;
        }
    }

    /// <summary>An argument.</summary>
    public void Argument(ulong value)
    {
        if (_count < Arguments.Length)
        {
            Arguments[_count++] = value;
        }
    }

    /// <summary>The result marker.</summary>
    /// <returns>Whether it is that of a call.</returns>
    public bool End()
    {
        bool isCall = _isCall;
        _isCall = false;
        return isCall;
    }
}
