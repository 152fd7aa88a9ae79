
namespace VmSim.Core.Traces.Import;

/// <summary>
/// Turns successful system calls, by x86-64 number (arch/x86/entry/syscalls/syscall_64.tbl), into records, and knows the file of each
/// descriptor.
/// </summary>
/// <param name="emitter">Takes the records.</param>
/// <param name="summary">Counts the calls.</param>
/// <param name="guess">Hears what is mapped and unmapped. While it guesses, the break's moves are maps and unmaps: what was guessed may
/// stand in the heap's way, and only a map replaces it.</param>
public sealed class ImportedCalls(TraceEmitter emitter, ImportSummary summary, RegionGuess guess)
{
    private const ulong MapAnonymous = 0x20;
    private const ulong CloneThread = 0x10000;
    private const ulong DuplicateDescriptor = 0;
    private const ulong DuplicateDescriptorCloseOnExec = 1030;
    private const int MaxDescriptors = 1 << 20;

    /// <summary>Calls that concern memory and are not told from their number alone above, by number.</summary>
    private static readonly Dictionary<int, string> MemoryCalls = new()
    {
        [26] = "msync",
        [27] = "mincore",
        [29] = "shmget",
        [30] = "shmat",
        [31] = "shmctl",
        [67] = "shmdt",
        [149] = "mlock",
        [150] = "munlock",
        [151] = "mlockall",
        [152] = "munlockall",
        [216] = "remap_file_pages",
        [237] = "mbind",
        [238] = "set_mempolicy",
        [256] = "migrate_pages",
        [279] = "move_pages",
        [323] = "userfaultfd",
        [325] = "mlock2",
        [329] = "pkey_mprotect",
        [330] = "pkey_alloc",
        [331] = "pkey_free",
        [440] = "process_madvise",
        [448] = "process_mrelease",
        [453] = "map_shadow_stack",
        [462] = "mseal",
    };

    private readonly Dictionary<ulong, string> _paths = [];
    private ulong _break;

    /// <summary>The process begins as a copy of another one: its heap and its descriptors are the other one's.</summary>
    public void Inherit(ImportedCalls parent)
    {
        ArgumentNullException.ThrowIfNull(parent);
        _break = parent._break;
        foreach ((ulong descriptor, string path) in parent._paths)
        {
            Open(descriptor, path);
        }
    }

    /// <summary>The heap of a process that ran before the recording began ends here, if its end is not known yet.</summary>
    public void HeapEnds(ulong end) => _break = _break == 0 ? end : _break;

    /// <summary>The process executes a program, which has a heap of its own.</summary>
    public void Execute() => _break = 0;

    /// <summary>Takes a call that succeeded.</summary>
    /// <param name="number">The call's number.</param>
    /// <param name="a">Its arguments, at least six.</param>
    /// <param name="path">The path it names, if any.</param>
    /// <param name="result">What it returned.</param>
    public void Take(int number, ulong[] a, string? path, ulong result)
    {
        switch (number)
        {
            case 0 or 17 or 45:
                emitter.KernelAccess(isStore: true, a[1], result);
                break;
            case 1 or 18 or 44:
                emitter.KernelAccess(isStore: false, a[1], result);
                break;
            case 2 or 257:
                Open(result, path ?? $"descriptor {result}");
                break;
            case 319:
                Open(result, $"memfd:{path}");
                break;
            case 3:
                _paths.Remove(a[0]);
                break;
            case 32 or 33 or 292:
                Duplicate(a[0], result);
                break;
            case 72 when a[1] is DuplicateDescriptor or DuplicateDescriptorCloseOnExec:
                Duplicate(a[0], result);
                break;
            case 9:
                emitter.Map(
                    result,
                    a[1],
                    a[2],
                    a[3],
                    (a[3] & MapAnonymous) != 0 ? null : path ?? _paths.GetValueOrDefault(a[4], $"descriptor {(int)a[4]}"),
                    a[5]);
                guess.Change(result, a[1], mapped: true);
                break;
            case 56 or 57 or 58 or 435:
                Clone(number, a[0], result);
                break;
            default:
                TakeRange(number, a, result);
                break;
        }
    }

    private void TakeRange(int number, ulong[] a, ulong result)
    {
        // a length of 0 is a success that does nothing, and no record
        switch (number)
        {
            case 10 when a[1] > 0:
                Emit(VmtRecord.Protect(a[0], a[1], a[2] & 0xFFFF_FFFF), "mprotect");
                break;
            case 11:
                Emit(VmtRecord.Unmap(a[0], a[1]), "munmap");
                guess.Change(a[0], a[1], mapped: false);
                break;
            case 12 when guess.IsOn:
                MoveBreak(result);
                break;
            case 12:
                emitter.Call(VmtRecord.SetBreak(result), "brk");
                break;
            case 25:
                Emit(VmtRecord.Remap(a[0], a[1], a[2], a[3], result), "mremap");
                guess.Change(a[0], a[1], mapped: false);
                guess.Change(result, a[2], mapped: true);
                break;
            case 28 when a[1] > 0:
                Emit(VmtRecord.Advise(a[0], a[1], a[2] & 0xFFFF_FFFF), "madvise");
                break;
            default:
                TakeOther(number, a);
                break;
        }
    }

    /// <summary>Calls that a c record says; those that nothing simulates are counted.</summary>
    private void TakeOther(int number, ulong[] a)
    {
        VmtRecord? record = number switch
        {
            149 => VmtRecord.OfCall(VmtCall.Lock, a[0], a[1]),
            325 => VmtRecord.OfCall(VmtCall.Lock, a[0], a[1], a[2]),
            150 => VmtRecord.OfCall(VmtCall.Unlock, a[0], a[1]),
            151 => VmtRecord.OfCall(VmtCall.LockAll, flags: a[0]),
            152 => VmtRecord.OfCall(VmtCall.UnlockAll),
            26 => VmtRecord.OfCall(VmtCall.Sync, a[0], a[1], a[2]),
            27 => VmtRecord.OfCall(VmtCall.QueryResident, a[0], a[1]),
            462 => VmtRecord.OfCall(VmtCall.Seal, a[0], a[1]),
            329 => VmtRecord.Protect(a[0], a[1], a[2] & 0xFFFF_FFFF),
            _ => null,
        };
        if (record is { } call)
        {
            Emit(call, MemoryCalls[number]);
        }
        else if (MemoryCalls.TryGetValue(number, out string? name))
        {
            ImportSummary.Add(summary.NotSimulated, name);
        }
        else
        {
            summary.OtherCalls++;
        }
    }

    /// <summary>Writes a call whose range can be one; what it names is the log's word.</summary>
    private void Emit(VmtRecord record, string name)
    {
        if (VmtRules.IsLegal(record, hasText: false))
        {
            emitter.Call(record, name);
        }
        else
        {
            ImportSummary.Add(summary.NotSimulated, $"{name} of an impossible range");
        }
    }

    private void MoveBreak(ulong value)
    {
        (ulong old, _break) = (_break == 0 ? value : _break, value);
        summary.Count("brk");
        if (value > old)
        {
            emitter.Map(old, value - old, protection: 3, flags: 0x22, path: null, offset: 0, name: null);
            guess.Change(old, value - old, mapped: true);
        }
        else if (value < old)
        {
            emitter.Call(VmtRecord.Unmap(value, old - value), name: null);
            guess.Change(value, old - value, mapped: false);
        }
    }

    private void Clone(int number, ulong flags, ulong result)
    {
        if (result == 0)
        {
            return;
        }

        bool isThread = number == 56 && (flags & CloneThread) != 0;
        if (isThread)
        {
            emitter.Call(VmtRecord.Clone(result), "clone");
            return;
        }

        summary.Children.Add(result);
        emitter.Call(VmtRecord.Fork(result), "fork");
    }

    private void Open(ulong descriptor, string path)
    {
        if (_paths.Count < MaxDescriptors)
        {
            _paths[descriptor] = path;
        }
    }

    private void Duplicate(ulong from, ulong to)
    {
        if (_paths.TryGetValue(from, out string? path))
        {
            Open(to, path);
        }
    }
}
