using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>What every page-table format must keep; a new format joins by its line in the registry.</summary>
public sealed class PageTableFormatContract
{
    private static readonly Gen<PageFlags> AnyFlags = Gen.Int[0, 511].Select(bits => (PageFlags)bits);

    public static TheoryData<string> Names => new(PageTableFormats.All.Names);

    [Theory]
    [MemberData(nameof(Names))]
    public void EncodeLeaf_AnyFrameAndFlags_ComesBack(string name)
    {
        PageTableFormat format = PageTableFormats.All.Require(name, "format");
        Gen.Select(Gen.ULong[0, (1UL << 36) - 1], AnyFlags, Gen.Int[0, format.LargestLeafLevel]).Sample((page, flags, level) =>
        {
            PhysAddr frame = new((page << PageSizes.BaseShift) & ~(PageTableFormat.SizeOf(level).Bytes() - 1));
            ulong entry = format.EncodeLeaf(frame, flags, level);
            Assert.NotEqual(0UL, entry);
            Assert.True(format.IsLeaf(entry, level));
            Assert.Equal(frame, format.LeafFrame(entry, level));
            Assert.Equal((flags & PageTableFormat.Rights) != PageFlags.None, format.IsPresent(entry));
            PageFlags back = format.LeafFlags(entry, level);
            Assert.Equal(format.Effective(flags), back);
            Assert.Equal(entry, format.EncodeLeaf(frame, back, level));
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Effective_AnyFlags_KeepsWhatSoftwareReliesOn(string name)
    {
        PageTableFormat format = PageTableFormats.All.Require(name, "format");
        AnyFlags.Sample(flags =>
        {
            PageFlags effective = format.Effective(flags);
            const PageFlags Exact =
                PageFlags.Write | PageFlags.Execute | PageFlags.User | PageFlags.Global | PageFlags.Accessed | PageFlags.Dirty;
            Assert.Equal(flags & (Exact & ~PageFlags.User), effective & (Exact & ~PageFlags.User));
            Assert.Equal(flags & PageFlags.User, effective & PageFlags.User);
            Assert.True((flags & PageFlags.Read) == PageFlags.None || (effective & PageFlags.Read) != PageFlags.None);
            PageFlags memory = flags & (PageFlags.Device | PageFlags.Uncached);
            PageFlags expected = (memory & PageFlags.Device) != PageFlags.None ? PageFlags.Device : memory;
            Assert.Equal(expected, effective & (PageFlags.Device | PageFlags.Uncached));
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EncodeTable_AnyTablePage_ComesBack(string name)
    {
        PageTableFormat format = PageTableFormats.All.Require(name, "format");
        Gen.Select(Gen.Int[1, int.MaxValue], Gen.Int[1, format.Levels - 1]).Sample((page, level) =>
        {
            ulong entry = format.EncodeTable(page);
            Assert.True(format.IsPresent(entry));
            Assert.False(format.IsLeaf(entry, level));
            Assert.Equal(page, format.ChildTable(entry));
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Empty_EntryOfZero_IsNotPresent(string name) => Assert.False(PageTableFormats.All.Require(name, "format").IsPresent(0));

    [Theory]
    [MemberData(nameof(Names))]
    public void AddressBits_OfTheNextFrame_StepEvenly(string name)
    {
        PageTableFormat format = PageTableFormats.All.Require(name, "format");
        for (int level = 0; level <= format.LargestLeafLevel; level++)
        {
            ulong bytes = PageTableFormat.SizeOf(level).Bytes();
            ulong first = format.EncodeLeaf(new PhysAddr(4 * bytes), PageFlags.Read | PageFlags.User, level);
            ulong next = format.EncodeLeaf(new PhysAddr(5 * bytes), PageFlags.Read | PageFlags.User, level);
            Assert.Equal(format.Layout.AddressBits(bytes), next - first);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void LeafSizes_OfEveryFormat_StepByNineBits(string name)
    {
        PageTableFormat format = PageTableFormats.All.Require(name, "format");
        Assert.Equal(PageSize.Size4K, format.LeafSizes[0]);
        Assert.Equal(format.LargestLeafLevel + 1, format.LeafSizes.Count);
        for (int level = 0; level < format.LeafSizes.Count; level++)
        {
            Assert.Equal(level, PageTableFormat.LevelOf(format.LeafSizes[level]));
            Assert.Equal((int)format.LeafSizes[level], PageTableFormat.LevelShift(level));
        }
    }
}
