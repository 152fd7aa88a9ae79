using System.Diagnostics;
using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Benchmarks;

/// <summary>
/// <c>page-table [--pages N] [--format NAME]</c>: what operations on a page table of 100 million pages cost, as a markdown table.
/// </summary>
internal sealed class PageTableBenchmark : IDisposable
{
    private const PageFlags UserData = PageFlags.Read | PageFlags.Write | PageFlags.User;
    private const int RandomReads = 4_000_000;

    private static readonly VirtAddr Start = new(0x10_0000_0000);
    private readonly ulong _bytes;
    private readonly long _pages;
    private readonly PageTable _table;
    private long _checksum;

    private PageTableBenchmark(PageTableFormat format, long pages)
    {
        _pages = pages;
        _bytes = (ulong)pages << PageSizes.BaseShift;
        _table = new PageTable(format);
    }

    public static int Run(string[] args)
    {
        long count = long.Parse(Option(args, "--pages") ?? "100000000", CultureInfo.InvariantCulture);
        PageTableFormat format = PageTableFormats.All.Require(Option(args, "--format") ?? "x86-64", "format");
        WarmUp(format);
        Console.WriteLine($"{format.Name}, {count:N0} pages of 4 KiB, one thread.");
        Console.WriteLine();
        Console.WriteLine("| operation | items | ns per item | M items/s |");
        Console.WriteLine("|---|---:|---:|---:|");
        using PageTableBenchmark benchmark = new(format, count);
        benchmark.Measure(Row);
        return 0;
    }

    public void Dispose() => _table.Dispose();

    private static string? Option(string[] args, string name)
    {
        int at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }

    private static void WarmUp(PageTableFormat format)
    {
        for (int round = 0; round < 40; round++)
        {
            using PageTableBenchmark small = new(format, 200_000);
            small.Measure((_, _, _) => { });
        }
    }

    private static void Row(string operation, long items, TimeSpan time)
    {
        double nanoseconds = time.TotalNanoseconds / items;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {operation} | {items:N0} | {nanoseconds:F2} | {1000 / nanoseconds:F0} |"));
    }

    private static void Time(Action<string, long, TimeSpan> row, string operation, long items, Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        row(operation, items, Stopwatch.GetElapsedTime(start));
    }

    private void Measure(Action<string, long, TimeSpan> row)
    {
        long before = Process.GetCurrentProcess().WorkingSet64;
        Time(row, "MapRange into fresh memory", _pages, Map);
        long resident = Process.GetCurrentProcess().WorkingSet64 - before;
        int tables = _table.TablePages;
        Time(row, "Query, random", RandomReads, QueryRandom);
        Time(row, "walk by ReadEntry, random, nothing pending", RandomReads, () => WalkRandom(0));
        Time(row, "cursor over all leaves", _pages, Iterate);
        Time(row, "ProtectRange", _pages, () => Require(_table.ProtectRange(Start, _bytes, PageFlags.Read) == _pages));
        MeasurePending(row);
        Time(row, "UnmapRange, every page visited", _pages, Unmap);
        _table.ReleaseTables(_table.TakeFreedTables());
        Time(row, "MapRange into reused tables", _pages, Map);
        Time(row, "UnmapRange and undo", _pages, UnmapAndUndo);
        _table.VisibleAt = 3000;
        Time(row, "UnmapRange, stores pending", _pages, Unmap);
        Time(row, "Fold of that", _pages, () => _table.Fold(3000));
        _table.ReleaseTables(_table.TakeFreedTables());
        long single = Math.Min(_pages, RandomReads);
        Time(row, "Map, page after page", single, () => MapSingly(single));
        if (row == Row)
        {
            Console.WriteLine();
            Console.WriteLine(
                $"{tables:N0} table pages; native memory {_table.NativeBytes / 1048576.0:F0} MiB, resident {resident / 1048576.0:F0} "
                    + $"MiB for all {_pages:N0} pages.");
            Console.Error.WriteLine($"checksum {_checksum}");
        }
    }

    private void MeasurePending(Action<string, long, TimeSpan> row)
    {
        _table.VisibleAt = 1000;
        ulong part = Math.Min(_bytes, 1UL << 30);
        Time(
            row,
            "ProtectRange of 1 GiB, stores pending",
            (long)(part >> PageSizes.BaseShift),
            () => _table.ProtectRange(Start, part, UserData));
        Time(row, "walk by ReadEntry, random, before those", RandomReads, () => WalkRandom(999));
        Time(row, "walk by ReadEntry, random, after those", RandomReads, () => WalkRandom(1000));
        Time(row, "Fold of those", (long)(part >> PageSizes.BaseShift), () => _table.Fold(1000));
    }

    private void Map() => Require(_table.MapRange(Start, new PhysAddr(1UL << 32), _bytes, UserData) == _pages);

    private void MapSingly(long count)
    {
        for (long page = 0; page < count; page++)
        {
            Require(_table.Map(Start + ((ulong)page << PageSizes.BaseShift), PhysAddr.OfPage((ulong)page), PageSize.Size4K, UserData));
        }
    }

    private void Unmap()
    {
        SumVisitor visitor = default;
        Require(_table.UnmapRange(Start, _bytes, ref visitor) == _pages);
        _checksum += visitor.Sum;
    }

    private void UnmapAndUndo()
    {
        UndoMark mark = _table.Mark();
        Unmap();
        _table.Rollback(mark);
    }

    private void Iterate()
    {
        foreach (MappedLeaf leaf in _table.Leaves(Start, _bytes))
        {
            _checksum += (long)leaf.Entry.Frame.PageNumber;
        }
    }

    private void QueryRandom()
    {
        ulong state = 1;
        for (int i = 0; i < RandomReads; i++)
        {
            _checksum += (long)_table.Query(NextAddress(ref state)).Frame.PageNumber;
        }
    }

    private void WalkRandom(long time)
    {
        EntryLayout layout = _table.Format.Layout;
        int top = _table.Format.Levels - 1;
        ulong state = 1;
        for (int i = 0; i < RandomReads; i++)
        {
            ulong address = NextAddress(ref state).Value;
            int page = _table.Root;
            int level = top;
            ulong entry = _table.ReadEntry(page, EntryLayout.Index(address, level), time);
            while (layout.IsPresent(entry) && !layout.IsLeaf(entry, level))
            {
                level--;
                entry = _table.ReadEntry(layout.ChildTable(entry), EntryLayout.Index(address, level), time);
            }

            _checksum += (long)layout.LeafFrame(entry, level).PageNumber;
        }
    }

    private VirtAddr NextAddress(ref ulong state)
    {
        state = (state * 6364136223846793005) + 1442695040888963407;
        return Start + ((ulong)(((UInt128)state * (ulong)_pages) >> 64) << PageSizes.BaseShift);
    }

    private static void Require(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException("The page table did not do what it was asked.");
        }
    }

    private struct SumVisitor : IUnmapVisitor
    {
        public long Sum;

        public void OnUnmapped(VirtAddr address, in EntryInfo entry) => Sum += (long)entry.Frame.PageNumber;
    }
}
