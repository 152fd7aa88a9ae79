using CsCheck;
using VmSim.Core.Memory;

namespace VmSim.Core.Tests.Memory;

/// <summary>A set of pages against a set of numbers.</summary>
public sealed class PageRangesTests
{
    private const int Pages = 40;

    [Fact]
    public void Changes_AnyOrder_AreThoseOfASetOfNumbers() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, Pages - 1], Gen.Int[1, 12], Gen.Int[0, Pages]).Array[1, 30].Sample(changes =>
        {
            PageRanges ranges = new();
            SortedSet<ulong> model = [];
            foreach ((int kind, int first, int count, int shift) in changes)
            {
                List<ulong> pages = [.. Enumerable.Range(first, count).Select(page => (ulong)page)];
                Apply(ranges, model, kind, pages, (ulong)(Pages + shift));
                Assert.Equal(model, Listed(ranges));
                Assert.Equal(model.Count == 0, ranges.IsEmpty);
                Assert.Equal(pages.Exists(model.Contains), ranges.Overlaps((ulong)first, (ulong)count));
                Assert.All(pages, page => Assert.Equal(model.Contains(page), ranges.Contains(page)));
            }
        }, iter: 500);

    private static void Apply(PageRanges ranges, SortedSet<ulong> model, int kind, List<ulong> pages, ulong distance)
    {
        ulong count = (ulong)pages.Count;
        switch (kind)
        {
            case 0:
                ranges.Add(pages[0], count);
                model.UnionWith(pages);
                break;
            case 1:
                ranges.Remove(pages[0], count);
                model.ExceptWith(pages);
                break;
            default:
                List<ulong> moved = [.. pages.Where(model.Contains).Select(page => page + distance)];
                ranges.Move(pages[0], pages[0] + distance, count);
                model.ExceptWith(pages);
                model.UnionWith(moved);
                break;
        }
    }

    private static IEnumerable<ulong> Listed(PageRanges ranges)
    {
        (ulong First, ulong Last)? before = null;
        foreach ((ulong First, ulong Last) range in ranges.In(0, 1000))
        {
            Assert.True(before is null || before.Value.Last + 1 < range.First, "ranges meet");
            before = range;
            for (ulong page = range.First; page <= range.Last; page++)
            {
                yield return page;
            }
        }
    }
}
