
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
    private readonly int[] _otherSlots;
    private readonly bool _keepsLoads;
    private readonly ulong _mask;
    private int _count;

    /// <summary>An empty filter.</summary>
    /// <param name="sink">Takes the records.</param>
    /// <param name="sets">How many pages are remembered, of instructions and data each: a power of two from 1 to 4,096.</param>
    /// <param name="keepsLoads">Whether a load behind a store to its page counts for a record of loads, not for the store's.</param>
    public PageFilter(IVmtSink sink, int sets, bool keepsLoads = false)
    {
        if (sets <= 0 || (sets & (sets - 1)) != 0 || sets > 4096)
        {
            throw new ArgumentOutOfRangeException(nameof(sets), sets, "must be a power of two from 1 to 4096");
        }

        _sink = sink;
        _mask = (ulong)sets - 1;
        _fetchSlots = new int[sets];
        _dataSlots = new int[sets];
        _otherSlots = new int[sets];
        _keepsLoads = keepsLoads;
        Empty();
    }

    /// <summary>Takes one reference: Fetch, Load or Store.</summary>
    public void Reference(VmtKind kind, ulong page)
    {
        if (_keepsLoads && kind != VmtKind.Fetch && TakeData(kind, page))
        {
            return;
        }

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

    /// <summary>
    /// Counts a load or store of the page last seen in its set for the record of its own kind, if there is one. A set remembers the page by
    /// the record that came first, and where its other kind's record is.
    /// </summary>
    /// <returns>False if a record has to be made.</returns>
    private bool TakeData(VmtKind kind, ulong page)
    {
        int set = (int)(page & _mask);
        int last = _dataSlots[set];
        if (last < 0 || _pending[last].Page != page)
        {
            _otherSlots[set] = -1;
            return false;
        }

        int other = _otherSlots[set];
        int slot = _pending[last].Kind == kind ? last : other >= 0 && _pending[other].Kind == kind ? other : -1;
        if (slot >= 0)
        {
            _pending[slot].AddOne();
            return true;
        }

        if (_count == Capacity)
        {
            Empty();
            return false;
        }

        // The other kind's first record: it stands beside the first one.
        _pending[_count] = VmtRecord.Access(kind, page, 1);
        _otherSlots[set] = _count++;
        return true;
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
        Array.Fill(_otherSlots, -1);
    }
}
