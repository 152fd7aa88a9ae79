using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>Hears of every leaf that a range operation takes away, in address order. It must not change the page table.</summary>
public interface IUnmapVisitor
{
    /// <summary>Is told of a leaf before its entry is cleared.</summary>
    /// <param name="address">The first byte of its virtual page.</param>
    /// <param name="entry">What it was; <see cref="EntryInfo.Present"/> says whether hardware may have cached it.</param>
    void OnUnmapped(VirtAddr address, in EntryInfo entry);
}

/// <summary>Decides the new flags of every leaf of a range, in address order. It must not change the page table.</summary>
public interface IProtectVisitor
{
    /// <summary>The flags a leaf shall have; the old ones to leave it alone.</summary>
    /// <param name="address">The first byte of its virtual page.</param>
    /// <param name="entry">What it is.</param>
    PageFlags OnProtect(VirtAddr address, in EntryInfo entry);
}

/// <summary>Gives frames for the empty 4 KiB pages of a range, in address order. It must not change the page table.</summary>
public interface IMapSource
{
    /// <summary>The frame for a page; false leaves the page empty.</summary>
    /// <param name="address">The first byte of the virtual page.</param>
    /// <param name="frame">The frame's first byte.</param>
    /// <param name="flags">What the entry shall allow.</param>
    bool TryGetFrame(VirtAddr address, out PhysAddr frame, out PageFlags flags);
}

/// <summary>Which tables an unmap of a range frees when they are empty.</summary>
public readonly record struct TableFreeing
{
    private TableFreeing(ulong first, ulong last)
    {
        First = first;
        Last = last;
    }

    /// <summary>Every table of the range that is empty; the root always stays.</summary>
    public static TableFreeing WhenEmpty => new(0, ulong.MaxValue);

    /// <summary>None: the tables stay for pages to come, as when a kernel drops an area's pages but keeps the area.</summary>
    public static TableFreeing Never => new(1, 0);

    internal ulong First { get; }

    internal ulong Last { get; }

    /// <summary>
    /// Empty tables whose whole span lies in <paramref name="range"/>: from the end of the area below to the start of the area above. Linux
    /// frees the same (free_pgd_range, floor and ceiling).
    /// </summary>
    /// <param name="range">The range.</param>
    public static TableFreeing Within(AddrRange<VirtAddr> range) => new(range.Start.Value, range.Last.Value);

    internal bool Allows(ulong first, ulong last) => First <= first && last <= Last;
}
