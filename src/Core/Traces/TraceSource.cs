using VmSim.Core.Addresses;
using VmSim.Core.Experiments;
using VmSim.Core.Paging;

namespace VmSim.Core.Traces;

/// <summary>
/// The accesses of a .vmt trace in the order of its records; the t-th thread that appears runs on core t modulo cores. Only accesses of
/// user mode count; memory operations and accesses of the kernel are passed over. Processes that the program forks have traces of their
/// own.
/// </summary>
public sealed class TraceSource : AccessSource
{
    private readonly IVmtSource _trace;
    private readonly int _cores;
    private readonly Dictionary<ulong, int> _threads = [];
    private VmtRecord _record;
    private SourceAccess _access;
    private ulong _left;
    private int _core;

    /// <summary>Starts at the trace's next record.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="cores">Cores, at least 1.</param>
    public TraceSource(IVmtSource trace, int cores)
    {
        ArgumentNullException.ThrowIfNull(trace);
        ArgumentOutOfRangeException.ThrowIfLessThan(cores, 1);
        _trace = trace;
        _cores = cores;
    }

    /// <inheritdoc/>
    /// <exception cref="TraceFormatException">The trace is damaged.</exception>
    public override int Read(Span<SourceAccess> block)
    {
        int written = 0;
        while (written < block.Length && (_left > 0 || NextRun()))
        {
            int count = (int)Math.Min(_left, (ulong)(block.Length - written));
            block.Slice(written, count).Fill(_access);
            written += count;
            _left -= (ulong)count;
        }

        return written;
    }

    private bool NextRun()
    {
        while (_trace.Read(ref _record))
        {
            switch (_record.Kind)
            {
                case VmtKind.Thread:
                    _threads.TryAdd(_record.Number, _threads.Count);
                    _core = _threads[_record.Number] % _cores;
                    continue;
                case VmtKind.Fetch:
                    Start(AccessKind.Fetch);
                    break;
                case VmtKind.Load:
                    Start(AccessKind.Load);
                    break;
                case VmtKind.Store:
                    Start(AccessKind.Store);
                    break;
                default:
                    continue;
            }

            if (_left > 0)
            {
                return true;
            }
        }

        return false;
    }

    private void Start(AccessKind kind)
    {
        ulong address = _record.Page << PageSizes.BaseShift;
        if (_record.Page >> (64 - PageSizes.BaseShift) != 0 || !PageTableFormats.X64.IsCanonical(new VirtAddr(address)))
        {
            throw _trace.Bad($"page {_record.Page:x}", "a page of canonical 48-bit addresses");
        }

        _access = new SourceAccess(address, _core, kind);
        _left = _record.Count;
    }
}
