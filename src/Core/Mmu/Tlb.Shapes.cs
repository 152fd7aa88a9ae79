using System.Numerics;
using System.Runtime.CompilerServices;

namespace VmSim.Core.Mmu;

/// <content>Look-ups and fills that are compiled for a shape, for the hot loop.</content>
internal sealed unsafe partial class Tlb
{
    /// <summary>
    /// Whether its shape is <typeparamref name="TShape"/>: sets, a power of two of them, of so many ways in the order of use, with its
    /// index.
    /// </summary>
    public bool Has<TShape>()
        where TShape : struct, ITlbShape => TShape.Ways == _ways && _policy == Policy.Order && _touches && !_oddSets
        && (TShape.Folds || _fold == NoFold);

    /// <summary><see cref="Find(ulong, ulong)"/> of an array of a shape, or of any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* Find<TShape>(ulong key, ulong page)
        where TShape : struct, ITlbShape
    {
        if (TShape.Ways == 0)
        {
            return Find(key, page);
        }

        nuint set = (uint)(TShape.Folds ? page ^ (page >> _fold) : page) & (_sets - 1);
        byte* head = _heads + (set * (nuint)(uint)HeadBytes(TShape.Ways));
        uint matches = WayMatch.Of16(head, DigestOf(key), TShape.Ways) & (uint)((1UL << TShape.Ways) - 1);
        Entry* entries = _entries + (set * (nuint)(uint)TShape.Ways);
        uint rest = RestOf(key);
        for (; matches != 0; matches &= matches - 1)
        {
            int way = BitOperations.TrailingZeroCount(matches);
            if (entries[way].Rest == rest)
            {
                ulong* order = (ulong*)(head + HeadBytes(TShape.Ways) - sizeof(ulong));
                *order = WayOrder.ToFront(*order, way);
                return &entries[way].Data;
            }
        }

        return null;
    }

    /// <summary><see cref="Fill(ulong, ulong, ulong)"/> of an array of a shape, or of any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill<TShape>(ulong key, ulong page, ulong data)
        where TShape : struct, ITlbShape
    {
        if (TShape.Ways == 0)
        {
            Fill(key, page, data);
            return;
        }

        nuint set = (uint)(TShape.Folds ? page ^ (page >> _fold) : page) & (_sets - 1);
        byte* head = _heads + (set * (nuint)(uint)HeadBytes(TShape.Ways));
        ulong* order = (ulong*)(head + HeadBytes(TShape.Ways) - sizeof(ulong));
        int way = WayOrder.Last(*order, TShape.Ways);
        *order = WayOrder.LastToFront(*order, way);
        WriteDigest(head, way, DigestOf(key), TShape.Ways);
        Entry* entry = _entries + (set * (nuint)(uint)TShape.Ways) + (nuint)(uint)way;
        _live += entry->Rest == 0 ? 1 : 0;
        entry->Rest = RestOf(key);
        entry->Data = data;
    }

    /// <summary>Bytes of the head of a set of up to 14 ways that are kept in order: digests, then the order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int HeadBytes(int ways) =>
        (int)BitOperations.RoundUpToPowerOf2((uint)(((ways * sizeof(uint)) + 7) & ~7) + sizeof(ulong));
}
