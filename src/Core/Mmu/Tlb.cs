using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VmSim.Core.Mmu;

/// <summary>A set-associative array of translations in native memory. Key 0 is an empty way.</summary>
/// <remarks>
/// Layout: each set has a head of one or two cache lines and, apart, 16 bytes for each way (key, data). The head begins with a 32-bit digest of each
/// way's key, so that one vector compare finds the way (<see cref="WayMatch"/>) and the full key confirms it; a digest of 0 is an empty way. Up to 16
/// ways, the head also holds the order of use or of filling: 16 nibbles, newest way first (<see cref="WayOrder"/>), empty ways last, so that the victim
/// is always the last. Larger sets keep a stamp for each way instead. A hit on the newest way writes nothing.
/// </remarks>
internal sealed unsafe partial class Tlb : IDisposable
{
    private const int LineBytes = 64;
    private const int OrderedWaysMax = WayOrder.WaysMax;
    private readonly byte* _heads;
    private readonly Entry* _entries;
    private readonly ulong* _stamps;
    private readonly ulong* _trees;
    private readonly int _ways;
    private readonly int _headBytes;
    private readonly int _orderOffset;
    private readonly uint _sets;
    private readonly uint _wayMask;
    private readonly bool _powerOfTwo;
    private readonly bool _small;
    private readonly bool _touches;
    private readonly Policy _policy;
    private ulong _clock;
    private ulong _random;

    public Tlb(TlbSpec spec, ulong seed)
    {
        if (spec.Entries == 0 || spec.Entries % spec.Ways != 0)
        {
            throw new ArgumentException($"a TLB has {spec.Entries} entries in {spec.Ways} ways; entries must be a positive multiple of ways", nameof(spec));
        }

        _ways = spec.Ways;
        _sets = (uint)(spec.Entries / spec.Ways);
        _powerOfTwo = BitOperations.IsPow2(_sets);
        _policy = spec.Policy switch
        {
            ReplacementPolicies.TreePlru => Policy.TreePlru,
            ReplacementPolicies.Random => Policy.Random,
            _ => _ways <= OrderedWaysMax ? Policy.Order : Policy.Stamps,
        };
        _touches = spec.Policy == ReplacementPolicies.Lru;
        _small = _ways <= OrderedWaysMax;
        _wayMask = _small ? (uint)((1UL << _ways) - 1) : uint.MaxValue;
        if (_policy == Policy.TreePlru && (!BitOperations.IsPow2(_ways) || _ways > 64))
        {
            throw new ArgumentException($"tree-PLRU needs a power of two of ways, at most 64; there are {_ways}", nameof(spec));
        }

        _random = (seed * 0x9E3779B97F4A7C15) | 1;
        Entries = spec.Entries;

        // Up to 14 digests and the order fit one line.
        _headBytes = _ways <= 14 ? LineBytes : _small ? 2 * LineBytes : ((_ways + 15) / 16) * LineBytes;
        _orderOffset = _ways <= 14 ? LineBytes - sizeof(ulong) : LineBytes;
        _heads = (byte*)Allocate(_sets * (nuint)_headBytes);
        _entries = (Entry*)Allocate((nuint)Entries * (nuint)sizeof(Entry));
        _stamps = _policy == Policy.Stamps ? (ulong*)Allocate((nuint)Entries * sizeof(ulong)) : null;
        _trees = _policy == Policy.TreePlru ? (ulong*)Allocate(_sets * (nuint)sizeof(ulong)) : null;
        ResetOrders();
    }

    ~Tlb() => Free();

    private enum Policy : byte
    {
        Order,
        Stamps,
        TreePlru,
        Random,
    }

    public int Entries { get; }

    /// <summary>Native memory it takes, in bytes.</summary>
    public long NativeBytes =>
        (_sets * (long)_headBytes) + ((long)Entries * (sizeof(Entry) + (_stamps != null ? sizeof(ulong) : 0))) + (_trees != null ? _sets * sizeof(ulong) : 0);

    /// <summary>Looks a key up and counts it as used.</summary>
    /// <returns>Where its data stands, until the next change; null if it is not there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* Find(ulong key, ulong page)
    {
        nuint set = SetOf(page);
        byte* head = _heads + (set * (nuint)_headBytes);
        if (!_small)
        {
            return FindLarge(key, set, head);
        }

        uint matches = WayMatch.Of16(head, Digest(key), _ways) & _wayMask;
        Entry* entries = _entries + (set * (nuint)_ways);
        while (matches != 0)
        {
            int way = BitOperations.TrailingZeroCount(matches);
            if (entries[way].Key == key)
            {
                if (_touches)
                {
                    ulong* order = (ulong*)(head + _orderOffset);
                    if ((*order & 15) != (uint)way)
                    {
                        *order = WayOrder.ToFront(*order, way);
                    }
                }
                else if (_policy == Policy.TreePlru)
                {
                    PointAway(set, way);
                }

                return &entries[way].Data;
            }

            matches &= matches - 1;
        }

        return null;
    }

    /// <summary>Looks a key up without counting it as used.</summary>
    public ulong* Peek(ulong key, ulong page)
    {
        nuint set = SetOf(page);
        int way = WayOf(key, set);
        return way < 0 ? null : &_entries[(set * (nuint)_ways) + (nuint)way].Data;
    }

    /// <summary>Whether an entry has data under a masked key.</summary>
    public bool Holds(ulong mask, ulong value, ulong data)
    {
        for (int i = 0; i < Entries; i++)
        {
            if (_entries[i].Key != 0 && (_entries[i].Key & mask) == value && _entries[i].Data == data)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Puts a translation in that is not there, in an empty way or the victim's.</summary>
    public void Fill(ulong key, ulong page, ulong data)
    {
        nuint set = SetOf(page);
        byte* head = _heads + (set * (nuint)_headBytes);
        int way;
        if (_policy == Policy.Order)
        {
            ulong* order = (ulong*)(head + _orderOffset);
            way = WayOrder.Last(*order, _ways);
            *order = WayOrder.ToFront(*order, way);
        }
        else
        {
            way = Choose(set, (uint*)head);
        }

        ((uint*)head)[way] = Digest(key);
        Entry* entry = _entries + (set * (nuint)_ways) + way;
        entry->Key = key;
        entry->Data = data;
    }

    /// <summary>Drops one key.</summary>
    /// <returns>1 if it was there, else 0.</returns>
    public int Drop(ulong key, ulong page)
    {
        nuint set = SetOf(page);
        int way = WayOf(key, set);
        if (way < 0)
        {
            return 0;
        }

        Remove(set, way);
        return 1;
    }

    /// <summary>Drops every key whose masked bits have a value and whose page lies in a range.</summary>
    /// <returns>How many.</returns>
    public int DropWhere(ulong mask, ulong value, int pageShift, ulong firstPage, ulong pages)
    {
        int dropped = 0;
        for (int i = 0; i < Entries; i++)
        {
            ulong key = _entries[i].Key;
            if (key != 0 && (key & mask) == value && (key >> pageShift) - firstPage < pages)
            {
                Remove((nuint)(i / _ways), i % _ways);
                dropped++;
            }
        }

        return dropped;
    }

    /// <summary>Drops every key whose masked bits have another value.</summary>
    /// <returns>How many.</returns>
    public int DropUnless(ulong mask, ulong value)
    {
        int dropped = 0;
        for (int i = 0; i < Entries; i++)
        {
            if (_entries[i].Key != 0 && (_entries[i].Key & mask) != value)
            {
                Remove((nuint)(i / _ways), i % _ways);
                dropped++;
            }
        }

        return dropped;
    }

    /// <summary>Drops everything; the replacement state of tree-PLRU stays.</summary>
    /// <returns>How many entries were there.</returns>
    public int DropAll()
    {
        int dropped = 0;
        for (int i = 0; i < Entries; i++)
        {
            dropped += _entries[i].Key != 0 ? 1 : 0;
        }

        if (dropped > 0)
        {
            NativeMemory.Clear(_heads, _sets * (nuint)_headBytes);
            NativeMemory.Clear(_entries, (nuint)Entries * (nuint)sizeof(Entry));
            ResetOrders();
        }

        return dropped;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static void* Allocate(nuint bytes)
    {
        void* memory = NativeMemory.AlignedAlloc(bytes, LineBytes);
        NativeMemory.Clear(memory, bytes);
        return memory;
    }

    /// <summary>32 bits of a key, never 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Digest(ulong key) => ((uint)(key >> 19) ^ (uint)(key << 13)) | 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nuint SetOf(ulong page) => _powerOfTwo ? (uint)page & (_sets - 1) : (nuint)(page % _sets);

    private int WayOf(ulong key, nuint set)
    {
        Entry* entries = _entries + (set * (nuint)_ways);
        uint* digests = (uint*)(_heads + (set * (nuint)_headBytes));
        uint digest = Digest(key);
        for (int way = 0; way < _ways; way++)
        {
            if (digests[way] == digest && entries[way].Key == key)
            {
                return way;
            }
        }

        return -1;
    }

    /// <summary>Empties a way; it becomes the first to be filled.</summary>
    private void Remove(nuint set, int way)
    {
        byte* head = _heads + (set * (nuint)_headBytes);
        ((uint*)head)[way] = 0;
        _entries[(set * (nuint)_ways) + (nuint)way].Key = 0;
        if (_policy == Policy.Order)
        {
            ulong* order = (ulong*)(head + _orderOffset);
            *order = WayOrder.ToBack(*order, way, _ways);
        }
    }

    private void ResetOrders()
    {
        for (nuint set = 0; _policy == Policy.Order && set < _sets; set++)
        {
            *(ulong*)(_heads + (set * (nuint)_headBytes) + _orderOffset) = WayOrder.Initial;
        }
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_heads);
        NativeMemory.AlignedFree(_entries);
        NativeMemory.AlignedFree(_stamps);
        NativeMemory.AlignedFree(_trees);
    }

    private struct Entry
    {
        public ulong Key;
        public ulong Data;
    }
}
