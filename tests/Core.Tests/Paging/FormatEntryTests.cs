using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>Entries against values worked out by hand from the architecture manuals.</summary>
public sealed class FormatEntryTests
{
    private const PageFlags UserData = PageFlags.Read | PageFlags.Write | PageFlags.User;
    private const PageFlags UserText = PageFlags.Read | PageFlags.Execute | PageFlags.User;
    private const PageFlags KernelData = PageFlags.Read | PageFlags.Write | PageFlags.Global;
    private const PageFlags Used = PageFlags.Accessed | PageFlags.Dirty;

    /// <summary>
    /// Intel SDM volume 3A, section 4.5, table 4-20 (page-table entry that maps a 4-KByte page): P 0, R/W 1, U/S 2, PWT 3, PCD 4, A 5, D 6,
    /// G 8, address M-1:12, XD 63; tables 4-16 and 4-18 (1-GByte and 2-MByte pages): PS 7. Section 11.12.4, table 11-12: at reset, PAT
    /// entry 2 (PCD) is UC- and entry 3 (PCD, PWT) is UC.
    /// </summary>
    [Theory]
    [InlineData(0x1234_5000, UserData | Used, 0, 0x8000_0000_1234_5067)]
    [InlineData(0x1234_5000, UserData, 0, 0x8000_0000_1234_5007)]
    [InlineData(0x1234_5000, UserText | PageFlags.Accessed, 0, 0x0000_0000_1234_5025)]
    [InlineData(0x1234_5000, KernelData | Used, 0, 0x8000_0000_1234_5163)]
    [InlineData(0x1234_5000, PageFlags.Read, 0, 0x8000_0000_1234_5001)]
    [InlineData(0x1234_5000, UserData | PageFlags.Device, 0, 0x8000_0000_1234_501F)]
    [InlineData(0x1234_5000, UserData | PageFlags.Uncached, 0, 0x8000_0000_1234_5017)]
    [InlineData(0xF_FFFF_FFFF_F000, UserText, 0, 0x000F_FFFF_FFFF_F005)]
    [InlineData(0x4020_0000, UserData | Used, 1, 0x8000_0000_4020_00E7)]
    [InlineData(0x8000_0000, UserData | Used | PageFlags.Global, 2, 0x8000_0000_8000_01E7)]
    public void EncodeLeaf_OfX64_MatchesManual(ulong frame, PageFlags flags, int level, ulong expected)
    {
        Assert.Equal(expected, PageTableFormats.X64.EncodeLeaf(new PhysAddr(frame), flags, level));
        Assert.Equal(expected, PageTableFormats.X64FiveLevel.EncodeLeaf(new PhysAddr(frame), flags, level));
    }

    /// <summary>
    /// Arm DDI 0487, sections D8.3.1.1 (table descriptor 0b11 in bits 1:0), D8.3.1.2 (block 0b01, page 0b11) and D8.3.2 (AttrIndx 4:2, AP
    /// 7:6, SH 9:8, AF 10, nG 11, DBM 51, PXN 53, UXN 54); AP[1] allows EL0, AP[2] forbids stores (D8.4.1); DBM with AP[2] is writable and
    /// clean (D8.5.3).
    /// </summary>
    [Theory]
    [InlineData(0x1234_5000, UserData | Used, 0, 0x0068_0000_1234_5F43)]
    [InlineData(0x1234_5000, UserData | PageFlags.Accessed, 0, 0x0068_0000_1234_5FC3)]
    [InlineData(0x1234_5000, UserData, 0, 0x0068_0000_1234_5BC3)]
    [InlineData(0x1234_5000, UserText | PageFlags.Accessed, 0, 0x0020_0000_1234_5FC3)]
    [InlineData(0x1234_5000, PageFlags.User | PageFlags.Execute | PageFlags.Accessed, 0, 0x0020_0000_1234_5F83)]
    [InlineData(0x1234_5000, KernelData | Used, 0, 0x0068_0000_1234_5703)]
    [InlineData(0x1234_5000, KernelData | Used | PageFlags.Device, 0, 0x0068_0000_1234_5713)]
    [InlineData(0x1234_5000, KernelData | Used | PageFlags.Uncached, 0, 0x0068_0000_1234_570B)]
    [InlineData(0x1234_5000, PageFlags.Read | PageFlags.Execute | PageFlags.Global | PageFlags.Accessed, 0, 0x0040_0000_1234_5783)]
    [InlineData(0x4020_0000, UserData | Used, 1, 0x0068_0000_4020_0F41)]
    [InlineData(0x8000_0000, UserData | Used, 2, 0x0068_0000_8000_0F41)]
    [InlineData(0xFFFF_FFFF_F000, UserData | Used, 0, 0x0068_FFFF_FFFF_FF43)]
    public void EncodeLeaf_OfAArch64_MatchesManual(ulong frame, PageFlags flags, int level, ulong expected)
        => Assert.Equal(expected, PageTableFormats.AArch64.EncodeLeaf(new PhysAddr(frame), flags, level));

    /// <summary>
    /// RISC-V Privileged Architecture 20211203, section 4.4.1, figure 4.21 (Sv39 page-table entry: V 0, R 1, W 2, X 3, U 4, G 5, A 6, D 7,
    /// PPN 53:10), sections 4.5.1 and 4.6.1 (the same bits in Sv48 and Sv57); chapter 6, table 6.1 (PBMT 62:61: NC 1, IO 2).
    /// </summary>
    [Theory]
    [InlineData(0x1234_5000, UserData | Used, 0, 0x048D_14D7)]
    [InlineData(0x1234_5000, UserText | PageFlags.Accessed, 0, 0x048D_145B)]
    [InlineData(0x1234_5000, PageFlags.User | PageFlags.Execute, 0, 0x048D_1419)]
    [InlineData(0x1234_5000, KernelData | Used, 0, 0x048D_14E7)]
    [InlineData(0x1234_5000, UserData | Used | PageFlags.Uncached, 0, 0x2000_0000_048D_14D7)]
    [InlineData(0x1234_5000, KernelData | Used | PageFlags.Device, 0, 0x4000_0000_048D_14E7)]
    [InlineData(0x4020_0000, UserData | Used, 1, 0x1008_00D7)]
    [InlineData(0x8000_0000, UserData | Used, 2, 0x2000_00D7)]
    [InlineData(0xFF_FFFF_FFFF_F000, UserData | Used, 0, 0x003F_FFFF_FFFF_FCD7)]
    public void EncodeLeaf_OfRiscV_MatchesManual(ulong frame, PageFlags flags, int level, ulong expected)
    {
        Assert.Equal(expected, PageTableFormats.RiscVSv39.EncodeLeaf(new PhysAddr(frame), flags, level));
        Assert.Equal(expected, PageTableFormats.RiscVSv48.EncodeLeaf(new PhysAddr(frame), flags, level));
        Assert.Equal(expected, PageTableFormats.RiscVSv57.EncodeLeaf(new PhysAddr(frame), flags, level));
    }

    /// <summary>
    /// LoongArch Reference Manual volume 1, section 5.4.5 (formats of base-page and huge-page entries: V 0, D 1, PLV 3:2, MAT 5:4, G or H
    /// 6, P 7, W 8, G of a huge page 12, NR 61, NX 62), section 5.2 (MAT 0 strongly ordered uncached, 1 coherent cached, 2 weakly ordered
    /// uncached). Bits 9 and 10 are software's: dirty and accessed.
    /// </summary>
    [Theory]
    [InlineData(0x1234_5000, UserData | Used, 0, 0x4000_0000_1234_579F)]
    [InlineData(0x1234_5000, UserData, 0, 0x4000_0000_1234_519D)]
    [InlineData(0x1234_5000, UserText, 0, 0x0000_0000_1234_509D)]
    [InlineData(0x1234_5000, PageFlags.User | PageFlags.Execute, 0, 0x2000_0000_1234_509D)]
    [InlineData(0x1234_5000, KernelData | PageFlags.Dirty, 0, 0x4000_0000_1234_53D3)]
    [InlineData(0x1234_5000, UserData | PageFlags.Uncached, 0, 0x4000_0000_1234_51AD)]
    [InlineData(0x1234_5000, UserData | PageFlags.Device, 0, 0x4000_0000_1234_518D)]
    [InlineData(0x4020_0000, UserData, 1, 0x4000_0000_4020_01DD)]
    [InlineData(0x4020_0000, KernelData, 1, 0x4000_0000_4020_11D1)]
    [InlineData(0x8000_0000, UserText, 2, 0x0000_0000_8000_00DD)]
    public void EncodeLeaf_OfLoongArch64_MatchesManual(ulong frame, PageFlags flags, int level, ulong expected)
        => Assert.Equal(expected, PageTableFormats.LoongArch64.EncodeLeaf(new PhysAddr(frame), flags, level));

    /// <summary>
    /// The manuals above; Intel SDM table 4-17 (P, R/W, U/S, A and, ignored, D as Linux sets it); RISC-V section 4.3.1 (A, D and U of an
    /// entry for a table are reserved, 0); LoongArch section 5.4.5 (nothing but the address).
    /// </summary>
    [Theory]
    [InlineData("x86-64", 0x0012_3067)]
    [InlineData("x86-64-la57", 0x0012_3067)]
    [InlineData("aarch64", 0x0012_3003)]
    [InlineData("riscv-sv39", 0x0004_8C01)]
    [InlineData("riscv-sv48", 0x0004_8C01)]
    [InlineData("riscv-sv57", 0x0004_8C01)]
    [InlineData("loongarch64", 0x0012_3000)]
    public void EncodeTable_OfEveryFormat_MatchesManual(string format, ulong expected)
        => Assert.Equal(expected, PageTableFormats.All.Require(format, "format").EncodeTable(0x123));

    /// <summary>
    /// Levels, address and tag widths: Intel SDM sections 4.5 and 4.10.1 (PCID 12 bits); Arm D8.2 and D8.13.1 (ASID 16 bits); RISC-V
    /// section 4.1.11 (ASIDMAX 16); LoongArch sections 5.4.2 and 7.5.4 (ASID 10 bits). Page sizes as in the sections of each test above.
    /// </summary>
    [Theory]
    [InlineData("x86-64", 4, 48, 12, PageSize.Size1G, true, true)]
    [InlineData("x86-64-la57", 5, 57, 12, PageSize.Size1G, true, true)]
    [InlineData("aarch64", 4, 48, 16, PageSize.Size1G, true, true)]
    [InlineData("riscv-sv39", 3, 39, 16, PageSize.Size1G, false, false)]
    [InlineData("riscv-sv48", 4, 48, 16, PageSize.Size512G, false, false)]
    [InlineData("riscv-sv57", 5, 57, 16, PageSize.Size512G, false, false)]
    [InlineData("loongarch64", 4, 48, 10, PageSize.Size1G, false, false)]
    public void Shape_OfEveryFormat_MatchesManual(
        string name, int levels, int virtualBits, int asidBits, PageSize largest, bool accessed, bool dirty)
    {
        PageTableFormat format = PageTableFormats.All.Require(name, "format");
        Assert.Equal(levels, format.Levels);
        Assert.Equal(virtualBits, format.VirtualBits);
        Assert.Equal(asidBits, format.AsidBits);
        Assert.Equal(largest, format.LeafSizes[^1]);
        Assert.Equal(accessed, format.HardwareSetsAccessed);
        Assert.Equal(dirty, format.HardwareSetsDirty);
    }

    /// <summary>
    /// Intel SDM volume 1, section 3.3.7.1 (canonical addressing); Arm D8.2 (TTBR0 holds addresses with the top bits clear); RISC-V
    /// sections 4.4.1,
    /// 4.5.1 and 4.6.1 (higher bits equal the top translated one); LoongArch section 5.4.2 (likewise, else an address error).
    /// </summary>
    [Theory]
    [InlineData("x86-64", 0x0000_7FFF_FFFF_F000, true)]
    [InlineData("x86-64", 0x0000_8000_0000_0000, false)]
    [InlineData("x86-64", 0xFFFF_8000_0000_0000, true)]
    [InlineData("x86-64", 0xFFFF_7FFF_FFFF_F000, false)]
    [InlineData("x86-64-la57", 0x00FF_FFFF_FFFF_F000, true)]
    [InlineData("x86-64-la57", 0x0100_0000_0000_0000, false)]
    [InlineData("x86-64-la57", 0xFF00_0000_0000_0000, true)]
    [InlineData("aarch64", 0x0000_FFFF_FFFF_F000, true)]
    [InlineData("aarch64", 0x0001_0000_0000_0000, false)]
    [InlineData("aarch64", 0xFFFF_0000_0000_0000, false)]
    [InlineData("riscv-sv39", 0x0000_003F_FFFF_F000, true)]
    [InlineData("riscv-sv39", 0x0000_0040_0000_0000, false)]
    [InlineData("riscv-sv39", 0xFFFF_FFC0_0000_0000, true)]
    [InlineData("riscv-sv48", 0x0000_8000_0000_0000, false)]
    [InlineData("riscv-sv57", 0x00FF_FFFF_FFFF_F000, true)]
    [InlineData("loongarch64", 0x0000_7FFF_FFFF_F000, true)]
    [InlineData("loongarch64", 0x0000_8000_0000_0000, false)]
    [InlineData("loongarch64", 0xFFFF_8000_0000_0000, true)]
    public void IsCanonical_AtTheEdges_MatchesManual(string format, ulong address, bool expected)
        => Assert.Equal(expected, PageTableFormats.All.Require(format, "format").IsCanonical(new VirtAddr(address)));
}
