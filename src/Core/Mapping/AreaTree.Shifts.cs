using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace VmSim.Core.Mapping;

/// <content>
/// Moving the elements of a leaf up or down. Where an area goes is chance for the host's processor, so a copy whose length depends
/// on it is guessed wrong more often than not, and the guess is found out late. Whole vectors are moved instead, of which each lane takes
/// its old element or its neighbour's.
/// </content>
internal partial struct AreaTree<TFlags, TBackend>
{
    private const int Words = 8;
    private const int Bytes = 64;

    /// <summary>A leaf of at most so many areas is moved as a whole, a larger one from the place on where it changes.</summary>
    private const int MovedWhole = 16;

    /// <summary>
    /// Slots of references are copied by the runtime, which tells its collector. Of larger ones two are more than the head of an array.
    /// </summary>
    private static bool SlotsAreVectors =>
        Vector512.IsHardwareAccelerated && !RuntimeHelpers.IsReferenceOrContainsReferences<AreaSlot<TFlags, TBackend>>()
        && Unsafe.SizeOf<AreaSlot<TFlags, TBackend>>() <= 8;

    /// <summary>Unused slots behind all others: what whole vectors reach beyond the last, and one that always has the default.</summary>
    private static int SpareSlots => SlotsAreVectors ? (2 * Bytes / Unsafe.SizeOf<AreaSlot<TFlags, TBackend>>()) + 1 : 1;

    /// <summary>
    /// Puts one number or two into a row of <paramref name="count"/>; as many elements behind the row are unused.
    /// </summary>
    /// <param name="words">The array.</param>
    /// <param name="first">Where the row begins.</param>
    /// <param name="count">Elements of the row.</param>
    /// <param name="at">Where in the row the first number goes.</param>
    /// <param name="added">1 or 2; a constant of the caller.</param>
    /// <param name="word">The first number.</param>
    /// <param name="second">The second, if there are two.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InsertWords(ulong[] words, int first, int count, int at, int added, ulong word, ulong second)
    {
        Debug.Assert(first + count + added <= words.Length, "there is room");
        ref ulong origin = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(words), (nint)(uint)first);
        if (!Vector512.IsHardwareAccelerated)
        {
            words.AsSpan(first + at, count - at).CopyTo(words.AsSpan(first + at + added, count - at));
        }
        else
        {
            // The lower vector begins one or two elements before the row: in another row, or in the array's own head, which is as long
            // as two. Where a lane takes one of them, what is inserted is written over it.
            Vector512<ulong> place = Vector512.Create((ulong)(uint)at);
            int lowest = count <= MovedWhole ? 0 : at & ~(Words - 1);
            for (int i = (count + added - 1) & ~(Words - 1); i >= lowest; i -= Words)
            {
                Vector512<ulong> lanes = Vector512<ulong>.Indices + Vector512.Create((ulong)(uint)i);
                Vector512<ulong> kept = Vector512.LoadUnsafe(ref Unsafe.Add(ref origin, i));
                Vector512<ulong> lower = Vector512.LoadUnsafe(ref Unsafe.Add(ref origin, i - added));
                Vector512.ConditionalSelect(Vector512.LessThan(lanes, place), kept, lower).StoreUnsafe(ref Unsafe.Add(ref origin, i));
            }
        }

        Unsafe.Add(ref origin, at) = word;
        if (added == 2)
        {
            Unsafe.Add(ref origin, at + 1) = second;
        }
    }

    /// <summary>Takes a number out of a row of which <paramref name="left"/> stay; what is behind them becomes unused.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RemoveWord(ulong[] words, int first, int left, int at)
    {
        Debug.Assert(first + left < words.Length, "the row is in the array");
        ref ulong origin = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(words), (nint)(uint)first);
        if (!Vector512.IsHardwareAccelerated)
        {
            words.AsSpan(first + at + 1, left - at).CopyTo(words.AsSpan(first + at, left - at));
            Unsafe.Add(ref origin, left) = Unused;
            return;
        }

        // The vector one element higher ends behind the row: with another row, or with the array's spare word.
        Vector512<ulong> place = Vector512.Create((ulong)(uint)at);
        Vector512<ulong> end = Vector512.Create((ulong)(uint)left);
        for (int i = left <= MovedWhole ? 0 : at & ~(Words - 1); i <= left; i += Words)
        {
            Vector512<ulong> lanes = Vector512<ulong>.Indices + Vector512.Create((ulong)(uint)i);
            Vector512<ulong> kept = Vector512.LoadUnsafe(ref Unsafe.Add(ref origin, i));
            Vector512<ulong> higher = Vector512.LoadUnsafe(ref Unsafe.Add(ref origin, i + 1));
            Vector512<ulong> moved = Vector512.ConditionalSelect(Vector512.LessThan(lanes, place), kept, higher);
            Vector512.ConditionalSelect(Vector512.LessThan(lanes, end), moved, Vector512.Create(Unused))
                .StoreUnsafe(ref Unsafe.Add(ref origin, i));
        }
    }

    /// <summary>Puts a slot into a row of <paramref name="count"/>, once or twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void InsertSlots(int first, int count, int at, int added, in AreaSlot<TFlags, TBackend> slot)
    {
        ref AreaSlot<TFlags, TBackend> origin = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_slots), (nint)(uint)first);
        if (SlotsAreVectors)
        {
            int size = Unsafe.SizeOf<AreaSlot<TFlags, TBackend>>();
            ref byte bytes = ref Unsafe.As<AreaSlot<TFlags, TBackend>, byte>(ref origin);
            int place = at * size;
            int lowest = count <= MovedWhole ? 0 : place & ~(Bytes - 1);
            for (int i = (((count + added) * size) - 1) & ~(Bytes - 1); i >= lowest; i -= Bytes)
            {
                Vector512<byte> kept = Vector512.LoadUnsafe(ref Unsafe.Add(ref bytes, i));
                Vector512<byte> lower = Vector512.LoadUnsafe(ref Unsafe.Add(ref bytes, i - (added * size)));
                Vector512.ConditionalSelect(IsBelow(place - i), kept, lower).StoreUnsafe(ref Unsafe.Add(ref bytes, i));
            }
        }
        else if (at < count)
        {
            _slots.AsSpan(first + at, count - at).CopyTo(_slots.AsSpan(first + at + added, count - at));
        }

        Unsafe.Add(ref origin, at) = slot;
        if (added == 2)
        {
            Unsafe.Add(ref origin, at + 1) = slot;
        }
    }

    /// <summary>Takes a slot out of a row of which <paramref name="left"/> stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void RemoveSlot(int first, int left, int at)
    {
        if (SlotsAreVectors)
        {
            int size = Unsafe.SizeOf<AreaSlot<TFlags, TBackend>>();
            ref byte bytes = ref Unsafe.As<AreaSlot<TFlags, TBackend>, byte>(
                ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_slots), (nint)(uint)first));
            int place = at * size;
            for (int i = left <= MovedWhole ? 0 : place & ~(Bytes - 1); i < left * size; i += Bytes)
            {
                Vector512<byte> kept = Vector512.LoadUnsafe(ref Unsafe.Add(ref bytes, i));
                Vector512<byte> higher = Vector512.LoadUnsafe(ref Unsafe.Add(ref bytes, i + size));
                Vector512.ConditionalSelect(IsBelow(place - i), kept, higher).StoreUnsafe(ref Unsafe.Add(ref bytes, i));
            }

            return;
        }

        _slots.AsSpan(first + at + 1, left - at).CopyTo(_slots.AsSpan(first + at, left - at));
        ClearSlots(first + left, 1);
    }

    /// <summary>All bits of the lanes below a place, which may lie before or behind the vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> IsBelow(int place) =>
        Vector512.LessThan(
            Vector512<byte>.Indices, Vector512.Create((byte)Choose(place < 0, 0, Choose(place > Bytes, Bytes, (ulong)place))));
}
