using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// Writes the trace of one process and knows what is mapped in it. The kernel maps the program, its stack and its loader by itself at exec,
/// without a call; where the program then changes rights there, what the kernel mapped is written before.
/// </summary>
internal sealed class StraceWriter(TraceEmitter emitter)
{
    private const ulong PageMask = 4095;
    private const ulong PrivateAnonymous = 0x22;
    private const ulong ReadWrite = 3;
    private const ulong DontUnmap = 4;
    private static readonly TraceOrder.Point Mapped = new(0, 1);
    private static readonly TraceOrder.Point Unmapped = new(0, 0);
    private readonly RangeOperations _areas = new();
    private readonly bool _isForked;
    private ulong _break;
    private bool _hasExecuted;

    /// <summary>Begins the trace of a process that another one forked: what is mapped is a copy.</summary>
    public StraceWriter(TraceEmitter emitter, StraceWriter parent)
        : this(emitter)
    {
        _areas = parent._areas.Copy();
        _break = parent._break;
        _isForked = true;
    }

    /// <summary>Mappings written that no call in the log made.</summary>
    public long Assumed { get; private set; }

    /// <summary>Writes what a thread did.</summary>
    public void Write(in StraceStep step)
    {
        VmtRecord record = step.Record;
        if (record.HasTail && record.Errno != Errno.None)
        {
            WriteFailed(step);
            return;
        }

        emitter.CurrentThread = step.Thread;
        switch (record.Kind)
        {
            case VmtKind.Exec:
                _areas.Replace(0, ulong.MaxValue >> 12, TraceOrder.Point.None, static _ => { });
                _break = 0;
                _hasExecuted = true;
                emitter.Execute();
                return;
            case VmtKind.Exit:
                emitter.Exit((int)record.Number);
                return;
            case VmtKind.Map:
                emitter.CallFrom(step.Frames ?? []);
                emitter.Map(record.Start, record.Bytes, record.Rights, record.Flags, step.Path, record.Offset, step.Name);
                Set(record.Start, record.Bytes, Mapped);
                return;
            default:
                Prepare(record);
                emitter.CallFrom(step.Frames ?? []);
                emitter.Call(record, step.Name);
                Follow(record);
                return;
        }
    }

    /// <summary>Hands on what is pending.</summary>
    public void Finish() => emitter.Finish();

    /// <summary>
    /// Takes a call that failed. It is written if it can have changed something before it met a hole, and left out otherwise.
    /// </summary>
    /// <param name="step">The call, with what it answered.</param>
    private void WriteFailed(in StraceStep step)
    {
        bool isPartlyMapped = false;
        bool hasHole = false;
        foreach ((_, _, TraceOrder.Point state) in Pieces(step.Record.Start, step.Record.Bytes))
        {
            isPartlyMapped |= state == Mapped;
            hasHole |= state != Mapped;
        }

        if (isPartlyMapped && hasHole)
        {
            emitter.CurrentThread = step.Thread;
            emitter.CallFrom(step.Frames ?? []);
            emitter.Call(step.Record, step.Name);
        }
    }

    /// <summary>Maps what a call used that succeeded.</summary>
    private void Prepare(in VmtRecord record)
    {
        bool uses = record.Kind is VmtKind.Protect or VmtKind.Advise or VmtKind.Remap
            || (record.Kind == VmtKind.Call && record.Call != VmtCall.Detach);
        if (!uses)
        {
            return;
        }

        Prepare(record.Start, record.Bytes);
        if (record.Kind == VmtKind.Call && record.Call == VmtCall.AdviseRanges)
        {
            foreach (AddrRange<VirtAddr> range in record.MoreRanges)
            {
                Prepare(range.Start.Value, range.Size);
            }
        }
    }

    private void Prepare(ulong start, ulong bytes)
    {
        foreach ((ulong from, ulong to, TraceOrder.Point state) in Pieces(start, bytes))
        {
            if (state != Mapped)
            {
                Assume(from << 12, (to - from) << 12, wasUnmapped: state == Unmapped);
            }
        }
    }

    private IReadOnlyList<(ulong First, ulong End, TraceOrder.Point State)> Pieces(ulong start, ulong bytes) =>
        bytes == 0 ? [] : _areas.In(start >> 12, ((start + (bytes - 1)) >> 12) + 1);

    private void Assume(ulong start, ulong bytes, bool wasUnmapped)
    {
        Assumed++;
        if (wasUnmapped || (_isForked && !_hasExecuted))
        {
            emitter.Map(start, bytes, ReadWrite, PrivateAnonymous, null, 0, null);
        }
        else
        {
            emitter.InitialMap(start, bytes, ReadWrite, PrivateAnonymous, null, 0, TraceNames.GuessedMapping);
        }

        Set(start, bytes, Mapped);
    }

    private void Follow(in VmtRecord record)
    {
        switch (record.Kind)
        {
            case VmtKind.Unmap:
            case VmtKind.Call when record.Call == VmtCall.Detach:
                Set(record.Start, record.Bytes, Unmapped);
                break;
            case VmtKind.Remap:
                if ((record.Flags & DontUnmap) == 0)
                {
                    Set(record.Start, record.Bytes, Unmapped);
                }

                Set(record.NewStart, record.NewBytes, Mapped);
                break;
            case VmtKind.Break:
                ulong old = _break == 0 ? record.Break : _break;
                ulong low = (Math.Min(old, record.Break) + PageMask) & ~PageMask;
                Set(low, Math.Max(old, record.Break) > low ? Math.Max(old, record.Break) - low : 0, record.Break > old ? Mapped : Unmapped);
                _break = record.Break;
                break;
            default:
                break;
        }
    }

    private void Set(ulong start, ulong bytes, TraceOrder.Point state)
    {
        if (bytes > 0)
        {
            _areas.Replace(start >> 12, ((start + (bytes - 1)) >> 12) + 1, state, static _ => { });
        }
    }
}
