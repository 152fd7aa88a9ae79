using System.Runtime.InteropServices;
using System.Text;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>
/// Export and import of the whole state, for checkpoints: a table that was imported behaves as the exported one would have.
/// </summary>
public sealed unsafe partial class PageTable
{
    private const uint StateMagic = 0x5450_4D56;
    private const int StateVersion = 2;

    /// <summary>
    /// Writes the table: entries, history, freed and free table pages, and changes that are logged and not taken. Of the host the form
    /// depends on the byte order alone.
    /// </summary>
    /// <param name="stream">Where to; it stays open.</param>
    /// <exception cref="InvalidOperationException">A mark is open.</exception>
    public void Export(Stream stream)
    {
        CheckNoMark();
        using BinaryWriter writer = new(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(StateMagic);
        writer.Write(StateVersion);
        writer.Write(_format.Name);
        writer.Write(TableBase.Value);
        writer.Write(_visibleAt);
        writer.Write(_foldedTo);
        writer.Write(TablePagesMax);
        writer.Write(AllocationNode);
        writer.Write(_nextPage);
        WriteRun<int>(writer, CollectionsMarshal.AsSpan(_freePages));
        WriteRun<int>(writer, CollectionsMarshal.AsSpan(_freedPages));
        for (int page = 0; page < _nextPage; page++)
        {
            WritePage(writer, page);
        }

        WriteQueue(writer, _journal);
        WriteQueue(writer, _images);
        writer.Write(LogsChanges);
        WriteRun(writer, _changes is null ? [] : _changes.Written);
    }

    /// <summary>Reads a table that <see cref="Export"/> wrote.</summary>
    /// <param name="stream">Where from; it stays open, behind the table.</param>
    /// <param name="format">Its format; null for the one of <see cref="PageTableFormats.All"/> that it names.</param>
    /// <exception cref="InvalidDataException">The data are not a page table, or of another version, or damaged.</exception>
    /// <exception cref="EndOfStreamException">The data end too early.</exception>
    public static PageTable Import(Stream stream, PageTableFormat? format = null)
    {
        using BinaryReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        ReadHeader(reader, out string name);
        Require(format is null || format.Name == name, $"the table is one of {name}, not of {format}");
        PageTableFormat found = format ?? PageTableFormats.All.Find(name)
            ?? throw new InvalidDataException($"There is no page-table format \"{name}\".");
        PageTable table = new(found) { TableBase = new PhysAddr(reader.ReadUInt64()) };
        try
        {
            table.ReadState(reader);
            return table;
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    /// <summary>Puts this table to where the one was that <see cref="Export"/> wrote; it has the same format and place.</summary>
    /// <param name="stream">Where from; it stays open, behind the table.</param>
    /// <exception cref="InvalidDataException">
    /// The data are not a page table, or of another one, or damaged; this table is of no use any more.
    /// </exception>
    internal void Restore(Stream stream)
    {
        CheckNoMark();
        using BinaryReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
        ReadHeader(reader, out string name);
        Require(name == _format.Name, $"the table is one of {name}, not of {_format}");
        Require(reader.ReadUInt64() == TableBase.Value, "the table lies at another place");
        Dispose();
        _chunkTable = null;
        _infoTable = null;
        _freePages.Clear();
        _freedPages.Clear();
        (FreedTablePages, _retiredCount) = (0, 0);
        _changes = null;
        ReadState(reader);
    }

    private static void ReadHeader(BinaryReader reader, out string format)
    {
        Require(reader.ReadUInt32() == StateMagic, "the data are not a page table");
        int version = reader.ReadInt32();
        Require(
            version == StateVersion, $"version {version} of the page-table state is unknown; this program reads version {StateVersion}");
        format = reader.ReadString();
    }

    private void ReadState(BinaryReader reader)
    {
        _visibleAt = reader.ReadInt64();
        _foldedTo = reader.ReadInt64();
        TablePagesMax = reader.ReadInt32();
        AllocationNode = reader.ReadInt32();
        int pages = reader.ReadInt32();
        Require(pages > 0, "a page table has a root");
        ReadPageNumbers(reader, _freePages, pages);
        ReadPageNumbers(reader, _freedPages, pages);
        while (_chunkCount << ChunkShift < pages)
        {
            AddChunk();
        }

        _nextPage = pages;
        TablePages = 0;
        Array.Clear(_countByLevel);
        for (int page = 0; page < pages; page++)
        {
            ReadPage(reader, page);
        }

        Require(StateOf(Root) == TableState.Live, "the root is in the tree");
        ReadQueue(reader, _journal);
        ReadQueue(reader, _images);
        LogsChanges = reader.ReadBoolean();
        byte[] logged = ReadRun<byte>(reader);
        Require(LogsChanges || logged.Length == 0, "only a table that logs changes has some");
        _changes?.Append(logged);
        UpdateRecording();
        UpdatePendingUntil();
    }

    private void WritePage(BinaryWriter writer, int page)
    {
        ref TableInfo info = ref _infos[page];
        writer.Write((byte)info.State);
        if (info.State == TableState.Free)
        {
            return;
        }

        writer.Write(info.Level);
        writer.Write(info.Node);
        writer.Write(info.Live);
        writer.Write(info.PendingUntil);
        writer.Write(info.LastRecord);
        if (info.State == TableState.Cleared)
        {
            return;
        }

        ReadOnlySpan<ulong> entries = new(Entries(page), EntriesPerTable);
        if (info.Live > EntriesPerTable / 2)
        {
            writer.Write(MemoryMarshal.AsBytes(entries));
            return;
        }

        for (int index = 0; index < EntriesPerTable; index++)
        {
            if (entries[index] != 0)
            {
                writer.Write((ushort)index);
                writer.Write(entries[index]);
            }
        }
    }

    private void ReadPage(BinaryReader reader, int page)
    {
        ref TableInfo info = ref _infos[page];
        info = new TableInfo { State = (TableState)reader.ReadByte(), LastRecord = NoRecord };
        Require(info.State <= TableState.Cleared, "a table page's state is known");
        if (info.State == TableState.Free)
        {
            return;
        }

        info.Level = reader.ReadByte();
        info.Node = reader.ReadByte();
        info.Live = reader.ReadInt16();
        info.PendingUntil = reader.ReadInt64();
        info.LastRecord = reader.ReadInt64();
        Require(info.Level < _format.Levels && info.Live is >= 0 and <= EntriesPerTable, "a table page's level and count are in range");
        if (info.State == TableState.Live)
        {
            TablePages++;
            _countByLevel[info.Level]++;
        }
        else
        {
            FreedTablePages++;
            _retiredCount += info.State == TableState.Retired ? 1 : 0;
        }

        if (info.State != TableState.Cleared)
        {
            ReadEntries(reader, page, info.Live);
        }
    }

    private void ReadEntries(BinaryReader reader, int page, int live)
    {
        Span<ulong> entries = new(Entries(page), EntriesPerTable);
        if (live > EntriesPerTable / 2)
        {
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(entries));
            return;
        }

        for (int i = 0; i < live; i++)
        {
            int index = reader.ReadUInt16();
            Require(index < EntriesPerTable, "an entry's index is in range");
            entries[index] = reader.ReadUInt64();
        }
    }

    private static void ReadPageNumbers(BinaryReader reader, List<int> target, int pages)
    {
        int[] numbers = ReadRun<int>(reader);
        Require(Array.TrueForAll(numbers, page => page > 0 && page < pages), "table page numbers are in range");
        target.AddRange(numbers);
    }

    private static void WriteQueue<T>(BinaryWriter writer, RingQueue<T> queue)
        where T : unmanaged
    {
        writer.Write(queue.First);
        T[] items = new T[checked((int)queue.Count)];
        queue.CopyTo(queue.First, items);
        WriteRun<T>(writer, items);
    }

    private static void ReadQueue<T>(BinaryReader reader, RingQueue<T> queue)
        where T : unmanaged
    {
        long first = reader.ReadInt64();
        Require(first >= 0, "the history's start is in range");
        queue.Restart(first);
        queue.Append(ReadRun<T>(reader));
    }

    private static void WriteRun<T>(BinaryWriter writer, ReadOnlySpan<T> items)
        where T : unmanaged
    {
        writer.Write(items.Length);
        writer.Write(MemoryMarshal.AsBytes(items));
    }

    private static T[] ReadRun<T>(BinaryReader reader)
        where T : unmanaged
    {
        int count = reader.ReadInt32();
        Require(count >= 0, "a length is in range");
        T[] items = [];
        while (items.Length < count)
        {
            // Grown piece by piece: a damaged length meets the end of the data before it takes the host's memory.
            int done = items.Length;
            Array.Resize(ref items, Math.Min(count, Math.Max(1024, 2 * done)));
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(items.AsSpan(done)));
        }

        return items;
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidDataException($"Page-table state: {what}.");
        }
    }
}
