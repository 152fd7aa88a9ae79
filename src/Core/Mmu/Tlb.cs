using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmSim.Core.State;

namespace VmSim.Core.Mmu;

/// <summary>A set-associative array of translations in native memory. Bit 0 of a key is 1; an empty way holds 0.</summary>
/// <remarks>
/// Layout: each set has a head of at most one cache line. It begins with a 32-bit digest of each way's key, so that one vector compare
/// finds the way (<see cref="WayMatch"/>). The other 32 bits of the key stand apart with its data, in 12 bytes for each way, so that a hit
/// reads two lines or three. Digest and rest together are the key. Up to 14 ways, a word of the head also holds the set's replacement
/// state; else it stands apart. Under LRU and FIFO it is up to 16 nibbles, newest way first (<see cref="WayOrder"/>), empty ways last, so
/// that the victim is always the last. Under tree-PLRU it is the tree. Larger sets under LRU and FIFO have a linked list of their ways. A
/// hit on the newest way writes nothing. Why so: the arrays of a simulated machine do not fit the host's caches, and a look-up costs what
/// lines of the host it touches. Whole keys in the head would make it two lines at 12 ways, and a miss, which confirms nothing, would read
/// both. Order in the head costs no line of its own. The memory is native because arrays of the runtime cannot be aligned to a line.
/// </remarks>
internal sealed unsafe partial class Tlb : IDisposable, INativeState
{
    private const int LineBytes = 64;
    private const int SmallWaysMax = WayOrder.WaysMax;
    private const int LowBits = 19;
    private const ulong LowMask = (1UL << LowBits) - 1;
    private const int HighShift = 32 + LowBits;

    /// <summary>A shift that leaves nothing of a page number, which has 52 bits.</summary>
    private const int NoFold = 63;

    private readonly byte* _heads;
    private readonly byte* _orders;
    private readonly Entry* _entries;
    private readonly NativeBlock _memory;
    private readonly int _ways;
    private readonly int _headBytes;
    private readonly int _orderBytes;
    private readonly uint _sets;
    private readonly uint _wayMask;
    private readonly ulong _reciprocal;
    private readonly bool _oddSets;
    private readonly int _fold;
    private readonly bool _small;
    private readonly bool _touches;
    private readonly Policy _policy;
    private readonly int _groupShift;
    private readonly bool _pairs;

    /// <summary>Ways that hold a translation, in all sets.</summary>
    private int _live;

    private ulong _random;

    public Tlb(TlbSpec spec, ulong seed)
    {
        if (spec.Entries == 0 || spec.Fault is not null)
        {
            throw new ArgumentException($"a TLB cannot be made: {spec.Fault ?? "0 entries found"}", nameof(spec));
        }

        _ways = spec.Ways;
        _sets = (uint)(spec.Entries / spec.Ways);
        _small = _ways <= SmallWaysMax;
        _wayMask = _small ? (uint)((1UL << _ways) - 1) : uint.MaxValue;
        _touches = spec.Policy is ReplacementPolicies.Lru or ReplacementPolicies.TreePlru && _ways > 1;
        _policy = spec.Policy switch
        {
            _ when _ways == 1 => Policy.Single,
            ReplacementPolicies.TreePlru => Policy.TreePlru,
            ReplacementPolicies.Random => Policy.Random,
            _ => _small ? Policy.Order : Policy.List,
        };
        // page % sets by two multiplications: exact while page * sets < 2^64, and page numbers have 52 bits.
        _oddSets = !BitOperations.IsPow2(_sets);
        _reciprocal = _sets > 4096 ? 0 : (ulong.MaxValue / _sets) + 1;
        _fold = spec.Index == TlbIndexes.Xor ? BitOperations.Log2(_sets) : NoFold;
        _largeWays = Math.Min(spec.LargeWays, _ways);
        _hugeWays = Math.Min(spec.HugeWays, _ways);
        _random = (seed * 0x9E3779B97F4A7C15) | 1;
        Entries = spec.Entries;
        _groupShift = TlbReaches.ShiftOf(spec.Reach);
        _pairs = spec.Reach == TlbReaches.Pair;

        // The vector load of a head reads up to 64 bytes from its beginning; behind the last head other parts or padding follow.
        bool apart = _ways > 14 || _policy is Policy.Single or Policy.Random;
        int digestBytes = _ways * sizeof(uint);
        _headBytes = !apart ? HeadBytes(_ways)
            : digestBytes > LineBytes
            ? (digestBytes + LineBytes - 1) / LineBytes * LineBytes
            : (int)BitOperations.RoundUpToPowerOf2((uint)digestBytes);
        int orderOffset = apart ? 0 : _headBytes - sizeof(ulong);
        int ownOrderBytes = !apart ? 0 : _policy switch
        {
            Policy.Order or Policy.TreePlru => sizeof(ulong),
            Policy.List => (_ways + 1) * sizeof(Link),
            _ => 0,
        };
        _orderBytes = apart ? ownOrderBytes : _headBytes;
        nuint heads = ((nuint)_sets * (nuint)_headBytes) + LineBytes;
        nuint entries = Align(heads);
        nuint orders = Align(entries + ((nuint)Entries * (nuint)sizeof(Entry)));
        nuint odd = (orders + ((nuint)_sets * (nuint)ownOrderBytes) + sizeof(ulong) - 1) & ~(nuint)(sizeof(ulong) - 1);
        NativeBytes = (long)(_pairs ? odd + ((nuint)Entries * sizeof(ulong)) : orders + ((nuint)_sets * (nuint)ownOrderBytes));
        _memory = new NativeBlock((nuint)NativeBytes, LineBytes);
        _heads = _memory.Start;
        _entries = (Entry*)(_memory.Start + entries);
        _orders = _memory.Start + (apart ? (long)orders : orderOffset);
        _odd = _pairs ? (ulong*)(_memory.Start + odd) : null;
        ResetOrders();

        static nuint Align(nuint bytes) => (bytes + LineBytes - 1) & ~(nuint)(LineBytes - 1);
    }

    private enum Policy : byte
    {
        Single,
        Order,
        List,
        TreePlru,
        Random,
    }

    public int Entries { get; }

    /// <summary>Native memory it takes, in bytes.</summary>
    public long NativeBytes { get; }

    /// <summary>Looks a key up and counts it as used.</summary>
    /// <returns>Where its data stands, until the next change; null if it is not there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* Find(ulong key, ulong page)
    {
        nuint set = SetOf(page);
        byte* head = _heads + (set * (nuint)(uint)_headBytes);
        if (!_small)
        {
            return FindLarge(key, set, head);
        }

        uint matches = WayMatch.Of16(head, DigestOf(key), _ways) & _wayMask;
        return matches == 0 ? null : Confirm(key, set, matches);
    }

    /// <summary>Looks a key up without counting it as used.</summary>
    public ulong* Peek(ulong key, ulong page)
    {
        nuint set = SetOf(page);
        int way = WayOf(key, set);
        return way < 0 ? null : &_entries[(set * (nuint)_ways) + (nuint)way].Data;
    }

    /// <summary>What stands in one place of the array.</summary>
    /// <param name="entry">0 to <see cref="Entries"/> less 1.</param>
    /// <param name="key">The key.</param>
    /// <param name="data">Its data.</param>
    /// <returns>False if the place is empty.</returns>
    public bool TryRead(int entry, out ulong key, out ulong data)
    {
        bool used = _entries[entry].Rest != 0;
        key = used ? KeyAt(entry) : 0;
        data = _entries[entry].Data;
        return used;
    }

    /// <summary>Puts a translation in that is not there, in an empty way or the victim's.</summary>
    public void Fill(ulong key, ulong page, ulong data)
    {
        nuint set = SetOf(page);
        byte* head = _heads + (set * (nuint)(uint)_headBytes);
        int way;
        if (_policy == Policy.Order)
        {
            ulong* order = (ulong*)(_orders + (set * (nuint)(uint)_orderBytes));
            ulong old = *order;
            way = WayOrder.Last(old, _ways);
            *order = WayOrder.LastToFront(old, way);
        }
        else
        {
            way = Choose(set, head);
        }

        nuint at = (set * (nuint)(uint)_ways) + (nuint)(uint)way;
        WriteDigest(head, way, DigestOf(key), _ways);
        Entry* entry = _entries + at;
        _live += entry->Rest == 0 ? 1 : 0;
        entry->Rest = RestOf(key);
        entry->Data = data;
        AssertSet(set);
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write(_live);
        writer.Write(_random);
        writer.Write(_memory.Span);
    }

    public void Restore(BinaryReader reader)
    {
        _live = reader.ReadInt32();
        _random = reader.ReadUInt64();
        reader.BaseStream.ReadExactly(_memory.Span);
        AssertConsistent();
    }

    public void Dispose() => _memory.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteDigest(byte* head, int way, uint digest, int ways)
    {
        if (ways == 4)
        {
            WayMatch.Write4(head, way, digest);
        }
        else
        {
            ((uint*)head)[way] = digest;
        }
    }

    /// <summary>32 bits of a key; with the rest they give all of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint DigestOf(ulong key) => (uint)(key >> LowBits) ^ (uint)(key << (32 - LowBits));

    /// <summary>The other 32 bits: the lowest 19 and the highest 13. Never 0, because bit 0 is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint RestOf(ulong key) => (uint)(key & LowMask) | (uint)(key >> HighShift << LowBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nuint SetOf(ulong page) => _oddSets ? OddSetOf(page) : (uint)(page ^ (page >> _fold)) & (_sets - 1);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private nuint OddSetOf(ulong page) => (nuint)(_reciprocal == 0 ? page % _sets : page - (Math.BigMul(_reciprocal, page, out _) * _sets));

    /// <summary>Of the ways whose digest matches, the one whose whole key does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong* Confirm(ulong key, nuint set, uint matches)
    {
        nuint first = set * (nuint)(uint)_ways;
        uint rest = RestOf(key);
        do
        {
            int way = BitOperations.TrailingZeroCount(matches);
            nuint at = first + (nuint)(uint)way;
            if (_entries[at].Rest == rest)
            {
                if (_touches)
                {
                    ulong* order = (ulong*)(_orders + (set * (nuint)(uint)_orderBytes));
                    if (_policy == Policy.TreePlru)
                    {
                        *order = PointedAway(*order, way, _ways);
                    }
                    else if ((*order & 15) != (uint)way)
                    {
                        *order = WayOrder.ToFront(*order, way);
                    }
                }

                return &_entries[at].Data;
            }

            matches &= matches - 1;
        }
        while (matches != 0);
        return null;
    }

    private ulong KeyAt(int at)
    {
        (int set, int way) = Math.DivRem(at, _ways);
        return KeyOf(((uint*)(_heads + ((nuint)set * (nuint)_headBytes)))[way], _entries[at].Rest);
    }

    /// <summary>The key that a digest and a rest make together.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong KeyOf(uint digest, uint rest)
    {
        ulong low = rest & LowMask;
        return ((ulong)(rest >> LowBits) << HighShift) | ((ulong)(digest ^ (uint)(low << (32 - LowBits))) << LowBits) | low;
    }

    private int WayOf(ulong key, nuint set)
    {
        Entry* entries = _entries + (set * (nuint)_ways);
        byte* head = _heads + (set * (nuint)_headBytes);
        uint digest = DigestOf(key);
        uint rest = RestOf(key);
        if (!_small)
        {
            return WayOfLarge((uint*)head, entries, digest, rest);
        }

        for (uint matches = WayMatch.Of16(head, digest, _ways) & _wayMask; matches != 0; matches &= matches - 1)
        {
            int way = BitOperations.TrailingZeroCount(matches);
            if (entries[way].Rest == rest)
            {
                return way;
            }
        }

        return -1;
    }

    private int WayOfLarge(uint* digests, Entry* entries, uint digest, uint rest)
    {
        for (int way = 0; way < _ways; way++)
        {
            if (digests[way] == digest && entries[way].Rest == rest)
            {
                return way;
            }
        }

        return -1;
    }

    private void ResetOrders()
    {
        for (nuint set = 0; set < _sets && _policy is Policy.Order or Policy.List; set++)
        {
            byte* order = _orders + (set * (nuint)_orderBytes);
            if (_policy == Policy.Order)
            {
                *(ulong*)order = WayOrder.Initial;
            }
            else
            {
                ResetList((Link*)order);
            }
        }
    }

    /// <summary>One translation in 12 bytes; a rest of 0 is none.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = sizeof(uint))]
    private struct Entry
    {
        public ulong Data;
        public uint Rest;
    }
}
