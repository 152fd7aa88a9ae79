using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>
/// The page table of one address space, in a real format. Table pages lie in native memory, 512 to a chunk of 2 MiB, and are known by number; a
/// pointer in an entry is that number times 4 KiB.
/// </summary>
/// <remarks>
/// One writer changes the table; walkers read it as of a time (<see cref="ReadEntry"/>) while the writer rests. A change carries the time from which walkers see it
/// (<see cref="VisibleAt"/>); until then the old value is kept in a history. Table pages that become empty leave the table and stay readable until they are released.
/// </remarks>
public sealed unsafe partial class PageTable : IDisposable
{
    /// <summary>Table pages in a chunk.</summary>
    private const int ChunkPages = 512;

    private const int ChunkShift = 9;
    private const nuint PageBytes = 4096;
    private readonly EntryLayout _layout;
    private readonly int[] _levelCounts;
    private readonly Stack<int> _free = new();
    private nint[] _chunks = [];
    private TableMeta[] _meta = [];
    private int _pages;

    /// <summary>Makes an empty table.</summary>
    /// <param name="format">The format of its entries.</param>
    public PageTable(PageTableFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        Format = format;
        _layout = format.Layout;
        _levelCounts = new int[format.Levels];
        Root = Allocate(format.Levels - 1);
    }

    /// <summary>Gives native memory back.</summary>
    ~PageTable() => FreeChunks();

    /// <summary>The format of its entries.</summary>
    public PageTableFormat Format { get; }

    /// <summary>The layout of its entries, for walkers.</summary>
    public EntryLayout Layout => _layout;

    /// <summary>Number of the root table page.</summary>
    public int Root { get; }

    /// <summary>Table pages in use, freed ones that are not released included.</summary>
    public int TablePages { get; private set; }

    /// <summary>NUMA node that new table pages get.</summary>
    public int AllocationNode { get; set; }

    /// <summary>Table pages of a level that are part of the table.</summary>
    public int TablesAtLevel(int level) => _levelCounts[level];

    /// <summary>NUMA node of a table page.</summary>
    public int NodeOf(int tablePage) => _meta[tablePage].Node;

    /// <summary>Level of a table page.</summary>
    public int LevelOf(int tablePage) => _meta[tablePage].Level;

    /// <summary>An entry of a table page as walkers see it at a time.</summary>
    /// <param name="tablePage">The table page.</param>
    /// <param name="index">0 to 511.</param>
    /// <param name="time">The walk's time, in cycles; not before the last <see cref="Fold"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadEntry(int tablePage, int index, long time) =>
        time >= _meta[tablePage].PendingUntil ? Entries(tablePage)[index] : ReadPending(tablePage, index, time);

    /// <summary>What the table holds for an address, stores included that walkers do not see yet.</summary>
    public EntryInfo Query(VirtAddr address)
    {
        int page = Root;
        for (int level = Format.Levels - 1; ; level--)
        {
            ulong entry = Entries(page)[PageTableFormat.IndexOf(address.Value, level)];
            if (entry == 0)
            {
                return default;
            }

            if (_layout.IsLeaf(entry, level))
            {
                return Decode(entry, level);
            }

            page = Child(entry);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        FreeChunks();
        GC.SuppressFinalize(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong* Entries(int tablePage) =>
        (ulong*)((_chunks[tablePage >> ChunkShift] + ((nint)PageBytes - 1)) & -(nint)PageBytes) + ((tablePage & (ChunkPages - 1)) << PageTableFormat.BitsPerLevel);

    internal int Child(ulong entry) => (int)(_layout.Address(entry) >> PageSizes.BaseShift);

    internal EntryInfo Decode(ulong entry, int level) => new(
        new PhysAddr(_layout.Address(entry)), (PageSize)PageTableFormat.ShiftOf(level), Format.FlagsOf(entry, level));

    private void Write(int page, int index, ulong value)
    {
        ulong* entry = Entries(page) + index;
        ulong old = *entry;
        if (old == value)
        {
            return;
        }

        if (_recording > 0)
        {
            _undo.Add(new UndoRecord(UndoKind.Write, page, index, old));
        }

        if (VisibleAt > _folded)
        {
            Remember(page, index, old);
        }

        *entry = value;
        _meta[page].Live += (value != 0 ? 1 : 0) - (old != 0 ? 1 : 0);
    }

    private int Allocate(int level)
    {
        if (!_free.TryPop(out int page))
        {
            page = _pages++;
            if (page >= _meta.Length)
            {
                Array.Resize(ref _meta, Math.Max(8, _meta.Length * 2));
            }

            if (page >> ChunkShift >= _chunks.Length)
            {
                Array.Resize(ref _chunks, _chunks.Length + 1);
                // Zeroed lazily by the host, so that a small table of a big machine costs little.
                _chunks[^1] = (nint)NativeMemory.AllocZeroed((ChunkPages * PageBytes) + PageBytes);
            }
        }

        _meta[page] = new TableMeta { Level = (byte)level, Node = (short)AllocationNode, HistoryHead = None, HistoryTail = None };
        TablePages++;
        _levelCounts[level]++;
        if (_recording > 0)
        {
            _undo.Add(new UndoRecord(UndoKind.Allocate, page, 0, 0));
        }

        return page;
    }

    private void FreeTable(int page)
    {
        Debug.Assert(_meta[page].Live == 0, "only empty tables are freed");
        _levelCounts[_meta[page].Level]--;
        _freed.Add(page);
        if (_recording > 0)
        {
            _undo.Add(new UndoRecord(UndoKind.Free, page, 0, 0));
        }
    }

    private void FreeChunks()
    {
        foreach (nint chunk in _chunks)
        {
            NativeMemory.Free((void*)chunk);
        }

        _chunks = [];
    }

    private struct TableMeta
    {
        /// <summary>No store of this page becomes visible at or after this time that has not been recorded in the page's history.</summary>
        public long PendingUntil;

        public long HistoryHead;
        public long HistoryTail;
        public int Live;
        public short Node;
        public byte Level;
    }
}
