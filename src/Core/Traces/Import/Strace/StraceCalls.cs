using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// Turns calls that succeeded into records. What they say nothing of is looked up: paths of descriptors, sizes of shared segments.
/// </summary>
internal sealed partial class StraceCalls
{
    private const ulong PageBytes = 4096;
    private const ulong MapAnonymous = 0x20;
    private const ulong PrivateAnonymous = 0x22;
    private const ulong RemapFixed = 2;
    private const ulong RemapDontUnmap = 4;
    private readonly StraceTexts<StraceFlags> _flags = new(StraceValues.Flags);
    private readonly List<StraceStep> _steps = [];
    private ulong _freedStart;
    private ulong _freedEnd;

    /// <summary>Mappings whose file the log does not name.</summary>
    public long UnnamedFiles { get; private set; }

    /// <summary>From where the call is made that is taken next, the innermost frame first; null where the log does not say.</summary>
    public string[]? Frames { get; set; }

    /// <summary>What was allowed instead of the last call; null if only its form is wrong.</summary>
    public string? Allowed { get; private set; }

    /// <summary>Takes a call that succeeded.</summary>
    /// <returns>False if its arguments cannot be used.</returns>
    public bool Take(StraceTask task, StraceName name, in StraceArguments a, ulong result)
    {
        _steps.Clear();
        (_freedStart, _freedEnd) = (0, 0);
        Allowed = null;
        StraceTask space = task.Space;
        if (!Apply(space, name, a, result))
        {
            return false;
        }

        for (int i = 0; Frames is not null && i < _steps.Count; i++)
        {
            _steps[i] = _steps[i] with { Frames = Frames };
        }

        if (name.Frees)
        {
            space.Process.Order?.End(task.Id, _steps, _freedStart, _freedEnd);
            return true;
        }

        foreach (StraceStep step in _steps)
        {
            space.Process.Order?.Add(step);
        }

        return true;
    }

    /// <summary>Takes a call that met an address that is not mapped (ENOMEM), and can have changed something before.</summary>
    public void TakeFailed(StraceTask task, StraceName name, in StraceArguments a)
    {
        _steps.Clear();
        StraceTask space = task.Space;
        bool changes = name.Call is StraceCall.Protect or StraceCall.Advise or StraceCall.Lock or StraceCall.Unlock;
        if (!changes || space.Process.Writer is null || !Apply(space, name, a, 0))
        {
            return;
        }

        foreach (StraceStep step in _steps)
        {
            space.Process.Order!.Add(step with { Record = step.Record.Answered(Errno.NoMemory), Name = null, Frames = Frames });
        }
    }

    private bool Apply(StraceTask space, StraceName name, in StraceArguments a, ulong result)
    {
        switch (name.Call)
        {
            case StraceCall.Map or StraceCall.MapIndirect or StraceCall.MapPages:
                return Map(space, name, a, StraceValues.Address(result));
            case StraceCall.Unmap:
                return Range(a, 0, 1, out ulong start, out ulong bytes) && Free(space, VmtRecord.Unmap(start, bytes), "munmap");
            case StraceCall.Protect:
                return Protect(space, name, a);
            case StraceCall.Remap:
                return Remap(space, a, StraceValues.Address(result));
            case StraceCall.Break:
                return Break(space, a, StraceValues.Address(result));
            case StraceCall.Advise:
                return Advise(space, a);
            case StraceCall.AdviseProcess:
                return AdviseProcess(space, a, result);
            case StraceCall.Attach:
                return Attach(space, a, StraceValues.Address(result));
            case StraceCall.Detach:
                return Detach(space, a);
            case StraceCall.ShadowStack:
                return ShadowStack(space, a, StraceValues.Address(result));
            case StraceCall.SegmentGet:
                return SegmentGet(space, a, result);
            case StraceCall.SegmentControl:
                return SegmentControl(space, a);
            case StraceCall.Policy:
                return Policy(space, name, a);
            case >= StraceCall.Lock and <= StraceCall.Seal or StraceCall.RemapFilePages:
                return Other(space, name, a);
            default:
                return Files(space, name, a, result);
        }
    }

    private bool Map(StraceTask space, StraceName name, in StraceArguments a, ulong start)
    {
        if (a.Count < 6 || !a.TryAddress(0, out ulong hint) || !a.TryNumber(1, out ulong bytes) || !VmtRules.IsRange(start, bytes)
            || !a.TryNumber(5, out ulong offset))
        {
            return false;
        }

        ulong rights = Flags(space, name, a[2]);
        ulong flags = Flags(space, name, a[3]);

        // registers of mmap2 hold pages; strace multiplies where it decodes
        offset = name.Call == StraceCall.MapPages && a.AreRaw ? offset * PageBytes : offset;
        string? path = null;
        Allowed = StraceRules.BrokenMap(hint, start, flags, offset);
        if (Allowed is not null || ((flags & MapAnonymous) == 0 && !TryFile(space, a[4], out path)))
        {
            return false;
        }

        VmtRecord record = VmtRecord.Mapping(VmtKind.Map, start, bytes, rights & uint.MaxValue, flags & uint.MaxValue, -1, offset);
        _steps.Add(new StraceStep(space.Thread, record, "mmap", path));
        return true;
    }

    /// <summary>The file of a descriptor; none for -1.</summary>
    private bool TryFile(StraceTask space, ReadOnlySpan<byte> text, out string? path)
    {
        int open = text.IndexOf((byte)'<');
        path = null;
        if (!StraceValues.TryNumber(open < 0 ? text : text[..open], out ulong descriptor))
        {
            return false;
        }

        if ((int)descriptor >= 0)
        {
            string? printed = StraceValues.Path(text);
            path = space.Process.Files.NameOf((int)descriptor, printed);
            UnnamedFiles += path.StartsWith("descriptor ", StringComparison.Ordinal) ? 1 : 0;
        }

        return true;
    }

    private bool Protect(StraceTask space, StraceName name, in StraceArguments a)
    {
        if (a.Count < 3 || !Range(a, 0, 1, out ulong start, out ulong bytes, mayBeEmpty: true))
        {
            return false;
        }

        _steps.Add(new StraceStep(space.Thread, VmtRecord.Protect(start, bytes, Flags(space, name, a[2]) & uint.MaxValue), name.Name));
        return true;
    }

    private bool Remap(StraceTask space, in StraceArguments a, ulong result)
    {
        if (a.Count < 4 || !Range(a, 0, 1, out ulong start, out ulong bytes, mayBeEmpty: true)
            || !a.TryNumber(2, out ulong newBytes) || !VmtRules.IsRange(result, newBytes))
        {
            return false;
        }

        ulong flags = Flags(space, new StraceName("mremap", StraceCall.Remap), a[3]) & uint.MaxValue;
        ulong place = (flags & RemapFixed) != 0 && a.TryAddress(4, out ulong wanted) ? wanted : result;
        Allowed = place != result
            ? "the address that MREMAP_FIXED asked for as the result"
            : StraceRules.BrokenRemap(start, bytes, newBytes, flags, result);
        if (Allowed is not null)
        {
            return false;
        }

        if ((flags & RemapDontUnmap) == 0)
        {
            (_freedStart, _freedEnd) = result == start
                ? (start + Math.Min(bytes, newBytes), start + bytes)
                : (start, start + bytes);
        }

        _steps.Add(new StraceStep(space.Thread, VmtRecord.Remap(start, bytes, newBytes, flags, result), "mremap"));
        return true;
    }

    private bool Break(StraceTask space, in StraceArguments a, ulong result)
    {
        if (!a.TryAddress(0, out ulong wanted))
        {
            return false;
        }

        StraceProcess process = space.Process;
        if (result == (uint)process.Break)
        {
            // a 32-bit call of a 64-bit program (int 0x80) answers with the lower half
            result = process.Break;
        }

        Allowed = StraceRules.BrokenBreak(result, process.HeapStart);
        if (Allowed is not null)
        {
            return false;
        }

        if (wanted != 0 && result != wanted)
        {
            // brk has no error: it answers where the break still is
            ImportSummary.Add(process.Summary.Failed, "brk ENOMEM");
            return true;
        }

        if (wanted == 0 && process is { HasExecuted: true, Break: 0 })
        {
            process.HeapStart = result;
        }

        (_freedStart, _freedEnd) = (result, Math.Max(result, process.Break));
        process.Break = result;
        _steps.Add(new StraceStep(space.Thread, VmtRecord.SetBreak(result), "brk"));
        return true;
    }

    private bool Advise(StraceTask space, in StraceArguments a)
    {
        if (a.Count < 3 || !Range(a, 0, 1, out ulong start, out ulong bytes, mayBeEmpty: true))
        {
            return false;
        }

        if (TryAdvice(space, "madvise", a[2], out ulong advice))
        {
            _steps.Add(new StraceStep(space.Thread, VmtRecord.Advise(start, bytes, advice), "madvise"));
        }

        return true;
    }

    /// <summary>What a call advises; false, and counted, for advice that has no known number.</summary>
    private bool TryAdvice(StraceTask space, string name, ReadOnlySpan<byte> text, out ulong advice)
    {
        StraceFlags flags = _flags.Of(text);
        advice = flags.Value & uint.MaxValue;
        if (flags.Unknown is null)
        {
            return true;
        }

        ImportSummary.Add(space.Process.Summary.NotSimulated, $"{name} {flags.Unknown}");
        return false;
    }

    private bool ShadowStack(StraceTask space, in StraceArguments a, ulong result)
    {
        if (!a.TryNumber(1, out ulong bytes) || !VmtRules.IsRange(result, bytes))
        {
            return false;
        }

        VmtRecord record = VmtRecord.Mapping(VmtKind.Map, result, bytes, 1, PrivateAnonymous, -1, 0);
        _steps.Add(new StraceStep(space.Thread, record, "map_shadow_stack"));
        return true;
    }

    private bool Files(StraceTask space, StraceName name, in StraceArguments a, ulong result)
    {
        StraceDescriptors files = space.Process.Files;
        switch (name.Call)
        {
            case StraceCall.Open or StraceCall.OpenAt:
                if (StraceValues.Quoted(a[name.Call == StraceCall.Open ? 0 : 1]) is { Length: > 0 } path)
                {
                    files.Open(result, path);
                }

                return true;
            case StraceCall.Close when TryDescriptor(a[0], out ulong closed):
                files.Close(closed);
                return true;
            case StraceCall.Duplicate when TryDescriptor(a[0], out ulong from):
                files.Duplicate(from, result);
                return true;
            case StraceCall.Control when a[1].StartsWith("F_DUPFD"u8) && TryDescriptor(a[0], out ulong from):
                files.Duplicate(from, result);
                return true;
            case StraceCall.MemoryFile:
                files.OpenMemory(result, StraceValues.Quoted(a[0]) ?? "");
                ImportSummary.Add(space.Process.Summary.NotSimulated, name.Name);
                return true;
            case StraceCall.ProcessFile when a.TryNumber(0, out ulong process):
                files.OpenProcess(result, process);
                return true;
            case StraceCall.Close or StraceCall.Duplicate or StraceCall.Control or StraceCall.ProcessFile:
                return true;
            default:
                // PR_SET_MM may have moved the heap
                space.Process.HeapStart = name.Name == "prctl PR_SET_MM" ? 0 : space.Process.HeapStart;
                ImportSummary.Add(space.Process.Summary.NotSimulated, name.Name);
                return true;
        }
    }

    private static bool TryDescriptor(ReadOnlySpan<byte> text, out ulong value)
    {
        int open = text.IndexOf((byte)'<');
        return StraceValues.TryNumber(open < 0 ? text : text[..open], out value);
    }

    private bool Free(StraceTask space, in VmtRecord record, string name)
    {
        (_freedStart, _freedEnd) = (record.Start, record.Start + record.Bytes);
        _steps.Add(new StraceStep(space.Thread, record, name));
        return true;
    }

    private static bool Range(in StraceArguments a, int first, int second, out ulong start, out ulong bytes, bool mayBeEmpty = false)
    {
        bytes = 0;
        return a.TryAddress(first, out start) && a.TryNumber(second, out bytes)
            && ((mayBeEmpty && bytes == 0) || VmtRules.IsRange(start, bytes));
    }

    /// <summary>Flags as a number. Names that are not known are counted, and the call is used without them.</summary>
    private ulong Flags(StraceTask space, StraceName name, ReadOnlySpan<byte> text)
    {
        StraceFlags flags = _flags.Of(text);
        if (flags.Unknown is not null)
        {
            ImportSummary.Add(space.Process.Summary.NotSimulated, $"{name.Name} flag {flags.Unknown}");
        }

        return flags.Value;
    }
}
