using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>Groups: entries that map several neighbouring 4 KiB pages (<see cref="TlbReaches"/>).</content>
/// <remarks>
/// Groups stand beside the sizes of pages as one more class, <see cref="Group"/>: look-ups come to it after the sizes, once one was put in.
/// A machine without groups never does. An array with runs holds single pages as well, one with pairs holds nothing else of 4 KiB.
/// </remarks>
public sealed unsafe partial class CoreMmu
{
    private const int Group = Sizes;
    private const int Classes = Sizes + 1;
    private const ulong GroupBit = 1UL << 63;

    private int _groupShift;
    private bool _pairs;

    /// <summary>
    /// What a walk for a pair takes longer: a handler reads both entries, one after the other (LDPTE 0 and 1, handle_tlb_refill,
    /// arch/loongarch/mm/tlbex.S), of which the second is in the first one's line.
    /// </summary>
    private readonly int _pairCycles;

    /// <summary>The group that the last walk found: data of its first page and, of a pair, of the odd one.</summary>
    private ulong _firstOfGroup;

    private ulong _oddOfGroup;

    private ulong GroupMask => (1UL << _groupShift) - 1;

    /// <summary>Whether a key stands for a group in an array whose groups have so many pages, as a power of two.</summary>
    internal static bool IsGroup(ulong key, int groupShift) => groupShift != 0 && (key & GroupBit) != 0;

    /// <summary>The key of one page of a group.</summary>
    internal static ulong KeyInGroup(ulong key, int groupShift, ulong index) =>
        KeyOf((((key & ~GroupBit) >> PageShift) << groupShift) | index, key & TagMask, 0);

    private static ulong GroupKey(ulong group, ulong tag) => KeyOf(group, tag, 0) | GroupBit;

    /// <summary>Notes which arrays of a level hold groups; one with pairs holds no single pages.</summary>
    private void SetGroups(Tlb?[] places, Tlb? data, Tlb? instruction)
    {
        foreach ((Tlb? array, int from) in (ReadOnlySpan<(Tlb?, int)>)[(data, 0), (instruction, Classes)])
        {
            if (array is { GroupShift: > 0 })
            {
                _groupShift = array.GroupShift;
                _pairs = _groupShift == 1;
                places[from + Group] = array;
                places[from] = _pairs ? null : array;
            }
        }
    }

    /// <summary>How far an address is shifted for the number of its page or group.</summary>
    private int ShiftOfClass(int size) => size == Group ? PageSizes.BaseShift + _groupShift : ShiftOf(size);

    private static ulong KeyOfClass(ulong page, ulong tag, int size) => size == Group ? GroupKey(page, tag) : KeyOf(page, tag, size);

    private bool FindGroup(Tlb tlb, ulong address, out ulong key, out ulong data)
    {
        ulong page = address >> PageSizes.BaseShift;
        ulong group = page >> _groupShift;
        key = GroupKey(group, _tag);
        ulong* found = tlb.Find(key, group);
        if (found == null && _globals)
        {
            key = GroupKey(group, GlobalTag);
            found = tlb.Find(key, group);
        }

        data = found == null ? 0 : tlb.DataOf(found, page & GroupMask);
        return found != null;
    }

    /// <summary>A second level has hit a group: the first level gets it too, or the page alone if it holds no groups.</summary>
    private void FillFirstOfGroup(AccessKind kind, ulong address, ulong key, ulong data)
    {
        ulong page = address >> PageSizes.BaseShift;
        if (FirstOf(kind, Group) is not { } first)
        {
            FillFirst4K(kind, KeyOf(page, key & TagMask, 0), page, data);
            return;
        }

        Tlb second = SecondOf(kind, Group)!;
        ulong* held = second.Peek(key, page >> _groupShift);
        PutGroup(first, key, page >> _groupShift, second.DataOf(held, 0), _pairs ? second.DataOf(held, 1) : 0);
    }

    /// <summary>Puts what a walk found in both levels, with its neighbours where an array maps groups.</summary>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">Its address.</param>
    /// <param name="data">The page's data.</param>
    /// <param name="isWhole">Whether the neighbours that <see cref="ReadGroup"/> has read make a group with it.</param>
    private void FillWithNeighbours(AccessKind kind, ulong address, ulong data, bool isWhole)
    {
        ulong page = address >> PageSizes.BaseShift;
        ulong tag = _tag;
        if ((data & (ulong)PageFlags.Global) != 0)
        {
            tag = GlobalTag;
            _globals = true;
        }

        ulong key = KeyOf(page, tag, 0);
        ulong group = page >> _groupShift;
        bool holds = isWhole && (FirstOf(kind, Group) ?? SecondOf(kind, Group)) is not null;
        _sizesSeen |= holds ? 1 << Group : 0;
        for (ulong index = 0; holds && index <= GroupMask; index++)
        {
            NoteFill((group << _groupShift) | index, tag, page, index);
        }

        if (!holds && _tellsFills)
        {
            TellFill(key);
        }

        if (isWhole && SecondOf(kind, Group) is { } second)
        {
            PutGroup(second, GroupKey(group, tag), group, _firstOfGroup, _oddOfGroup);
        }
        else if (SecondOf(kind, 0) is { } single)
        {
            Put(single, key, page, data);
        }

        if (isWhole && FirstOf(kind, Group) is { } first)
        {
            PutGroup(first, GroupKey(group, tag), group, _firstOfGroup, _oddOfGroup);
        }
        else
        {
            FillFirst4K(kind, key, page, data);
        }

        if (_losses is { } losses && losses.MayHold(key))
        {
            TellWalk(losses, key, data);
        }
    }

    /// <summary>
    /// A page comes into the TLBs with its group: fills are told of, and that it was lost before matters no more unless it is the page that
    /// was walked.
    /// </summary>
    private void NoteFill(ulong page, ulong tag, ulong walked, ulong index)
    {
        if (_pairs && (index == 0 ? _firstOfGroup : _oddOfGroup) == 0)
        {
            return;
        }

        ulong key = KeyOf(page, tag, 0);
        if (_tellsFills)
        {
            TellFill(key);
        }

        if (page != walked && _losses is { } losses && losses.MayHold(key))
        {
            losses.Forget(key);
        }
    }

    /// <summary>Puts a group in; single pages of it that the array holds go.</summary>
    private void PutGroup(Tlb tlb, ulong key, ulong group, ulong first, ulong odd)
    {
        ForgetRecent();
        for (ulong index = 0; !_pairs && index <= GroupMask; index++)
        {
            tlb.Drop(KeyInGroup(key, _groupShift, index), (group << _groupShift) | index);
        }

        Put(tlb, key, group, first);
        if (_pairs)
        {
            tlb.SetOdd(key, group, odd);
        }
    }

    /// <summary>Reads the other pages of a group as of a time.</summary>
    /// <param name="tablePage">The lowest-level table page.</param>
    /// <param name="index">The walked page's place in it.</param>
    /// <param name="data">The walked page's data.</param>
    /// <param name="time">As of when.</param>
    /// <returns>Whether they make a group with the walked page; a pair is always one.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool ReadGroup(int tablePage, int index, ulong data, long time)
    {
        int slot = index & (int)GroupMask;
        if (_pairs)
        {
            ulong other = Neighbour(tablePage, index ^ 1, time);

            // what an access could not use without an exception is not there: hardware reads a clear accessed bit as not valid
            const ulong Same = (ulong)PageFlags.Global;
            other = (other & (ulong)PageFlags.Accessed) == 0 || ((other ^ data) & Same) != 0 ? 0 : other;
            _firstOfGroup = slot == 0 ? data : other;
            _oddOfGroup = slot == 0 ? other : data;
            return true;
        }

        _firstOfGroup = data - ((ulong)(uint)slot << FrameShift);
        if (((_firstOfGroup >> FrameShift) & GroupMask) != 0 || (data >> FrameShift) < (ulong)(uint)slot)
        {
            return false;
        }

        for (int each = 0; each <= (int)GroupMask; each++)
        {
            if (each != slot && Neighbour(tablePage, index - slot + each, time) != _firstOfGroup + ((ulong)(uint)each << FrameShift))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What the lowest-level table page has in a place, as the data of a TLB entry; 0 for nothing.</summary>
    private ulong Neighbour(int tablePage, int index, long time)
    {
        ulong entry = _table!.ReadEntry(tablePage, index, time);
        return _layout.IsPresent(entry) ? DataOf(_layout.LeafFrame(entry, 0).PageNumber, FlagsOf(entry, 0)) : 0;
    }
}
