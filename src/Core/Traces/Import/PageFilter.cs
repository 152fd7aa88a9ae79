
namespace VmSim.Core.Traces.Import;

/// <summary>
/// Collapses references by a direct-mapped filter, instructions and data apart. A reference to the page last seen in its set counts for the
/// record made then, unless it is the first store to it. Records stand in the order of their first references.
/// </summary>
internal sealed class PageFilter
{
    private const int Capacity = 1 << 15;
    private readonly IVmtSink _sink;
    private readonly VmtRecord[] _pending = new VmtRecord[Capacity];
    private readonly int[] _fetchSlots;
    private readonly int[] _dataSlots;
    private readonly ulong _mask;
    private int _count;

    public PageFilter(IVmtSink sink, int sets)
    {
        if (sets <= 0 || (sets & (sets - 1)) != 0 || sets > 4096)
        {
            throw new ArgumentOutOfRangeException(nameof(sets), sets, "must be a power of two from 1 to 4096");
        }

        _sink = sink;
        _mask = (ulong)sets - 1;
        _fetchSlots = new int[sets];
        _dataSlots = new int[sets];
        Empty();
    }

    /// <summary>Takes one reference: Fetch, Load or Store.</summary>
    public void Reference(VmtKind kind, ulong page)
    {
        ref int slot = ref (kind == VmtKind.Fetch ? _fetchSlots : _dataSlots)[page & _mask];
        if (slot >= 0)
        {
            ref VmtRecord last = ref _pending[slot];
            if (last.Page == page && (kind != VmtKind.Store || last.Kind == VmtKind.Store))
            {
                last.AddOne();
                return;
            }
        }

        if (_count == Capacity)
        {
            Empty();
        }

        _pending[_count] = VmtRecord.Access(kind, page, 1);
        slot = _count++;
    }

    /// <summary>Takes another record without emptying the filter.</summary>
    public void Pass(in VmtRecord record)
    {
        if (_count == Capacity)
        {
            Empty();
        }

        _pending[_count++] = record;
    }

    /// <summary>Forgets all pages and hands on what is pending.</summary>
    public void Empty()
    {
        for (int i = 0; i < _count; i++)
        {
            _sink.Write(_pending[i]);
        }

        _count = 0;
        Array.Fill(_fetchSlots, -1);
        Array.Fill(_dataSlots, -1);
    }
}
