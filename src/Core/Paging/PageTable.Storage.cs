using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmSim.Core.State;

namespace VmSim.Core.Paging;

/// <summary>Table pages in native memory: allocation, reuse, counts and NUMA nodes.</summary>
public sealed unsafe partial class PageTable
{
    // A chunk is 256 table pages, 1 MiB, each at a multiple of 4 KiB; table page n is in chunk n >> 8. Fresh memory is zero, and what is not
    // touched takes no memory of the host.
    private const int ChunkShift = 8;
    private const int PagesPerChunk = 1 << ChunkShift;
    private const int TableBytes = EntriesPerTable * sizeof(ulong);

    private readonly int[] countByLevel;
    private readonly List<int> freePages = [];
    private readonly List<NativeBlock> chunkBlocks = [];
    private NativeBlock? chunkTable;
    private NativeBlock? infoTable;
    private ulong** chunks;
    private TableInfo* infos;
    private int chunkCount;
    private int nextPage;

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
    public int TablePageLimit => nextPage;

    /// <summary>Bytes of native memory that hold table pages and what is known of each.</summary>
    public long NativeBytes => (long)chunkCount * ((PagesPerChunk * (TableBytes + sizeof(TableInfo))) + TableBytes);

    /// <summary>Table pages of one level in the tree.</summary>
    /// <param name="level">0 for the lowest level.</param>
    public int TablePagesAt(int level) => countByLevel[level];

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
        changes?.Write(ChangeKind.Node, tablePage, node);
    }

    /// <summary>Entries of a table page that are not empty.</summary>
    /// <param name="tablePage">A table page that was allocated; 0 if it is not in the tree any more.</param>
    public int EntriesUsed(int tablePage) => StateOf(tablePage) == TableState.Live ? infos[tablePage].Live : 0;

    /// <summary>Frees the native memory. The table is of no use any more; without this call the memory stays until the finalizers of its blocks have run.</summary>
    public void Dispose()
    {
        foreach (NativeBlock block in chunkBlocks)
        {
            block.Dispose();
        }

        chunkBlocks.Clear();
        chunkTable?.Dispose();
        infoTable?.Dispose();
        chunks = null;
        infos = null;
        chunkCount = 0;
        nextPage = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong* Entries(int page) => chunks[page >> ChunkShift] + ((page & (PagesPerChunk - 1)) * EntriesPerTable);

    private ref TableInfo Info(int page)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)page, (uint)nextPage, nameof(page));
        return ref infos[page];
    }

    private TableState StateOf(int page) => Info(page).State;

    private bool HasRoomFor(int pages) => TablePages <= TablePagesMax - pages;

    private int AllocateTable(int level)
    {
        bool reused = freePages.Count > 0;
        int page;
        if (reused)
        {
            page = freePages[^1];
            freePages.RemoveAt(freePages.Count - 1);
        }
        else
        {
            page = nextPage;
        }

        TakeTable(page, level, AllocationNode, reused);
        return page;
    }

    private void TakeTable(int page, int level, int node, bool reused)
    {
        if (!reused)
        {
            if (page >> ChunkShift == chunkCount)
            {
                AddChunk();
            }

            nextPage++;
        }

        infos[page] = new TableInfo
        {
            LastRecord = NoRecord,
            Level = checked((byte)level),
            Node = checked((byte)node),
            State = TableState.Live,
        };
        TablePages++;
        countByLevel[level]++;
        if (recording)
        {
            AppendRecord(page, RecordKind.Allocated, 0, 0, reused ? 1UL : 0UL);
        }

        changes?.Write(ChangeKind.Allocated, page, level, node);
    }

    private void AddChunk()
    {
        nuint room = chunkTable is null ? 0 : chunkTable.Bytes / (nuint)sizeof(ulong*);
        if ((nuint)chunkCount == room)
        {
            nuint more = Math.Max(1, room * 2);
            chunkTable = Grow(chunkTable, more * (nuint)sizeof(ulong*));
            infoTable = Grow(infoTable, more * PagesPerChunk * (nuint)sizeof(TableInfo));
            chunks = (ulong**)chunkTable.Start;
            infos = (TableInfo*)infoTable.Start;
        }

        NativeBlock block = new((nuint)PagesPerChunk * TableBytes, TableBytes);
        chunkBlocks.Add(block);
        chunks[chunkCount] = (ulong*)block.Start;
        chunkCount++;
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
