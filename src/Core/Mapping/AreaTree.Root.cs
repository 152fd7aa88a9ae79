using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace VmSim.Core.Mapping;

/// <content>The search for a free range in a tree of one leaf.</content>
internal partial struct AreaTree<TFlags, TBackend>
{
    /// <summary>The same in a tree of one leaf: the first free range that is long enough, or what follows the last area.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool TryFindFreeInRoot(ulong from, ulong size, ulong align, ulong limit, out ulong address)
    {
        int count = Count;
        ulong found;
        if (count > 0)
        {
            ref ulong starts = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_bounds), RowOf(_root));
            ref ulong lasts = ref Unsafe.Add(ref starts, _row);
            int index = CountAtMost(_bounds, RowOf(_root), count, from);
            if (index > 0)
            {
                ulong below = Unsafe.Add(ref lasts, index - 1);
                if (below >= limit)
                {
                    address = 0;
                    return false;
                }

                from = Choose(below >= from, below + 1, from);
            }

            for (ulong longer = LongerBefore(ref starts, index, from, size); longer != 0; longer &= longer - 1)
            {
                int area = BitOperations.TrailingZeroCount(longer);
                ulong free = Choose(area == index, from, Unsafe.Add(ref lasts, area - 1) + 1);
                ulong last = Math.Min(Unsafe.Add(ref starts, area) - 1, limit);
                found = (free + (align - 1)) & ~(align - 1);
                if (found >= free && found <= last && last - found >= size - 1)
                {
                    address = found;
                    return true;
                }
            }

            ulong end = Unsafe.Add(ref lasts, count - 1);
            if (end >= limit)
            {
                address = 0;
                return false;
            }

            from = Choose(end >= from, end + 1, from);
        }

        found = (from + (align - 1)) & ~(align - 1);
        address = found;
        return found >= from && found <= limit && limit - found >= size - 1;
    }

    /// <summary>
    /// A bit for each area of the root leaf, from an index on, that has as many free addresses before it: after the area below it, or from
    /// an address on before the first of them. One number for all, so that no branch depends on where a free range is.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ulong LongerBefore(ref ulong starts, int index, ulong from, ulong size)
    {
        int count = Count;
        if (index == count)
        {
            return 0;
        }

        ulong longer = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (int i = 0; i < count; i += Words)
            {
                Vector512<ulong> below = Vector512.LoadUnsafe(ref Unsafe.Add(ref starts, _row + i - 1));
                Vector512<ulong> distance = Vector512.LoadUnsafe(ref Unsafe.Add(ref starts, i)) - below; // the free addresses and one
                longer |= Vector512.GreaterThan(distance, Vector512.Create(size)).ExtractMostSignificantBits() << i;
            }
        }
        else
        {
            for (int i = index + 1; i < count; i++)
            {
                longer |= (Unsafe.Add(ref starts, i) - Unsafe.Add(ref starts, _row + i - 1) > size ? 1UL : 0) << i;
            }
        }

        ulong first = Unsafe.BitCast<bool, byte>(Unsafe.Add(ref starts, index) - from >= size);
        return ((longer & (~1UL << index)) | (first << index)) & (ulong.MaxValue >> (Capacity - count));
    }
}
