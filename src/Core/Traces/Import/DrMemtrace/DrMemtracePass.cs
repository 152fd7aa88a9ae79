using System.Buffers.Binary;

namespace VmSim.Core.Traces.Import.DrMemtrace;

/// <summary>Takes the records of all files of a recording, in the order of their timestamps.</summary>
/// <remarks>
/// Timestamps stand some thousand instructions apart: within these each file's records stay together, and files take turns. A file's
/// records before its first timestamp come first. Marker and type numbers: clients/drcachesim/common/trace_entry.h.
/// On x86-64 the store of an instruction that loads and stores one place comes first (<see cref="InstructionReferences"/>). AArch64 keeps
/// its order: there an atomic instruction's fault is a read wherever a read would fault (Arm ARM, ESR_EL1, WnR), so that Linux maps the
/// page of zeros before it copies, and a loop of load and store exclusive is two instructions.
/// </remarks>
internal sealed class DrMemtracePass(TraceEmitter emitter, ImportSummary summary)
{
    private const int X86UserBits = 56;
    private const int ArmUserBits = 52;
    private const ulong ArmFileType = 0x08;
    private const ulong Machines = ArmFileType | 0x40;
    private const ulong Narrow = 0x10 | 0x20;
    private const ulong Filtered = 0x01 | 0x80 | 0x100;
    private const ulong InstructionsOnly = 0x04;
    private const ulong MapFixed = 0x10;
    private const ulong Anonymous = 0x20;
    private readonly RegionGuess _guess = new(emitter) { UserBits = X86UserBits };
    private readonly DrMemtraceTally _tally = new();
    private readonly InstructionReferences _references = new(emitter);
    private readonly Dictionary<ulong, int> _threads = [];
    private int _nextThread;
    private ulong _process;
    private bool _isArm;
    private ulong _fileType;
    private long _otherProcesses;
    private long _kernelFetches;
    private long _kernelReferences;
    private long _tagged;
    private ulong _pageBytes;
    private bool _isInInstruction;

    /// <summary>Loads.</summary>
    public long Loads { get; private set; }

    /// <summary>Stores.</summary>
    public long Stores { get; private set; }

    /// <summary>Reads a file up to its first timestamp after <paramref name="until"/>.</summary>
    /// <returns>False at its end.</returns>
    public bool Read(DrMemtraceFile file, ulong until)
    {
        while (file.TryRead(out ReadOnlySpan<byte> record))
        {
            summary.Lines++;
            int type = BinaryPrimitives.ReadUInt16LittleEndian(record);
            int size = BinaryPrimitives.ReadUInt16LittleEndian(record[2..]);
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(record[4..]);
            if (!DrMemtraceTypes.IsReference(type, size))
            {
                _references.End();
                _isInInstruction = DrMemtraceTypes.IsInstruction(type);
            }

            switch (type)
            {
                case 0:
                    Reference(file, VmtKind.Load, value, size);
                    break;
                case 1:
                    Reference(file, VmtKind.Store, value, size);
                    break;
                case (>= 10 and <= 16) or 30 or 31 or 48 or 49:
                    Reference(file, VmtKind.Fetch, value, size);
                    file.NextFetch = value + (ulong)size;
                    break;
                case 47:
                    break;
                case 28 when size == 2:
                    file.Time = value;
                    if (value > until)
                    {
                        return true;
                    }

                    break;
                default:
                    Other(file, type, size, value);
                    break;
            }
        }

        _references.End();
        return false;
    }

    /// <summary>Says what was counted.</summary>
    public void Finish()
    {
        emitter.Finish();
        _tally.AddTo(summary);
        Add("references of other processes", _otherProcesses);
        Add("instructions of the kernel", _kernelFetches);
        Add("references of the kernel to its own memory", _kernelReferences);
        Add("addresses with a tag, taken without it", _tagged);
        summary.Notes.Add($"{Loads:N0} loads and {Stores:N0} stores.");
        summary.Notes.Add("drmemtrace does not tell what mmap and brk return: memory is anonymous and mapped where it is used.");
        if ((_fileType & Filtered) != 0)
        {
            summary.Notes.Add("The recording is filtered (-L0_filter): references that hit the filter are not in it.");
        }

        if ((_fileType & InstructionsOnly) != 0)
        {
            summary.Notes.Add("The recording has instructions alone, and no data references.");
        }

        if (_pageBytes > 4096)
        {
            summary.Notes.Add($"The program's pages had {_pageBytes:N0} bytes.");
        }

        _guess.AddNotes(summary);
    }

    private void Add(string name, long count)
    {
        if (count > 0)
        {
            summary.Records[name] = count;
        }
    }

    private void Reference(DrMemtraceFile file, VmtKind kind, ulong address, int size)
    {
        if (file.Process != _process && file.Process != 0)
        {
            _otherProcesses++;
            return;
        }

        if (_isArm && address >> 56 != 0 && (address & (1UL << 55)) == 0)
        {
            // The processor ignores the top byte of user addresses (TBI); programs and MTE keep tags there.
            address &= (1UL << 56) - 1;
            _tagged++;
        }

        if (file.IsInKernel || address >> _guess.UserBits != 0)
        {
            KernelReference(file, kind, address, size);
            return;
        }

        emitter.CurrentThread = NumberOf(file);
        if (!_guess.Use(address, (uint)Math.Max(size, 1)))
        {
            summary.Drop(summary.Lines, _guess.Refusal(address + (ulong)Math.Max(size, 1) - 1));
            return;
        }

        bool isHeld = kind != VmtKind.Fetch && _isInInstruction && !_isArm && (_fileType & Filtered) == 0;
        if (isHeld)
        {
            _references.Add(kind, address, (uint)size);
        }
        else
        {
            emitter.Reference(kind, address, (uint)size);
        }

        switch (kind)
        {
            case VmtKind.Fetch:
                summary.Fetches++;
                return;
            case VmtKind.Load:
                Loads++;
                break;
            default:
                Stores++;
                break;
        }

        summary.DataReferences++;
    }

    /// <summary>The kernel reads and writes the program's buffers within system calls; the rest is its own.</summary>
    private void KernelReference(DrMemtraceFile file, VmtKind kind, ulong address, int size)
    {
        if (kind == VmtKind.Fetch)
        {
            _kernelFetches++;
            return;
        }

        emitter.CurrentThread = NumberOf(file);
        if (address >> _guess.UserBits != 0 || !_guess.Use(address, (uint)Math.Max(size, 1)))
        {
            _kernelReferences++;
        }
        else
        {
            emitter.KernelAccess(kind == VmtKind.Store, address, (ulong)Math.Max(size, 1));
        }
    }

    private int NumberOf(DrMemtraceFile file)
    {
        if (file.Number < 0)
        {
            if (!_threads.TryGetValue(file.Thread, out int number))
            {
                number = _nextThread++;
                _threads.Add(file.Thread, number);
            }

            file.Number = number;
        }

        return file.Number;
    }

    private void Other(DrMemtraceFile file, int type, int size, ulong value)
    {
        if (type > DrMemtraceTally.LastType)
        {
            throw TraceFormatException.AtByte(
                file.Name,
                file.Offset - DrMemtraceFile.RecordBytes,
                $"record type {type}",
                $"drmemtrace's record types, 0 to {DrMemtraceTally.LastType}");
        }

        _tally.Type(type);
        switch (type)
        {
            case 17:
                Bundle(file, Math.Min(size, 8), value);
                break;
            case 22:
                file.Thread = value;
                file.Number = _threads.GetValueOrDefault(value, -1);
                break;
            case 23:
                Exit(file, value);
                break;
            case 24:
                _process = _process == 0 ? value : _process;
                file.Process = value;
                break;
            case 28:
                _tally.Marker(size);
                Marker(file, size, value);
                break;
            default:
                break;
        }
    }

    private void Bundle(DrMemtraceFile file, int count, ulong lengths)
    {
        for (int i = 0; i < count; i++)
        {
            int length = (int)((lengths >> (8 * i)) & 0xFF);
            Reference(file, VmtKind.Fetch, file.NextFetch, length);
            file.NextFetch += (ulong)length;
        }
    }

    private void Exit(DrMemtraceFile file, ulong id)
    {
        if (_threads.TryGetValue(id, out int thread) && thread != 0)
        {
            emitter.Exit(thread);
            _threads.Remove(id);
            file.Number = -1;
        }

        Announced(file);
    }

    private void Marker(DrMemtraceFile file, int kind, ulong value)
    {
        switch (kind)
        {
            case 4:
                file.Call.Begin(value, _isArm);
                break;
            case 6:
                file.Call.Argument(value);
                break;
            case 7 when file.Call.End() && (file.Process == _process || file.Process == 0):
                Call(file, file.Call, hasSucceeded: value != 0);
                break;
            case 9:
                FileType(file, value);
                break;
            case 18 when (value & (value - 1)) == 0:
                _pageBytes = Math.Max(_pageBytes, value);
                break;
            case 25:
                Announced(file);
                file.Call.Announce(value, _isArm);
                break;
            case 27 or 34:
                file.IsInKernel = true;
                break;
            case 28 or 35:
                file.IsInKernel = false;
                break;
            default:
                break;
        }
    }

    /// <summary>A call that was announced and of which nothing more was recorded.</summary>
    private void Announced(DrMemtraceFile file)
    {
        if (file.Call.Announced is { } name)
        {
            ImportSummary.Add(summary.WithoutResult, $"{name} without its arguments");
            file.Call.Announce(ulong.MaxValue, isArm: false);
        }
    }

    private void FileType(DrMemtraceFile file, ulong value)
    {
        if ((value & Narrow) != 0)
        {
            throw TraceFormatException.AtByte(
                file.Name, file.Offset - DrMemtraceFile.RecordBytes, "a recording of a 32-bit program", "one of x86-64 or AArch64");
        }

        if (((_fileType | value) & Machines) == Machines)
        {
            throw TraceFormatException.AtByte(
                file.Name,
                file.Offset - DrMemtraceFile.RecordBytes,
                "a recording of another machine than that of the files before it",
                "files of one recording, of x86-64 or AArch64");
        }

        _fileType |= value;
        _isArm = (value & ArmFileType) != 0;
        _guess.UserBits = _isArm ? ArmUserBits : X86UserBits;
    }

    private void Call(DrMemtraceFile file, DrMemtraceCall call, bool hasSucceeded)
    {
        if (call.Name is not { } name)
        {
            summary.OtherCalls++;
            return;
        }

        if (!hasSucceeded)
        {
            ImportSummary.Add(summary.Failed, name);
            return;
        }

        ulong[] a = call.Arguments;
        if (RecordOf(call) is not { } record)
        {
            ImportSummary.Add(summary.WithoutResult, name);
            return;
        }

        if (!VmtRules.IsLegal(record, hasText: false))
        {
            ImportSummary.Add(summary.NotSimulated, $"{name} of an impossible range");
            return;
        }

        emitter.CurrentThread = NumberOf(file);
        emitter.Call(record, name);
        if (record.Kind is VmtKind.Map or VmtKind.Unmap)
        {
            _guess.Change(a[0], a[1], mapped: record.Kind == VmtKind.Map);
        }
    }

    /// <summary>The record of a call whose effect follows from its arguments; null if that takes its result.</summary>
    private static VmtRecord? RecordOf(DrMemtraceCall call)
    {
        ulong[] a = call.Arguments;
        return (call.Number, call.Count) switch
        {
            (9, >= 4) when (a[3] & MapFixed) != 0 =>
                VmtRecord.Mapping(VmtKind.Map, a[0], a[1], a[2] & 7, a[3] | Anonymous, file: -1, offset: 0),
            (11, >= 2) => VmtRecord.Unmap(a[0], a[1]),
            (10 or 329, >= 3) => VmtRecord.Protect(a[0], a[1], a[2] & 7),
            (28, >= 3) => VmtRecord.Advise(a[0], a[1], a[2] & 0xFFFF),
            (149, >= 2) => VmtRecord.OfCall(VmtCall.Lock, a[0], a[1]),
            (325, >= 3) => VmtRecord.OfCall(VmtCall.Lock, a[0], a[1], a[2]),
            (150, >= 2) => VmtRecord.OfCall(VmtCall.Unlock, a[0], a[1]),
            (152, _) => VmtRecord.OfCall(VmtCall.UnlockAll),
            (26, >= 3) => VmtRecord.OfCall(VmtCall.Sync, a[0], a[1], a[2]),
            (462, >= 2) => VmtRecord.OfCall(VmtCall.Seal, a[0], a[1]),
            _ => null,
        };
    }
}
