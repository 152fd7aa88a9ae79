using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Core.Engine;

/// <summary>
/// What a core knows of the page table that it walks, for accesses that do not go through its TLBs: pages to which an access neither faults
/// nor sets bits of the entry.
/// </summary>
internal sealed class MappedPages
{
    private const int Slots = 4096;

    /// <summary>By page: its address, and a bit for each kind of access that it allows.</summary>
    private readonly ulong[] _known = new ulong[Slots];
    private readonly LeafReader _reader = new();

    private PageTable? _table;

    /// <summary>What follows is read as of a time.</summary>
    public void Begin(PageTable table, long time)
    {
        if (ReferenceEquals(table, _table))
        {
            _reader.GoOn(time);
            return;
        }

        _reader.Begin(table, time);
        _table = table;
    }

    /// <summary>Whether it is known that an access to a page neither faults nor sets bits.</summary>
    /// <param name="kind">What it does.</param>
    /// <param name="address">The page's first address.</param>
    public bool Knows(AccessKind kind, ulong address)
    {
        ulong known = _known[(address >> PageSizes.BaseShift) % Slots];
        return ((known ^ address) & ~0xFFFUL) == 0 && (known & (1UL << (int)kind)) != 0;
    }

    /// <summary>Finds out whether an access to a page neither faults nor sets bits, and knows it from then on.</summary>
    /// <param name="kind">What it does.</param>
    /// <param name="address">The page's first address.</param>
    public bool Find(AccessKind kind, ulong address)
    {
        if (!Reads(kind, address))
        {
            return false;
        }

        ref ulong known = ref _known[(address >> PageSizes.BaseShift) % Slots];
        ulong others = ((known ^ address) & ~0xFFFUL) == 0 ? known : 0;
        known = address | (others & 0xFFF) | (1UL << (int)kind);
        return true;
    }

    /// <summary>As <see cref="Find"/>, for a page that is asked for once.</summary>
    public bool Reads(AccessKind kind, ulong address)
    {
        const PageFlags Common = PageFlags.User | PageFlags.Accessed;
        PageFlags needed = Common | kind switch
        {
            AccessKind.Fetch => PageFlags.Execute,
            AccessKind.Load => PageFlags.Read,
            _ => PageFlags.Write | PageFlags.Dirty,
        };
        for (int level = 0; level <= _reader.LargestLeafLevel; level++)
        {
            if (_reader.TryRead(address, level, out ulong data))
            {
                return ((PageFlags)(data & ((1UL << CoreMmu.FrameShift) - 1)) & needed) == needed;
            }
        }

        return false;
    }

    /// <summary>What died is not known any more.</summary>
    public void Forget(DeadRange dead)
    {
        _table = null;
        if (dead.Bytes >> PageSizes.BaseShift >= Slots)
        {
            Forget();
            return;
        }

        for (ulong address = dead.Start.Value; address < dead.End.Value; address += PageSizes.BaseBytes)
        {
            _known[(address >> PageSizes.BaseShift) % Slots] = 0;
        }
    }

    /// <summary>Nothing is known any more.</summary>
    public void Forget()
    {
        _table = null;
        Array.Clear(_known);
    }
}
