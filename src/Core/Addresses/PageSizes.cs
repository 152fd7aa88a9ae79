namespace VmSim.Core.Addresses;

/// <summary>A size of page that page tables and TLBs know. The value is the binary logarithm of the bytes.</summary>
public enum PageSize : byte
{
    /// <summary>4 KiB, the base page of every format.</summary>
    Size4K = 12,

    /// <summary>2 MiB, one level up.</summary>
    Size2M = 21,

    /// <summary>1 GiB, two levels up.</summary>
    Size1G = 30,

    /// <summary>512 GiB, three levels up (RISC-V Sv48 and Sv57).</summary>
    Size512G = 39,
}

/// <summary>Arithmetic on page sizes.</summary>
public static class PageSizes
{
    /// <summary>Binary logarithm of the base page, 4 KiB.</summary>
    public const int BaseShift = 12;

    /// <summary>Bytes of the base page, 4 KiB.</summary>
    public const ulong BaseBytes = 1UL << BaseShift;

    /// <summary>Bytes of one page.</summary>
    public static ulong Bytes(this PageSize size) => 1UL << (int)size;

    /// <summary>4 KiB pages in one page.</summary>
    public static ulong BasePages(this PageSize size) => 1UL << ((int)size - BaseShift);
}
