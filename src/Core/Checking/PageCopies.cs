using VmSim.Core.Paging;

namespace VmSim.Core.Checking;

/// <summary>
/// A copy of a page table, page by page: the 4 KiB frame and the rights of each. Chunks of 512 neighbours stand in flat arrays of 4 KiB,
/// found by a hash of their number and, for ranges, by a sorted list.
/// </summary>
internal sealed class PageCopies
{
    private const int ChunkShift = 9;
    private const int ChunkPages = 1 << ChunkShift;
    private readonly List<ulong> _numbers = [];

    /// <summary>Open-addressed; a power of two of slots, at most half of them used.</summary>
    private (ulong Number, ulong[]? Pages)[] _slots = new (ulong, ulong[]?)[64];

    /// <summary>The copy of a page; none if it is not known.</summary>
    public PageCopy this[ulong page]
    {
        get => new(_slots[SlotOf(page >> ChunkShift)].Pages is { } pages ? pages[page & (ChunkPages - 1)] : 0);
        set => (_slots[SlotOf(page >> ChunkShift)].Pages ?? Add(page >> ChunkShift))[page & (ChunkPages - 1)] = value.Word;
    }

    /// <summary>The first page that is known in a range.</summary>
    /// <param name="first">First page of the range.</param>
    /// <param name="end">The page after the last one.</param>
    /// <param name="known">The page.</param>
    /// <returns>False if there is none.</returns>
    public bool TryFirst(ulong first, ulong end, out ulong known)
    {
        known = first;
        if (first >= end)
        {
            return false;
        }

        int at = _numbers.BinarySearch(first >> ChunkShift);
        for (at = at < 0 ? ~at : at; at < _numbers.Count && _numbers[at] << ChunkShift < end; at++)
        {
            ulong chunk = _numbers[at] << ChunkShift;
            ulong from = Math.Max(first, chunk);
            int length = (int)(Math.Min(end, chunk + ChunkPages) - from);
            int found = _slots[SlotOf(_numbers[at])].Pages.AsSpan((int)(from - chunk), length).IndexOfAnyExcept(0UL);
            if (found >= 0)
            {
                known = from + (ulong)found;
                return true;
            }
        }

        return false;
    }

    private int SlotOf(ulong number)
    {
        int mask = _slots.Length - 1;
        int slot = (int)((number * 0x9E3779B97F4A7C15) >> 32) & mask;
        while (_slots[slot].Pages is not null && _slots[slot].Number != number)
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private ulong[] Add(ulong number)
    {
        _numbers.Insert(~_numbers.BinarySearch(number), number);
        if (2 * _numbers.Count > _slots.Length)
        {
            (ulong Number, ulong[]? Pages)[] old = _slots;
            _slots = new (ulong, ulong[]?)[2 * old.Length];
            foreach ((ulong Number, ulong[]? Pages) slot in old)
            {
                if (slot.Pages is not null)
                {
                    _slots[SlotOf(slot.Number)] = slot;
                }
            }
        }

        ulong[] pages = new ulong[ChunkPages];
        _slots[SlotOf(number)] = (number, pages);
        return pages;
    }
}

/// <summary>
/// Frame and rights of a page as one word: the frame's number from bit 4, bit 3 set, rights below. It is 0 for a page that is not known.
/// </summary>
/// <param name="Word">The word.</param>
internal readonly record struct PageCopy(ulong Word)
{
    private const PageFlags AllRights = PageFlags.Read | PageFlags.Write | PageFlags.Execute;
    private const int FrameShift = 4;
    private const ulong IsKnown = 1 << 3;

    public PageCopy(ulong frame, PageFlags flags)
        : this((frame << FrameShift) | IsKnown | (ulong)(flags & AllRights))
    {
    }

    /// <summary>Whether the page is known.</summary>
    public bool Known => Word != 0;

    /// <summary>The 4 KiB frame.</summary>
    public ulong Frame => Word >> FrameShift;

    /// <summary>Read, write and execute, as the page table gave them.</summary>
    public PageFlags Rights => (PageFlags)Word & AllRights;

    /// <summary>Whether it leads to a frame with a right.</summary>
    public bool Gives(ulong frame, PageFlags needed) => Known && Frame == frame && (Rights & needed) == needed;
}
