using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VmSim.Core.Mmu;

/// <summary>
/// A set-associative array of translations: keys and data apart, in native memory, the ways of a set side by side. Key 0 is an empty way.
/// </summary>
/// <remarks>
/// With LRU and FIFO the ways of a set stand in order of use or filling, newest first, so that the victim is the last and a hit on the newest
/// costs one compare. With tree-PLRU and random, ways keep their places.
/// </remarks>
internal sealed unsafe class Tlb : IDisposable
{
    private readonly ulong* _keys;
    private readonly ulong* _data;
    private readonly ulong* _tree;
    private readonly int _ways;
    private readonly uint _sets;
    private readonly bool _powerOfTwo;
    private readonly bool _ordered;
    private readonly bool _touches;
    private readonly bool _treePlru;
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
        _treePlru = spec.Policy == ReplacementPolicies.TreePlru;
        _touches = spec.Policy == ReplacementPolicies.Lru;
        _ordered = _touches || spec.Policy == ReplacementPolicies.Fifo;
        if (_treePlru && (!BitOperations.IsPow2(_ways) || _ways > 64))
        {
            throw new ArgumentException($"tree-PLRU needs a power of two of ways, at most 64; there are {_ways}", nameof(spec));
        }

        _random = (seed * 0x9E3779B97F4A7C15) | 1;
        Entries = spec.Entries;
        nuint bytes = (nuint)Entries * sizeof(ulong);
        _keys = (ulong*)NativeMemory.AlignedAlloc(bytes, 64);
        _data = (ulong*)NativeMemory.AlignedAlloc(bytes, 64);
        _tree = (ulong*)NativeMemory.AllocZeroed(_sets, sizeof(ulong));
        NativeMemory.Clear(_keys, bytes);
        NativeMemory.Clear(_data, bytes);
    }

    ~Tlb() => Free();

    public int Entries { get; }

    /// <summary>Looks a key up and counts it as used.</summary>
    /// <returns>Where its data stands; null if it is not there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* Find(ulong key, ulong page)
    {
        ulong* keys = _keys + FirstOf(page);
        return *keys == key && _ordered ? _data + (keys - _keys) : FindFurther(key, keys);
    }

    /// <summary>Looks a key up without counting it as used.</summary>
    public ulong* Peek(ulong key, ulong page)
    {
        int first = FirstOf(page);
        for (int way = 0; way < _ways; way++)
        {
            if (_keys[first + way] == key)
            {
                return _data + first + way;
            }
        }

        return null;
    }

    /// <summary>Puts a translation in that is not there, in an empty way or the victim's.</summary>
    public void Fill(ulong key, ulong page, ulong data)
    {
        int first = FirstOf(page);
        ulong* keys = _keys + first;
        int way = 0;
        while (way < _ways && keys[way] != 0)
        {
            way++;
        }

        if (way == _ways)
        {
            way = _ordered ? _ways - 1 : Victim(first / _ways);
        }

        Place(first, way, key, data);
    }

    /// <summary>Drops one key.</summary>
    /// <returns>1 if it was there, else 0.</returns>
    public int Drop(ulong key, ulong page)
    {
        int first = FirstOf(page);
        for (int way = 0; way < _ways; way++)
        {
            if (_keys[first + way] == key)
            {
                Remove(first, way);
                return 1;
            }
        }

        return 0;
    }

    /// <summary>Drops every key whose masked bits lie in a range.</summary>
    /// <returns>How many.</returns>
    public int DropWhere(ulong mask, ulong value, int pageShift, ulong firstPage, ulong pages)
    {
        int dropped = 0;
        for (int first = 0; first < Entries; first += _ways)
        {
            for (int way = _ways - 1; way >= 0; way--)
            {
                ulong key = _keys[first + way];
                if (key != 0 && (key & mask) == value && (key >> pageShift) - firstPage < pages)
                {
                    Remove(first, way);
                    dropped++;
                }
            }
        }

        return dropped;
    }

    /// <summary>Drops every key whose masked bits have another value.</summary>
    /// <returns>How many.</returns>
    public int DropUnless(ulong mask, ulong value)
    {
        int dropped = 0;
        for (int first = 0; first < Entries; first += _ways)
        {
            for (int way = _ways - 1; way >= 0; way--)
            {
                if (_keys[first + way] != 0 && (_keys[first + way] & mask) != value)
                {
                    Remove(first, way);
                    dropped++;
                }
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
            dropped += _keys[i] != 0 ? 1 : 0;
            _keys[i] = 0;
        }

        return dropped;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FirstOf(ulong page) => (int)(_powerOfTwo ? (uint)page & (_sets - 1) : (uint)(page % _sets)) * _ways;

    private ulong* FindFurther(ulong key, ulong* keys)
    {
        for (int way = 0; way < _ways; way++)
        {
            if (keys[way] != key)
            {
                continue;
            }

            int first = (int)(keys - _keys);
            if (_touches)
            {
                Place(first, way, key, _data[first + way]);
                return _data + first;
            }

            if (_treePlru)
            {
                PointAway(first / _ways, way);
            }

            return _data + first + way;
        }

        return null;
    }

    /// <summary>Puts an entry in a way as the newest; in ordered sets, those before the way move back by one.</summary>
    private void Place(int first, int way, ulong key, ulong data)
    {
        if (_ordered)
        {
            for (int i = first + way; i > first; i--)
            {
                _keys[i] = _keys[i - 1];
                _data[i] = _data[i - 1];
            }

            way = 0;
        }
        else if (_treePlru)
        {
            PointAway(first / _ways, way);
        }

        _keys[first + way] = key;
        _data[first + way] = data;
    }

    /// <summary>Empties a way; in ordered sets, those behind it move up, so that empty ways stand last.</summary>
    private void Remove(int first, int way)
    {
        if (_ordered)
        {
            for (int i = first + way; i < first + _ways - 1; i++)
            {
                _keys[i] = _keys[i + 1];
                _data[i] = _data[i + 1];
            }

            way = _ways - 1;
        }

        _keys[first + way] = 0;
    }

    private int Victim(int set)
    {
        if (!_treePlru)
        {
            _random ^= _random << 13;
            _random ^= _random >> 7;
            _random ^= _random << 17;
            return (int)((_random >> 33) % (uint)_ways);
        }

        int node = 1;
        while (node < _ways)
        {
            node = (2 * node) + (int)((_tree[set] >> node) & 1);
        }

        return node - _ways;
    }

    /// <summary>Sets the nodes on a way's path to point to the other half.</summary>
    private void PointAway(int set, int way)
    {
        for (int node = way + _ways; node > 1; node >>= 1)
        {
            ulong bit = 1UL << (node >> 1);
            _tree[set] = (node & 1) == 0 ? _tree[set] | bit : _tree[set] & ~bit;
        }
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_keys);
        NativeMemory.AlignedFree(_data);
        NativeMemory.Free(_tree);
    }
}
