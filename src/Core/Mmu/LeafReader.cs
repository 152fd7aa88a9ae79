using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <summary>
/// Reads many leaves of one page table as of one time: as <see cref="CoreMmu.Lookup"/> does, but it walks to a table page once.
/// </summary>
/// <remarks>
/// A flush of an address space asks for every entry that a core's TLBs hold, a thousand and more. One by one each is a walk from the root,
/// and a call of the format for the flags.
/// </remarks>
internal sealed class LeafReader
{
    private const int Tables = 64;
    private const int FlagsShift = 60;

    private readonly KnownTable[] _tables = new KnownTable[Tables];
    private readonly KnownFlags[] _flags = new KnownFlags[1 << (64 - FlagsShift)];
    private PageTable _table = null!;
    private PageTableFormat? _format;
    private EntryLayout _layout;
    private long _time;

    /// <summary>Counts tables and times: what is known of table pages holds for one of them.</summary>
    private long _era;

    /// <summary>The level of the largest leaf that the table's format has, 0 for 4 KiB.</summary>
    public int LargestLeafLevel => _format!.LargestLeafLevel;

    /// <summary>What follows reads another table, or as of another time.</summary>
    public void Begin(PageTable table, long time)
    {
        _table = table;
        _time = time;
        _era++;
        if (!ReferenceEquals(_format, table.Format))
        {
            _format = table.Format;
            _layout = _format.Layout;
            Array.Clear(_flags);
        }
    }

    /// <summary>What follows reads the same table as of a later time, and no table page was freed in between.</summary>
    public void GoOn(long time) => _time = time;

    /// <summary>What the page table gives an address, as the data of a TLB entry.</summary>
    /// <param name="address">A virtual address.</param>
    /// <param name="leafLevel">Level of the leaf, 0 for 4 KiB.</param>
    /// <param name="data">The data.</param>
    /// <returns>False if no leaf of this level maps it.</returns>
    public bool TryRead(ulong address, int leafLevel, out ulong data)
    {
        if (leafLevel != 0)
        {
            return CoreMmu.Lookup(_table, address, leafLevel, _time, out data);
        }

        data = 0;
        ulong number = address >> (PageSizes.BaseShift + EntryLayout.BitsPerLevel);
        ref KnownTable known = ref _tables[(int)(number % Tables)];
        if ((known.Era != _era || known.Number != number) && !Find(address, number, ref known))
        {
            return false;
        }

        ulong entry = _table.ReadEntry(known.Page, EntryLayout.Index(address, 0), _time);
        if (!_layout.IsPresent(entry))
        {
            return false;
        }

        data = CoreMmu.DataOf(_layout.LeafFrame(entry, 0).PageNumber, FlagsOf(entry));
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Find(ulong address, ulong number, ref KnownTable known)
    {
        int page = _table.Root;
        for (int level = _format!.Levels - 1; level > 0; level--)
        {
            ulong entry = _table.ReadEntry(page, EntryLayout.Index(address, level), _time);
            if (!_layout.IsPresent(entry) || _layout.IsLeaf(entry, level))
            {
                return false;
            }

            page = _layout.ChildTable(entry);
        }

        known = new KnownTable { Era = _era, Number = number, Page = page };
        return true;
    }

    private PageFlags FlagsOf(ulong entry)
    {
        ulong attributes = entry & ~_layout.AddressMask;
        ref KnownFlags known = ref _flags[(int)((attributes * 0x9E3779B97F4A7C15) >> FlagsShift)];
        if (known.Attributes != attributes)
        {
            known = new KnownFlags { Attributes = attributes, Flags = _format!.LeafFlags(entry, 0) };
        }

        return known.Flags;
    }

    private struct KnownTable
    {
        public long Era;
        public ulong Number;
        public int Page;
    }

    /// <summary>An entry without attribute bits is not present, so that an empty memo is never taken for one.</summary>
    private struct KnownFlags
    {
        public ulong Attributes;
        public PageFlags Flags;
    }
}
