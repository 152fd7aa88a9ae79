using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>The table pages of a range against the pages that were mapped.</summary>
public sealed class ListTablesTests
{
    public static TheoryData<string, int> Draws
    {
        get
        {
            TheoryData<string, int> draws = [];
            foreach (PageTableFormat format in PageTableFormats.All)
            {
                for (int seed = 1; seed <= 4; seed++)
                {
                    draws.Add(format.Name, seed);
                }
            }

            return draws;
        }
    }

    [Theory]
    [MemberData(nameof(Draws))]
    public void ListTables_AnyRange_GivesThoseOfMappedPages(string name, int seed)
    {
        PageTableFormat format = PageTableFormats.All.Find(name)!;
        Random random = new(seed);
        using PageTable table = new(format);
        SortedSet<ulong> mapped = [];
        for (int i = 0; i < 200; i++)
        {
            ulong page = (ulong)random.NextInt64(1L << random.Next(8, format.RangeBits - PageSizes.BaseShift));
            if (mapped.Add(page))
            {
                table.Map(VirtAddr.OfPage(page), new PhysAddr((ulong)i << PageSizes.BaseShift), PageSize.Size4K, PageFlags.Read);
            }
        }

        for (int i = 0; i < 100; i++)
        {
            ulong first = mapped.ElementAt(random.Next(mapped.Count));
            ulong last = mapped.ElementAt(random.Next(mapped.Count));
            (first, last) = first <= last ? (first, last) : (last, first);
            List<ulong> listed = [];
            table.ListTables(VirtAddr.OfPage(first), VirtAddr.OfPage(last + 1), listed);
            IEnumerable<ulong> expected = mapped.Where(page => page >= first && page <= last).Select(page => page / 512).Distinct();
            Assert.True(expected.SequenceEqual(listed), $"{name}, seed {seed}, pages {first} to {last}");
        }
    }
}
