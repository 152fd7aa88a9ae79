using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Benchmarks;

/// <summary>
/// The memory set's cases beside the figures of the reference (the Rust crate memory_set 0.4.1). n areas of 4 pages at a stride of 8 pages
/// from address 0. Each figure is the best of several rounds. Arguments: the largest n (default 100,000), rounds (default 15).
/// </summary>
internal static class MemorySetBenchmark
{
    /// <summary>The reference, ns per operation: flat 10, 1,000, 100,000, then noop.</summary>
    private static readonly Dictionary<string, double[]> Reference = new(StringComparer.Ordinal)
    {
        ["unmap whole"] = [73, 2396, 338586, 69, 2395, 347654],
        ["map"] = [54, 212, 475, 51, 210, 401],
        ["find"] = [21, 56, 146, 21, 56, 136],
        ["free, random hint"] = [36, 110, 244, 35, 113, 252],
        ["free, full scan"] = [24, 1679, 331379, 29, 1790, 338015],
        ["protect whole"] = [37, 1234, 178381, 34, 1227, 178550],
        ["map over overlap"] = [113, 2563, 343416, 107, 2516, 347593],
        ["protect middle"] = [183, 1384, 174583, 150, 1414, 176204],
        ["unmap middle"] = [78, 2535, 339093, 76, 2554, 346153],
        ["clear, per area"] = [8.1, 9.6, 10.7, 3.4, 6.4, 7.5],
    };

    private static readonly (int Areas, int Sets, int Picks)[] Sizes =
    [
        (10, 1000, 1),
        (1000, 10, 50),
        (100_000, 1, 200),
        (10_000_000, 1, 200),
    ];

    public static int Run(string[] args)
    {
        int largest = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 100_000;
        int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 15;
        Console.WriteLine("| case | page table | areas | ns | reference ns | ratio | bytes allocated |");
        Console.WriteLine("|---|---|---:|---:|---:|---:|---:|");
        int above = 0;
        foreach ((int areas, int sets, int picks) in Sizes.Where(size => size.Areas <= largest))
        {
            int count = areas > 1_000_000 ? Math.Min(rounds, 3) : rounds;
            Dictionary<string, Figure> flat = MemorySetCases<FlatTable, FlatBackend>.Measure(
                areas, sets, picks, count, pages => new FlatTable(pages));
            Dictionary<string, Figure> noop = MemorySetCases<NoTable, NoBackend>.Measure(areas, sets, picks, count, _ => new NoTable());
            foreach ((string name, double[] reference) in Reference)
            {
                above += Print(name, "flat", areas, flat[name], reference[..3]);
                above += Print(name, "noop", areas, noop[name], reference[3..]);
            }
        }

        Console.WriteLine();
        PrintAligned(Math.Min(largest, 1_000_000));
        Console.WriteLine();
        PrintMemory(Math.Max(1000, Math.Min(largest, 1_000_000)));
        Console.WriteLine(above == 0 ? "\nEvery cell is at or under the reference." : $"\n{above} cells are above the reference.");
        return 0;
    }

    internal static void Check(bool ok)
    {
        if (!ok)
        {
            throw new InvalidOperationException("The memory set did not do what the benchmark asks.");
        }
    }

    private static int Print(string name, string table, int areas, Figure figure, double[] reference)
    {
        int column = areas switch { 10 => 0, 1000 => 1, 100_000 => 2, _ => -1 };
        string theirs = column < 0 ? "-" : reference[column].ToString("#,0.#", CultureInfo.InvariantCulture);
        double ratio = column < 0 ? 0 : figure.Nanoseconds / reference[column];
        string relation = column < 0 ? "-" : ratio.ToString(ratio < 0.01 ? "0.00000" : "0.00", CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {table} | {areas:#,0} | {figure.Nanoseconds:#,0.0} | {theirs} | {relation} | {figure.Bytes:0.##} |"));
        return ratio > 1 ? 1 : 0;
    }

    /// <summary>Every free range has the size that is looked for, but none is aligned; only the end fits.</summary>
    private static void PrintAligned(int areas)
    {
        MemorySet<VirtAddr, byte, NoTable, NoBackend> set = new();
        for (int area = 0; area < areas; area++)
        {
            Check(set.TryMap(new(new VirtAddr(((ulong)area << 15) + 4096), 1 << 14, 7, default), default, out _));
        }

        AddrRange<VirtAddr> limit = new(new VirtAddr(4096), new VirtAddr(ulong.MaxValue - 1));
        Console.WriteLine("| search for 4 pages at a multiple of 4 pages | areas | ns |");
        Console.WriteLine("|---|---:|---:|");
        for (int search = 1; search <= 3; search++)
        {
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            VirtAddr? found = set.FindFreeArea(default, 1 << 14, limit, 1 << 14);
            double elapsed = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalNanoseconds;
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"| search {search}, finds {found} | {areas:#,0} | {elapsed:#,0} |"));
        }
    }

    /// <summary>Bytes per area with flags of 8 bytes and a reference to a backend, for two orders of mapping.</summary>
    private static void PrintMemory(int largest)
    {
        Console.WriteLine("| areas | mapped in | bytes per area |");
        Console.WriteLine("|---:|---|---:|");
        for (int areas = 10; areas <= largest; areas *= 10)
        {
            foreach (bool shuffled in new[] { false, true })
            {
                int[] order = [.. Enumerable.Range(0, areas)];
                if (shuffled)
                {
                    new Random(1).Shuffle(order);
                }

                // Many small sets, so that what else the process frees meanwhile does not count.
                MemorySet<VirtAddr, ulong, NoTable, WideBackend>[] sets =
                    new MemorySet<VirtAddr, ulong, NoTable, WideBackend>[Math.Max(1, 1_000_000 / areas)];
                WideBackend backend = new();
                long before = GC.GetTotalMemory(forceFullCollection: true);
                for (int i = 0; i < sets.Length; i++)
                {
                    sets[i] = new();
                    foreach (int area in order)
                    {
                        Check(sets[i].TryMap(new(new VirtAddr((ulong)area << 15), 1 << 14, 7, backend), default, out _));
                    }
                }

                double bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {areas:#,0} | {(shuffled ? "random" : "rising")} order | {bytes / areas / sets.Length:0.0} |"));
                GC.KeepAlive(sets);
                GC.KeepAlive(order);
            }
        }
    }

    /// <summary>Nanoseconds and bytes allocated, per operation.</summary>
    internal readonly record struct Figure(double Nanoseconds, double Bytes);

    /// <summary>A page table with one byte per page. A struct that refers to it, so that backends are called directly.</summary>
    internal readonly struct FlatTable(int pages)
    {
        public readonly byte[] Entries = new byte[pages];
    }

    /// <summary>Refuses to map what is mapped and to unmap or protect what is not.</summary>
    internal readonly struct FlatBackend : IMappingBackend<VirtAddr, byte, FlatTable>
    {
        public bool Map(VirtAddr start, ulong size, byte flags, FlatTable pageTable)
        {
            foreach (ref byte entry in pageTable.Entries.AsSpan((int)(start.Value >> 12), (int)(size >> 12)))
            {
                if (entry != 0)
                {
                    return false;
                }

                entry = flags;
            }

            return true;
        }

        public bool Unmap(VirtAddr start, ulong size, FlatTable pageTable) => Replace(start, size, 0, pageTable);

        public bool Protect(VirtAddr start, ulong size, byte newFlags, FlatTable pageTable) => Replace(start, size, newFlags, pageTable);

        private static bool Replace(VirtAddr start, ulong size, byte flags, FlatTable pageTable)
        {
            foreach (ref byte entry in pageTable.Entries.AsSpan((int)(start.Value >> 12), (int)(size >> 12)))
            {
                if (entry == 0)
                {
                    return false;
                }

                entry = flags;
            }

            return true;
        }
    }

    /// <summary>No page table at all.</summary>
    internal readonly struct NoTable;

    /// <summary>Answers true.</summary>
    internal readonly struct NoBackend : IMappingBackend<VirtAddr, byte, NoTable>
    {
        public bool Map(VirtAddr start, ulong size, byte flags, NoTable pageTable) => true;

        public bool Unmap(VirtAddr start, ulong size, NoTable pageTable) => true;

        public bool Protect(VirtAddr start, ulong size, byte newFlags, NoTable pageTable) => true;
    }

    /// <summary>Answers true; an object, with flags of 8 bytes, to measure memory.</summary>
    internal sealed class WideBackend : IMappingBackend<VirtAddr, ulong, NoTable>
    {
        public bool Map(VirtAddr start, ulong size, ulong flags, NoTable pageTable) => true;

        public bool Unmap(VirtAddr start, ulong size, NoTable pageTable) => true;

        public bool Protect(VirtAddr start, ulong size, ulong newFlags, NoTable pageTable) => true;
    }
}
