namespace VmSim.Core.Mmu;

/// <content>Ways that larger pages may take: one array stands for several that hold different sizes.</content>
internal sealed unsafe partial class Tlb
{
    private readonly int _largeWays;
    private readonly int _hugeWays;

    /// <summary>Whether pages of a size are put in at all.</summary>
    /// <param name="size">0 for 4 KiB, 1 for 2 MiB, 2 and 3 for more.</param>
    public bool Holds(int size) => WaysOf(size) > 0;

    /// <summary>
    /// Before a page is put in: if pages of its size have all the ways of the set that they may have, drops the oldest of them, whose way
    /// the page then gets.
    /// </summary>
    /// <param name="page">The page's number at its own size.</param>
    /// <param name="size">As for <see cref="Holds"/>, which must be so.</param>
    /// <returns>The key that was dropped; 0 for none.</returns>
    public ulong MakeRoom(ulong page, int size)
    {
        int limit = WaysOf(size);
        if (limit >= _ways)
        {
            return 0;
        }

        // Fewer ways than all are allowed only where the order of the ways is kept (TlbSpec.Fault): newest first, empty ways last.
        nuint set = SetOf(page);
        ulong order = *(ulong*)(_orders + (set * (nuint)_orderBytes));
        uint* digests = (uint*)(_heads + (set * (nuint)_headBytes));
        int held = 0;
        for (int place = 0; place < _ways; place++, order >>= 4)
        {
            int way = (int)order & 15;
            uint rest = _entries[(set * (nuint)_ways) + (nuint)way].Rest;
            if (rest == 0)
            {
                break;
            }

            ulong key = KeyOf(digests[way], rest);
            if (IsAlike(key, size) && ++held == limit)
            {
                Remove(set, way);
                return key;
            }
        }

        return 0;
    }

    /// <summary>Whether a key is of a size, or both are of 1 GiB and more.</summary>
    private static bool IsAlike(ulong key, int size) => Math.Min((int)(key >> 1) & 3, 2) == Math.Min(size, 2);

    private int WaysOf(int size) => size == 0 ? _ways : size == 1 ? _largeWays : _hugeWays;
}
