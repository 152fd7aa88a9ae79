using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Mmu;

public sealed class LeafReaderTests
{
    public static TheoryData<string> Formats => [.. PageTableFormats.All.Names];

    /// <summary>Many leaves from one reader against walks from the root, over tables that change in between.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void TryRead_AnyLeaf_IsTheWalksAnswer(string format) =>
        Gen.Select(Gen.Int[0, 63].Array[0, 60], Gen.Int[0, 3].Array[60], Gen.Int[0, 80].Array[1, 80]).Sample(
            (mapped, kinds, asked) =>
            {
                using PageTable table = new(PageTableFormats.All.Require(format, "format"));
                LeafReader reader = new();
                for (int i = 0; i < mapped.Length; i++)
                {
                    PageFlags flags = PageFlags.Read | PageFlags.User | PageFlags.Accessed
                        | (kinds[i] % 2 == 0 ? PageFlags.Write | PageFlags.Dirty : PageFlags.None);
                    table.Map(AddressOf(mapped[i]), PhysAddr.OfPage((ulong)i + 9), PageSize.Size4K, flags);
                    if (i % 16 == 0)
                    {
                        Compare(reader, table, asked);
                    }
                }

                table.Map(AddressOf(80), PhysAddr.OfPage(512), PageSize.Size2M, PageFlags.Read | PageFlags.User | PageFlags.Accessed);
                Compare(reader, table, asked);
            },
            iter: 40);

    private static void Compare(LeafReader reader, PageTable table, int[] asked)
    {
        reader.Begin(table, long.MaxValue);
        foreach (int page in asked)
        {
            for (int level = 0; level < 2; level++)
            {
                bool found = reader.TryRead(AddressOf(page).Value, level, out ulong data);
                Assert.Equal(CoreMmu.Lookup(table, AddressOf(page).Value, level, long.MaxValue, out ulong expected), found);
                Assert.Equal(found ? expected : 0, found ? data : 0);
            }
        }
    }

    /// <summary>Pages near each other, in neighbouring tables, and in tables that share a place of the memo; the 80th is large.</summary>
    private static VirtAddr AddressOf(int page) => new(page == 80
        ? 7UL << 21
        : ((ulong)(page % 3) << 21) + ((ulong)(page % 2) << 27) + ((ulong)page << PageSizes.BaseShift));
}
