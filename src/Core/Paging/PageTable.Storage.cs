using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmSim.Core.State;

namespace VmSim.Core.Paging;

/// <summary>Table pages in native memory: allocation, reuse, counts and NUMA nodes.</summary>
public sealed unsafe partial class PageTable
{
    // A chunk is 256 table pages, 1 MiB, each at a multiple of 4 KiB; table page n is in chunk n >> 8. Fresh memory is zero, and what is
    // not touched takes no memory of the host.
    private const int ChunkShift = 8;
    private const int PagesPerChunk = 1 << ChunkShift;
    private const int TableBytes = EntriesPerTable * sizeof(ulong);

    private readonly int[] _countByLevel;
    private readonly List<int> _freePages = [];
    private readonly List<NativeBlock> _chunkBlocks = [];
    private NativeBlock? _chunkTable;
    private NativeBlock? _infoTable;
    private ulong** _chunks;
    private TableInfo* _infos;
    private int _chunkCount;
    private int _nextPage;

    private enum TableState : byte
    {
        /// <summary>Not in use, every entry empty; it may be allocated.</summary>
        Free = 0,

        /// <summary>An entry above leads to it, or it is the root.</summary>
        Live = 1,

        /// <summary>Freed, its old entries still in memory because a walker may ask for them.</summary>
        Retired = 2,

        /// <summary>Freed, its entries cleared.</summary>
        Cleared = 3,
    }

    /// <summary>Table pages in the tree, root included.</summary>
    public int TablePages { get; private set; }

    /// <summary>The most table pages the tree may have; no limit to start with.</summary>
    public int TablePagesMax { get; set; } = int.MaxValue;

    /// <summary>The NUMA node of table pages allocated from now on; 0 to 255.</summary>
    public int AllocationNode { get; set; }

    /// <summary>Table pages that were ever allocated at the same time: every table page's number is below this.</summary>
    public int TablePageLimit => _nextPage;

    /// <summary>Bytes of native memory that hold table pages and what is known of each.</summary>
    public long NativeBytes => (long)_chunkCount * ((PagesPerChunk * (TableBytes + sizeof(TableInfo))) + TableBytes);

    /// <summary>Table pages of one level in the tree.</summary>
    /// <param name="level">0 for the lowest level.</param>
    public int TablePagesAt(int level) => _countByLevel[level];

    /// <summary>The NUMA node of a table page.</summary>
    /// <param name="tablePage">A table page that was allocated.</param>
    public int NodeOf(int tablePage) => Info(tablePage).Node;

    /// <summary>The level of a table page.</summary>
    /// <param name="tablePage">A table page that was allocated.</param>
    public int LevelOf(int tablePage) => Info(tablePage).Level;

    /// <summary>Moves a table page to another NUMA node.</summary>
    /// <param name="tablePage">A table page that was allocated.</param>
    /// <param name="node">0 to 255.</param>
    public void SetNode(int tablePage, int node)
    {
        Info(tablePage).Node = checked((byte)node);
        _changes?.Write(ChangeKind.Node, tablePage, node);
    }

    /// <summary>Entries of a table page that are not empty.</summary>
    /// <param name="tablePage">A table page that was allocated; 0 if it is not in the tree any more.</param>
    public int EntriesUsed(int tablePage) => StateOf(tablePage) == TableState.Live ? _infos[tablePage].Live : 0;

    /// <summary>
    /// Frees the native memory. The table is of no use any more; without this call the memory stays until the finalizers of its blocks have
    /// run.
    /// </summary>
    public void Dispose()
    {
        for (int chunk = 0; chunk < _chunkBlocks.Count; chunk++)
        {
            int pages = Math.Min(PagesPerChunk, _nextPage - (chunk << ChunkShift));
            _chunkBlocks[chunk].DisposeWritten((nuint)pages * TableBytes);
        }

        _chunkBlocks.Clear();
        _chunkTable?.Dispose();
        _infoTable?.DisposeWritten((nuint)_nextPage * (nuint)sizeof(TableInfo));
        _chunks = null;
        _infos = null;
        _chunkCount = 0;
        _nextPage = 0;
    }

    /// <inheritdoc/>
    IEnumerable<(NativeBlock Block, nuint Bytes)> IWrittenBlocks.Written =>
    [
        .. _chunkBlocks.Select((block, chunk) =>
            (block, (nuint)Math.Min(PagesPerChunk, _nextPage - (chunk << ChunkShift)) * TableBytes)),
        .. _chunkTable is { } chunks ? [(chunks, chunks.Bytes)] : Array.Empty<(NativeBlock, nuint)>(),
        .. _infoTable is { } infos ? [(infos, (nuint)_nextPage * (nuint)sizeof(TableInfo))] : Array.Empty<(NativeBlock, nuint)>(),
    ];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong* Entries(int page) => _chunks[page >> ChunkShift] + ((page & (PagesPerChunk - 1)) * EntriesPerTable);

    private ref TableInfo Info(int page)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)page, (uint)_nextPage, nameof(page));
        return ref _infos[page];
    }

    private TableState StateOf(int page) => Info(page).State;

    private bool HasRoomFor(int pages) => TablePages <= TablePagesMax - pages;

    private int AllocateTable(int level)
    {
        bool reused = _freePages.Count > 0;
        int page;
        if (reused)
        {
            page = _freePages[^1];
            _freePages.RemoveAt(_freePages.Count - 1);
        }
        else
        {
            page = _nextPage;
        }

        TakeTable(page, level, AllocationNode, reused);
        return page;
    }

    private void TakeTable(int page, int level, int node, bool reused)
    {
        if (!reused)
        {
            if (page >> ChunkShift == _chunkCount)
            {
                AddChunk();
            }

            _nextPage++;
        }

        _infos[page] = new TableInfo
        {
            LastRecord = NoRecord,
            Level = checked((byte)level),
            Node = checked((byte)node),
            State = TableState.Live,
        };
        TablePages++;
        _countByLevel[level]++;
        if (_recording)
        {
            AppendRecord(page, RecordKind.Allocated, 0, 0, reused ? 1UL : 0UL);
        }

        _changes?.Write(ChangeKind.Allocated, page, level, node);
    }

    private void AddChunk()
    {
        nuint room = _chunkTable is null ? 0 : _chunkTable.Bytes / (nuint)sizeof(ulong*);
        if ((nuint)_chunkCount == room)
        {
            nuint more = Math.Max(1, room * 2);
            _chunkTable = Grow(_chunkTable, more * (nuint)sizeof(ulong*));
            _infoTable = Grow(_infoTable, more * PagesPerChunk * (nuint)sizeof(TableInfo));
            _chunks = (ulong**)_chunkTable.Start;
            _infos = (TableInfo*)_infoTable.Start;
        }

        NativeBlock block = new((nuint)PagesPerChunk * TableBytes, TableBytes);
        _chunkBlocks.Add(block);
        _chunks[_chunkCount] = (ulong*)block.Start;
        _chunkCount++;
    }

    private static NativeBlock Grow(NativeBlock? old, nuint bytes)
    {
        NativeBlock grown = new(bytes, sizeof(ulong));
        old?.Span.CopyTo(grown.Span);
        old?.Dispose();
        return grown;
    }

    /// <summary>What is known of a table page; 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TableInfo
    {
        /// <summary>When the page's newest recorded store becomes visible; walks at or after it read the entries as they are.</summary>
        public long PendingUntil;

        /// <summary>The newest journal record of the page, or <see cref="NoRecord"/>; it may have been dropped since.</summary>
        public long LastRecord;

        /// <summary>Entries that are not empty; 0 to 512.</summary>
        public short Live;

        public byte Level;

        public byte Node;

        public TableState State;
    }
}
