using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Benchmarks;

/// <summary>Times each case on fresh sets, round after round, and keeps the best.</summary>
internal sealed class MemorySetCases<TTable, TBackend>
    where TTable : struct
    where TBackend : struct, IMappingBackend<VirtAddr, byte, TTable>
{
    private const ulong Page = 4096;
    private const ulong AreaBytes = 4 * Page;
    private const ulong Stride = 8 * Page;
    private const byte AllRights = 7;
    private const byte NewRights = 5;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    private readonly int _areas;
    private readonly int _picks;
    private readonly MemorySet<VirtAddr, byte, TTable, TBackend>[] _sets;
    private readonly TTable[] _tables;
    private readonly int[] _picked;
    private readonly VirtAddr[] _addresses;
    private readonly AddrRange<VirtAddr> _limit;
    private readonly Dictionary<string, MemorySetBenchmark.Figure> _figures = new(StringComparer.Ordinal);
    private readonly Random _random = new(1);

    private MemorySetCases(int areas, int sets, int picks, Func<int, TTable> makeTable)
    {
        _areas = areas;
        _picks = picks;
        int pages = (areas * 8) + 64;
        _limit = AddrRange.Of(default(VirtAddr), (ulong)pages * Page);
        _sets = new MemorySet<VirtAddr, byte, TTable, TBackend>[sets];
        _tables = [.. Enumerable.Range(0, sets).Select(_ => makeTable(pages))];
        _picked = new int[sets * picks];
        _addresses = new VirtAddr[sets * picks];
        for (int i = 0; i < sets; i++)
        {
            _sets[i] = new();
        }
    }

    public static Dictionary<string, MemorySetBenchmark.Figure> Measure(
        int areas, int sets, int picks, int rounds, Func<int, TTable> makeTable)
    {
        MemorySetCases<TTable, TBackend> cases = new(areas, sets, picks, makeTable);

        // The compiler's last tier comes some time after the first calls, in the background.
        if (areas <= 1000)
        {
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < WarmUp)
            {
                cases.Round();
            }

            cases._figures.Clear();
        }

        for (int round = 0; round < rounds; round++)
        {
            cases.Round();
        }

        return cases._figures;
    }

    private static VirtAddr Start(int area) => new((ulong)area * Stride);

    private void Round()
    {
        Build();
        Pick();
        TimeWholeAreas();
        TimeSearches();
        TimeChanges();
        Expect(_picks * 2);
        Clear();
        Build();
        Time("unmap middle", static (cases, set, table, picked, addresses) =>
        {
            bool ok = true;
            foreach (int area in picked)
            {
                ok &= set.TryUnmap(Start(area) + Page, 2 * Page, table, out _);
            }

            return ok;
        });
        Expect(_picks);
        Clear();
        Build();
        Time("clear, per area", static (cases, set, table, picked, addresses) => set.TryClear(table, out _), _areas);
    }

    private void TimeWholeAreas()
    {
        Time("unmap whole", static (cases, set, table, picked, addresses) =>
        {
            bool ok = true;
            foreach (int area in picked)
            {
                ok &= set.TryUnmap(Start(area), AreaBytes, table, out _);
            }

            return ok;
        });
        Time("map", static (cases, set, table, picked, addresses) =>
        {
            bool ok = true;
            foreach (int area in picked)
            {
                ok &= set.TryMap(new(Start(area), AreaBytes, AllRights, default), table, out _);
            }

            return ok;
        });
    }

    private void TimeSearches()
    {
        Time("find", static (cases, set, table, picked, addresses) =>
        {
            int found = 0;
            foreach (VirtAddr address in addresses)
            {
                found += set.TryFind(address, out _) ? 1 : 0;
            }

            return found <= addresses.Length;
        });
        Time("free, random hint", static (cases, set, table, picked, addresses) =>
        {
            bool ok = true;
            foreach (VirtAddr address in addresses)
            {
                ok &= set.FindFreeArea(address, 2 * Page, cases._limit, Page) is not null;
            }

            return ok;
        });
        Time("free, full scan", static (cases, set, table, picked, addresses) =>
        {
            bool ok = true;
            foreach (VirtAddr address in addresses)
            {
                ok &= set.FindFreeArea(default, 5 * Page, cases._limit, Page) is not null;
            }

            return ok;
        });
    }

    private void TimeChanges()
    {
        Time("protect whole", static (cases, set, table, picked, addresses) =>
        {
            bool ok = true;
            foreach (int area in picked)
            {
                ok &= set.TryProtect(Start(area), AreaBytes, default(Update), table, out _);
            }

            return ok;
        });
        Time("map over overlap", static (cases, set, table, picked, addresses) =>
        {
            bool ok = true;
            foreach (int area in picked)
            {
                ok &= set.TryMapOver(new(Start(area), AreaBytes, AllRights, default), table, out _);
            }

            return ok;
        });
        Time("protect middle", static (cases, set, table, picked, addresses) =>
        {
            bool ok = true;
            foreach (int area in picked)
            {
                ok &= set.TryProtect(Start(area) + Page, 2 * Page, default(Update), table, out _);
            }

            return ok;
        });
    }

    private void Build()
    {
        for (int i = 0; i < _sets.Length; i++)
        {
            for (int area = 0; area < _areas; area++)
            {
                MemorySetBenchmark.Check(_sets[i].TryMap(new(Start(area), AreaBytes, AllRights, default), _tables[i], out _));
            }
        }
    }

    private void Clear()
    {
        for (int i = 0; i < _sets.Length; i++)
        {
            MemorySetBenchmark.Check(_sets[i].TryClear(_tables[i], out _));
        }
    }

    private void Pick()
    {
        for (int i = 0; i < _sets.Length; i++)
        {
            HashSet<int> seen = [];
            for (int pick = 0; pick < _picks; pick++)
            {
                int area;
                do
                {
                    area = _random.Next(_areas);
                }
                while (!seen.Add(area));

                _picked[(i * _picks) + pick] = area;
                _addresses[(i * _picks) + pick] = new VirtAddr((ulong)_random.NextInt64((long)((ulong)_areas * Stride)));
            }
        }
    }

    private void Expect(int more)
    {
        foreach (MemorySet<VirtAddr, byte, TTable, TBackend> set in _sets)
        {
            MemorySetBenchmark.Check(set.Count == _areas + more);
        }
    }

    private void Time(string name, Operation operation, int operations = 0)
    {
        bool ok = true;
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < _sets.Length; i++)
        {
            ok &= operation(this, _sets[i], _tables[i], _picked.AsSpan(i * _picks, _picks), _addresses.AsSpan(i * _picks, _picks));
        }

        double elapsed = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        MemorySetBenchmark.Check(ok);
        double count = (double)_sets.Length * (operations > 0 ? operations : _picks);
        MemorySetBenchmark.Figure figure = new(elapsed / count, bytes / count);
        if (!_figures.TryGetValue(name, out MemorySetBenchmark.Figure best) || figure.Nanoseconds < best.Nanoseconds)
        {
            _figures[name] = figure;
        }
    }

    private delegate bool Operation(
        MemorySetCases<TTable, TBackend> cases, MemorySet<VirtAddr, byte, TTable, TBackend> set, TTable table, ReadOnlySpan<int> picked,
            ReadOnlySpan<VirtAddr> addresses);

    private readonly struct Update : IFlagsUpdate<byte>
    {
        public bool TryUpdate(byte old, out byte updated)
        {
            updated = NewRights;
            return old != NewRights;
        }
    }
}
