using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Testing;

/// <summary>What every page-table format must keep, so that tables, walks and undo work on its entries.</summary>
public abstract class PageTableFormatContract : Contract<PageTableFormat>
{
    private static readonly Gen<PageFlags> AnyFlags = Gen.Int[0, 511].Select(bits => (PageFlags)bits);

    /// <summary>A leaf gives back frame and flags, of each size.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void EncodeLeaf_AnyFrameAndFlags_ComesBack(string name)
    {
        PageTableFormat format = Subject(name);
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

    /// <summary>An encoding may add reading to writing, and keeps everything else.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void Effective_AnyFlags_KeepsWhatSoftwareReliesOn(string name)
    {
        PageTableFormat format = Subject(name);
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

    /// <summary>An entry that leads to a table gives back its page, and is no leaf.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void EncodeTable_AnyTablePage_ComesBack(string name)
    {
        PageTableFormat format = Subject(name);
        Gen.Select(Gen.Int[1, int.MaxValue], Gen.Int[1, format.Levels - 1]).Sample((page, level) =>
        {
            ulong entry = format.EncodeTable(page);
            Assert.True(format.IsPresent(entry));
            Assert.False(format.IsLeaf(entry, level));
            Assert.Equal(page, format.ChildTable(entry));
        });
    }

    /// <summary>Tables begin as zeros.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void Empty_EntryOfZero_IsNotPresent(string name) => Assert.False(Subject(name).IsPresent(0));

    /// <summary>Entries of neighbouring frames differ by what the layout says.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void AddressBits_OfTheNextFrame_StepEvenly(string name)
    {
        PageTableFormat format = Subject(name);
        for (int level = 0; level <= format.LargestLeafLevel; level++)
        {
            ulong bytes = PageTableFormat.SizeOf(level).Bytes();
            ulong first = format.EncodeLeaf(new PhysAddr(4 * bytes), PageFlags.Read | PageFlags.User, level);
            ulong next = format.EncodeLeaf(new PhysAddr(5 * bytes), PageFlags.Read | PageFlags.User, level);
            Assert.Equal(format.Layout.AddressBits(bytes), next - first);
        }
    }

    /// <summary>Leaves are of 4 KiB, then 512 times as large at each level.</summary>
    /// <param name="name">Its name.</param>
    [Theory]
    [Subjects]
    public void LeafSizes_OfEveryFormat_StepByNineBits(string name)
    {
        PageTableFormat format = Subject(name);
        Assert.Equal(PageSize.Size4K, format.LeafSizes[0]);
        Assert.Equal(format.LargestLeafLevel + 1, format.LeafSizes.Count);
        for (int level = 0; level < format.LeafSizes.Count; level++)
        {
            Assert.Equal(level, PageTableFormat.LevelOf(format.LeafSizes[level]));
            Assert.Equal((int)format.LeafSizes[level], PageTableFormat.LevelShift(level));
        }
    }
}
