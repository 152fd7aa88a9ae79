using CsCheck;
using VmSim.Core.Addresses;

namespace VmSim.Core.Tests.Addresses;

public sealed class DeadRangeTests
{
    private static readonly Gen<PageSize> Stride = Gen.Int[0, 2].Select(level => (PageSize)(12 + (9 * level)));

    [Fact]
    public void New_AnyParts_GivesThemBack() =>
        Gen.Select(Stride, Gen.ULong[0, 1UL << 26], Gen.ULong[1, 1UL << 20]).Sample((stride, number, pages) =>
    {
        VirtAddr start = new(number << (int)stride);
        DeadRange range = new(start, pages, stride);
        Assert.Equal((start, pages, stride), (range.Start, range.Pages, range.Stride));
        Assert.Equal(pages * stride.Bytes(), range.Bytes);
        Assert.Equal(range, DeadRange.Between(start, range.End - 1, stride));
        Assert.True(range.Contains(start));
        Assert.True(range.Contains(range.End - 1));
        Assert.False(range.Contains(range.End));
        Assert.False(range.Contains(start - 1));
    });

    [Theory]
    [InlineData(1, 2, false)]
    [InlineData(2, 3, true)]
    [InlineData(3, 9, true)]
    [InlineData(4, 9, false)]
    [InlineData(0, 9, true)]
    public void Overlaps_PagesTwoAndThree_SaysSo(ulong first, ulong end, bool expected) =>
        Assert.Equal(
            expected, new DeadRange(VirtAddr.OfPage(2), 2, PageSize.Size4K).Overlaps(VirtAddr.OfPage(first), VirtAddr.OfPage(end)));

    [Fact]
    public void Default_ContainsNothing()
    {
        Assert.Equal(0UL, default(DeadRange).Bytes);
        Assert.False(default(DeadRange).Contains(default));
    }

    [Fact]
    public void WholeSpace_ContainsEveryAddressOfTheLargestUserSpace() =>
        Assert.True(DeadRange.WholeSpace.Contains(default) && DeadRange.WholeSpace.Contains(new VirtAddr((1UL << 56) - 1)));

    [Fact]
    public void New_BrokenParts_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeadRange(new VirtAddr(0x1000), 1, PageSize.Size2M));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeadRange(default, 1UL << 48, PageSize.Size4K));
    }
}
