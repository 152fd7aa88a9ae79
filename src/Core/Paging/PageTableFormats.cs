using VmSim.Core.Addresses;
using VmSim.Core.Paging.Formats;
using VmSim.Core.Settings;

namespace VmSim.Core.Paging;

/// <summary>The page-table formats by name. A new format is one class and one line here.</summary>
public static class PageTableFormats
{
    /// <summary>x86-64, 4 levels, 48-bit addresses.</summary>
    public static PageTableFormat X64 { get; } = new X64Format("x86-64", 4);

    /// <summary>x86-64, 5 levels (LA57), 57-bit addresses.</summary>
    public static PageTableFormat X64FiveLevel { get; } = new X64Format("x86-64-la57", 5);

    /// <summary>AArch64, 4 KiB granule, 48-bit addresses.</summary>
    public static PageTableFormat AArch64 { get; } = new AArch64Format();

    /// <summary>RISC-V, 3 levels, 39-bit addresses.</summary>
    public static PageTableFormat RiscVSv39 { get; } = new RiscVFormat("riscv-sv39", 3, PageSize.Size1G);

    /// <summary>RISC-V, 4 levels, 48-bit addresses.</summary>
    public static PageTableFormat RiscVSv48 { get; } = new RiscVFormat("riscv-sv48", 4, PageSize.Size512G);

    /// <summary>RISC-V, 5 levels, 57-bit addresses. Pages of 256 TiB are left out: no physical memory holds one.</summary>
    public static PageTableFormat RiscVSv57 { get; } = new RiscVFormat("riscv-sv57", 5, PageSize.Size512G);

    /// <summary>LoongArch64, 4 KiB pages, 48-bit addresses.</summary>
    public static PageTableFormat LoongArch64 { get; } = new LoongArch64Format();

    /// <summary>Every format, in the order in which lists show them.</summary>
    public static Registry<PageTableFormat> All { get; } = new(
        "page-table format",
        [
            X64,
            X64FiveLevel,
            AArch64,
            RiscVSv39,
            RiscVSv48,
            RiscVSv57,
            LoongArch64,
        ],
        PlugInRule<PageTableFormat>.Objects);
}
