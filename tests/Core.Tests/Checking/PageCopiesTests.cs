using VmSim.Core.Checking;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Checking;

public sealed class PageCopiesTests
{
    [Theory]
    [InlineData(1, 3_000UL)]
    [InlineData(2, 100_000UL)]
    [InlineData(3, 1UL << 35)]
    public void Set_AtRandom_AgreesWithASortedDictionary(int seed, ulong span)
    {
        Random random = new(seed);
        PageCopies copies = new();
        SortedDictionary<ulong, PageCopy> judge = [];
        for (int i = 0; i < 5_000; i++)
        {
            ulong page = (ulong)random.NextInt64((long)span);
            if (random.Next(3) == 0)
            {
                page = judge.Count == 0 ? page : judge.Keys.ElementAt(random.Next(judge.Count));
                judge.Remove(page);
                copies[page] = default;
            }
            else
            {
                judge[page] = copies[page] = new PageCopy((ulong)random.NextInt64(1L << 40), (PageFlags)random.Next(512));
            }

            ulong first = (ulong)random.NextInt64((long)span);
            ulong end = first + (ulong)random.NextInt64((long)span);
            ulong[] expected = [.. judge.Keys.SkipWhile(key => key < first).TakeWhile(key => key < end).Take(1)];
            Assert.Equal(expected.Length == 1, copies.TryFirst(first, end, out ulong known));
            Assert.Equal(expected.Length == 1 ? expected[0] : known, known);
        }

        Assert.All(judge, pair => Assert.Equal(pair.Value, copies[pair.Key]));
        Assert.False(copies.TryFirst(5, 5, out _));
    }

    [Fact]
    public void PageCopy_GivesTheRightsItWasMadeWith()
    {
        PageCopy copy = new(0x1234, PageFlags.Read | PageFlags.Execute | PageFlags.User | PageFlags.Dirty);
        Assert.Equal(0x1234UL, copy.Frame);
        Assert.Equal(PageFlags.Read | PageFlags.Execute, copy.Rights);
        Assert.True(copy.Gives(0x1234, PageFlags.Execute));
        Assert.False(copy.Gives(0x1234, PageFlags.Write));
        Assert.False(copy.Gives(0x1235, PageFlags.Read));
        Assert.True(new PageCopy(0, PageFlags.None).Known);
        Assert.False(default(PageCopy).Known);
    }
}
