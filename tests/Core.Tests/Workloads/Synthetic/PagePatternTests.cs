using CsCheck;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Tests.Workloads.Synthetic;

public class PagePatternTests
{
    // FNV-style hash of the first 200,000 page numbers over 100,000 pages (sparse: 2^18) with seed 7, from an independent program
    [Theory]
    [InlineData("sequential", 0x10c9c9dc8600e4a5)]
    [InlineData("sequential-pages", 0xcb4a789bddc2de65)]
    [InlineData("strided", 0x4dd6857af331dae5)]
    [InlineData("uniform", 0xf5daf31e38d07d31)]
    [InlineData("zipf", 0x8b428ebc769c22bc)]
    [InlineData("zipf-packed", 0xa7c17371bb147f2c)]
    [InlineData("sparse", 0xcb8dc2e988607431)]
    [InlineData("hot-cold", 0xac765081909186f6)]
    [InlineData("phases", 0x22c2b8f8d31f3ded)]
    public void Fill_KnownPattern_GivesTheReferenceStream(string name, ulong expected)
    {
        PagePattern pattern = PagePatterns.Create(name, name == "sparse" ? 1UL << 18 : 100_000, 7, 33);
        ulong[] block = new ulong[1000];
        ulong hash = 0xCBF29CE484222325;
        for (int done = 0; done < 200_000; done += block.Length)
        {
            pattern.Fill(block);
            hash = block.Aggregate(hash, (current, page) => (current ^ page) * 0x100000001B3);
        }

        Assert.Equal(expected, hash);
    }

    [Fact]
    public void Fill_PointerChase_VisitsEveryPageOnceARound() =>
        Gen.Select(Gen.Int[1, 3000], Gen.ULong).Sample((pages, seed) =>
        {
            PagePattern pattern = PagePatterns.Create("pointer-chase", (ulong)pages, seed, 1);
            ulong[] block = new ulong[pages];
            pattern.Fill(block);
            ulong[] again = new ulong[pages];
            pattern.Fill(again);
            return block.Distinct().Count() == pages && block.Max() == (ulong)pages - 1 && block.SequenceEqual(again);
        }, iter: 200);

    [Fact]
    public void Fill_AnyPatternAndBlockSize_GivesTheSamePagesBelowTheLimit()
    {
        foreach (string name in PagePatterns.All.Names)
        {
            PagePattern one = PagePatterns.Create(name, 500, 3, 7);
            PagePattern other = PagePatterns.Create(name, 500, 3, 7);
            ulong[] whole = new ulong[999];
            one.Fill(whole);
            ulong[] pieces = new ulong[999];
            for (int done = 0; done < 999; done += 111)
            {
                other.Fill(pieces.AsSpan(done, 111));
            }

            Assert.Equal(whole, pieces);
            Assert.All(whole, page => Assert.True(page < (name == "sparse" ? PagePattern.SparsePages : 500)));
        }
    }
}
