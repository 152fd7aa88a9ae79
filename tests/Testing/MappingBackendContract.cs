using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Testing;

/// <summary>
/// What a backend of a memory set and its page table must do: random operations through a set, beside a model that has an entry for each
/// page. After each the page table holds what the model holds, whether the operation was done or refused.
/// </summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags of areas.</typeparam>
/// <typeparam name="TPageTable">What the backend changes.</typeparam>
public abstract class MappingBackendContract<TAddr, TFlags, TPageTable>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
{
    private const int Sequences = 100;

    private static readonly Gen<(int Kind, int Page, int Pages, int Flags)[]> Steps = Gen.Select(
        Gen.Int[0, 3], Gen.Int[0, 999], Gen.Int[1, 12], Gen.Int[0, 99]).Array[1, 40];

    /// <summary>The backend.</summary>
    protected abstract IMappingBackend<TAddr, TFlags, TPageTable> Backend { get; }

    /// <summary>Where the operations play: some whole pages, at least 16.</summary>
    protected abstract AddrRange<TAddr> Range { get; }

    /// <summary>Flags that areas get: two or more, all different.</summary>
    protected abstract IReadOnlyList<TFlags> Flags { get; }

    /// <summary>Bytes of a page: a power of two; 4 KiB unless a test says otherwise.</summary>
    protected virtual ulong PageBytes => PageSizes.BaseBytes;

    /// <summary>An empty page table.</summary>
    protected abstract TPageTable CreatePageTable();

    /// <summary>The flags with which the page table holds a page.</summary>
    /// <param name="pageTable">The page table.</param>
    /// <param name="page">A page of <see cref="Range"/>.</param>
    /// <returns>Null if it does not hold it.</returns>
    protected abstract TFlags? Read(TPageTable pageTable, TAddr page);

    /// <summary>Maps, unmaps, protects and maps over, and compares with the model after each step.</summary>
    [Fact]
    public void RandomOperations_AgreeWithANaiveModel() => Steps.Sample(steps => Run(steps), iter: Sequences);

    /// <summary>What is mapped cannot be mapped again, and stays as it is.</summary>
    [Fact]
    public void Map_WhatIsMapped_RefusesAndChangesNothing()
    {
        TPageTable table = CreatePageTable();
        Assert.True(Backend.Map(At(1), 2 * PageBytes, Flags[0], table));
        Assert.False(Backend.Map(At(0), 4 * PageBytes, Flags[1], table));
        Assert.Equal([null, Flags[0], Flags[0], null], Enumerable.Range(0, 4).Select(page => Read(table, At(page))));
    }

    /// <summary>What is not mapped can be neither unmapped nor protected, and what is beside it stays as it is.</summary>
    [Fact]
    public void UnmapAndProtect_WithAHole_RefuseAndChangeNothing()
    {
        TPageTable table = CreatePageTable();
        Assert.True(Backend.Map(At(0), 2 * PageBytes, Flags[0], table));
        Assert.False(Backend.Unmap(At(0), 3 * PageBytes, table));
        Assert.False(Backend.Protect(At(0), 3 * PageBytes, Flags[1], table));
        Assert.Equal([Flags[0], Flags[0], null], Enumerable.Range(0, 3).Select(page => Read(table, At(page))));
    }

    private void Run((int Kind, int Page, int Pages, int Flags)[] steps)
    {
        int count = (int)(Range.Size / PageBytes);
        TFlags?[] model = new TFlags?[count];
        TPageTable table = CreatePageTable();
        MemorySet<TAddr, TFlags, TPageTable, IMappingBackend<TAddr, TFlags, TPageTable>> set = new(new() { Granule = PageBytes });
        foreach ((int kind, int page, int length, int flag) in steps)
        {
            int first = page % count;
            int pages = Math.Min(length, count - first);
            TFlags flags = Flags[flag % Flags.Count];
            Span<TFlags?> range = model.AsSpan(first, pages);
            ulong bytes = (ulong)pages * PageBytes;
            bool done = kind switch
            {
                0 => set.TryMap(new(At(first), bytes, flags, Backend), table, out _),
                1 => set.TryMapOver(new(At(first), bytes, flags, Backend), table, out _),
                2 => set.TryUnmap(At(first), bytes, table, out _),
                _ => set.TryProtect(At(first), bytes, _ => flags, table, out _),
            };
            Assert.Equal(kind != 0 || !Touches(range), done);
            if (done)
            {
                Follow(range, kind, flags);
            }

            set.Verify();
            Assert.Equal(model, Enumerable.Range(0, count).Select(number => Read(table, At(number))));
        }
    }

    private static bool Touches(ReadOnlySpan<TFlags?> pages)
    {
        foreach (TFlags? page in pages)
        {
            if (page is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What a step that was done leaves; protecting leaves holes alone.</summary>
    private static void Follow(Span<TFlags?> pages, int kind, TFlags flags)
    {
        foreach (ref TFlags? page in pages)
        {
            page = kind == 2 || (kind == 3 && page is null) ? null : flags;
        }
    }

    private TAddr At(int page) => TAddr.FromValue(Range.Start.Value + ((ulong)page * PageBytes));
}
