using System.Numerics;
using VmSim.Core.Statistics;

namespace VmSim.Core.Traces;

/// <summary>Counts, for each use of a page, how many other pages were used since its last use (the LRU stack distance), in powers of two.
/// Exact, in memory proportional to the pages, and O(log pages) a use (Bennett and Kruskal, 1975; the sums stand in a Fenwick
/// tree).</summary>
public sealed class ReuseDistances
{
    private const int MinSlots = 1 << 12;
    private readonly Dictionary<ulong, int> _slotOf = [];
    private int[] _tree = new int[MinSlots + 1];
    private ulong[] _pageAt = new ulong[MinSlots];
    private bool[] _isLast = new bool[MinSlots];
    private int _next;

    /// <summary>Uses by distance: element 0 for distance 0, element n for 2^(n-1) to 2^n - 1.</summary>
    public long[] Histogram { get; } = new long[40];

    /// <summary>Uses of pages that had not been used before.</summary>
    public long FirstUses => _slotOf.Count;

    /// <summary>Takes <paramref name="count"/> uses of a page in a row.</summary>
    public void Use(ulong page, ulong count)
    {
        if (_slotOf.TryGetValue(page, out int last))
        {
            if (last == _next - 1)
            {
                Histogram[0] = Saturating.Add(Histogram[0], (long)count);
                return;
            }

            int distance = Sum(_next) - Sum(last + 1);
            Histogram[distance == 0 ? 0 : BitOperations.Log2((uint)distance) + 1]++;
            Add(last, -1);
            _isLast[last] = false;
        }

        Histogram[0] = Saturating.Add(Histogram[0], (long)count - 1);
        if (_next == _pageAt.Length)
        {
            Compact();
        }

        _slotOf[page] = _next;
        _pageAt[_next] = page;
        _isLast[_next] = true;
        Add(_next++, 1);
    }

    /// <summary>Renumbers the last uses from 0, with room for as many again.</summary>
    private void Compact()
    {
        int live = _slotOf.Count;
        int slots = Math.Max(MinSlots, (int)BitOperations.RoundUpToPowerOf2((uint)live * 4));
        ulong[] pages = new ulong[slots];
        int kept = 0;
        for (int slot = 0; slot < _next; slot++)
        {
            // the page in hand has no last use at this point
            if (_isLast[slot])
            {
                pages[kept++] = _pageAt[slot];
            }
        }

        _pageAt = pages;
        _isLast = new bool[slots];
        _tree = new int[slots + 1];
        for (int slot = 0; slot < kept; slot++)
        {
            _slotOf[pages[slot]] = slot;
            _isLast[slot] = true;
            Add(slot, 1);
        }

        _next = kept;
    }

    private void Add(int slot, int value)
    {
        for (int i = slot + 1; i < _tree.Length; i += i & -i)
        {
            _tree[i] += value;
        }
    }

    private int Sum(int slots)
    {
        int sum = 0;
        for (int i = slots; i > 0; i -= i & -i)
        {
            sum += _tree[i];
        }

        return sum;
    }
}
