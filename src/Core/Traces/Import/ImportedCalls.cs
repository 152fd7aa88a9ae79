
namespace VmSim.Core.Traces.Import;

/// <summary>
/// Turns successful system calls, by x86-64 number (arch/x86/entry/syscalls/syscall_64.tbl), into records, and knows the file of each
/// descriptor.
/// </summary>
public sealed class ImportedCalls(TraceEmitter emitter, ImportSummary summary)
{
    private const ulong MapAnonymous = 0x20;
    private const ulong CloneThread = 0x10000;
    private const ulong DuplicateDescriptor = 0;
    private const ulong DuplicateDescriptorCloseOnExec = 1030;
    private const int MaxDescriptors = 1 << 20;
    private readonly Dictionary<ulong, string> _paths = [];

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
                    (a[3] & MapAnonymous) != 0 ? null : _paths.GetValueOrDefault(a[4], $"descriptor {(int)a[4]}"),
                    a[5]);
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
                emitter.Call(VmtRecord.Protect(a[0], a[1], a[2] & 0xFFFF_FFFF), "mprotect");
                break;
            case 11:
                emitter.Call(VmtRecord.Unmap(a[0], a[1]), "munmap");
                break;
            case 12:
                emitter.Call(VmtRecord.SetBreak(result), "brk");
                break;
            case 25:
                emitter.Call(VmtRecord.Remap(a[0], a[1], a[2], a[3], result), "mremap");
                break;
            case 28 when a[1] > 0:
                emitter.Call(VmtRecord.Advise(a[0], a[1], a[2] & 0xFFFF_FFFF), "madvise");
                break;
            default:
                break;
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
