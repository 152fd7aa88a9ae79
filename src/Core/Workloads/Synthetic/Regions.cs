using VmSim.Core.Addresses;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>Where synthetic programs put their memory: from 0x7F0000000000 up when it fits there, else from 0x100000000000.</summary>
public static class Regions
{
    /// <summary>The usual first address.</summary>
    public const ulong Base = 0x7F00_0000_0000;

    private const ulong WideBase = 0x1000_0000_0000;
    private const ulong End = 0x7FFF_FFFF_F000;

    /// <summary>
    /// The start of one of <paramref name="count"/> regions of <paramref name="pages"/> pages each, 2 MiB apart at least.
    /// </summary>
    /// <exception cref="ArgumentException">They do not fit in the user half of a 48-bit address space.</exception>
    public static ulong Start(int index, int count, ulong pages)
    {
        UInt128 each = (((UInt128)pages * PageSizes.BaseBytes) + 0x1F_FFFF) & ~(UInt128)0x1F_FFFF;
        UInt128 all = each * (uint)count;
        if (all > End - WideBase)
        {
            throw new ArgumentException(
                $"{count} regions of {pages} pages do not fit in an address space of 47 bits; take fewer threads or pages", nameof(pages));
        }

        ulong start = all <= End - Base ? Base : WideBase;
        return start + ((ulong)each * (ulong)index);
    }
}
