using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmSim.Core.State;

namespace VmSim.Core.Mmu;

/// <summary>
/// A fully associative cache, with exact LRU, of one kind of paging-structure entry: which table page lies behind a part of an address.
/// </summary>
/// <remarks>
/// Layout: digests of the keys, 16 to a cache line; keys; table pages; a linked list. The list goes from the entry used last to the one
/// used longest ago, empty entries last. A digest is written by writing its whole vector. The next look-up loads that vector, and a host
/// forwards a store that is still on its way only to a load that it covers. A scalar store would make each walk wait until the one before
/// it has retired.
/// </remarks>
internal sealed unsafe class StructureCache : IDisposable, INativeState
{
    private const int LineBytes = 64;
    private const int LineEntries = LineBytes / sizeof(uint);
    private readonly NativeBlock _memory;
    private readonly byte* _digests;
    private readonly ulong* _keys;
    private readonly int* _pages;
    private readonly Link* _links;
    private readonly int _lines;

    public StructureCache(int entries)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(entries);
        Entries = entries;
        _lines = (entries + LineEntries - 1) / LineEntries;
        nuint keys = (nuint)_lines * LineBytes;
        nuint pages = keys + ((nuint)entries * sizeof(ulong));
        nuint links = pages + ((nuint)entries * sizeof(int));
        NativeBytes = (long)(links + ((nuint)(entries + 1) * (nuint)sizeof(Link)));
        _memory = new NativeBlock((nuint)NativeBytes, LineBytes);
        _digests = _memory.Start;
        _keys = (ulong*)(_digests + keys);
        _pages = (int*)(_digests + pages);
        _links = (Link*)(_digests + links);
        Clear();
    }

    public int Entries { get; }

    public long NativeBytes { get; }

    /// <summary>Whether anything was filled since it was cleared.</summary>
    public bool IsUsed { get; private set; }

    /// <summary>Looks a key up and counts it as used.</summary>
    /// <param name="key">Not 0.</param>
    /// <param name="page">The table page.</param>
    public bool Find(ulong key, out int page)
    {
        uint digest = DigestOf(key);
        for (int line = 0; line < _lines; line++)
        {
            uint matches = WayMatch.Of16(_digests + (line * LineBytes), digest, LineEntries);
            while (matches != 0)
            {
                int entry = (line * LineEntries) + BitOperations.TrailingZeroCount(matches);
                if (entry < Entries && _keys[entry] == key)
                {
                    if (_links[Entries].Older != entry)
                    {
                        ToFront(entry);
                    }

                    page = _pages[entry];
                    return true;
                }

                matches &= matches - 1;
            }
        }

        page = 0;
        return false;
    }

    /// <summary>Whether an entry under a masked key leads to one of several table pages.</summary>
    public bool HoldsAny(ulong mask, ulong value, ReadOnlySpan<int> pages)
    {
        for (int entry = 0; entry < Entries; entry++)
        {
            if (_keys[entry] != 0 && (_keys[entry] & mask) == value && pages.Contains(_pages[entry]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What stands in one place of the cache.</summary>
    /// <param name="entry">0 to <see cref="Entries"/> less 1.</param>
    /// <param name="key">The key.</param>
    /// <param name="page">Its table page.</param>
    /// <returns>False if the place is empty.</returns>
    public bool TryRead(int entry, out ulong key, out int page)
    {
        (key, page) = (_keys[entry], _pages[entry]);
        return key != 0;
    }

    /// <summary>Puts in a key that is not there, in place of the one used longest ago.</summary>
    /// <param name="key">Not 0.</param>
    /// <param name="page">The table page.</param>
    public void Fill(ulong key, int page)
    {
        int entry = _links[Entries].Newer;
        ToFront(entry);
        WayMatch.Write16(_digests + (entry / LineEntries * LineBytes), entry % LineEntries, DigestOf(key));
        _keys[entry] = key;
        _pages[entry] = page;
        IsUsed = true;
        AssertConsistent();
    }

    public void Clear()
    {
        NativeMemory.Clear(_digests, (nuint)NativeBytes);
        for (int entry = 0; entry <= Entries; entry++)
        {
            _links[entry] = new Link
            {
                Newer = (ushort)(entry == Entries ? 0 : entry + 1),
                Older = (ushort)(entry == 0 ? Entries : entry - 1),
            };
        }

        IsUsed = false;
    }

    /// <summary>Drops keys whose masked bits have a value; they keep their places in the order.</summary>
    public void DropWhere(ulong mask, ulong value)
    {
        for (int entry = 0; entry < Entries; entry++)
        {
            if ((_keys[entry] & mask) == value)
            {
                _keys[entry] = 0;
            }
        }
    }

    public void Save(BinaryWriter writer) => writer.Write(_memory.Span);

    public void Restore(BinaryReader reader)
    {
        reader.BaseStream.ReadExactly(_memory.Span);
        IsUsed = true;
        AssertConsistent();
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>Asserts that the list names every entry once, and that no key stands in two.</summary>
    [Conditional("DEBUG")]
    private void AssertConsistent()
    {
        int place = Entries;
        for (int i = 0; i < Entries; i++)
        {
            int next = _links[place].Older;
            Debug.Assert(next < Entries && _links[next].Newer == place, "the list of a structure cache is torn");
            Debug.Assert(
                _keys[next] == 0 || new ReadOnlySpan<ulong>(_keys, Entries).Count(_keys[next]) == 1, "a key stands in two entries");
            place = next;
        }

        Debug.Assert(_links[place].Older == Entries, "the list of a structure cache has too many entries");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint DigestOf(ulong key) => (uint)(key >> 19) ^ (uint)(key << 13);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ToFront(int entry)
    {
        Link* links = _links;
        int ends = Entries;
        Link link = links[entry];
        links[link.Newer].Older = link.Older;
        links[link.Older].Newer = link.Newer;
        ushort first = links[ends].Older;
        links[entry].Newer = (ushort)ends;
        links[entry].Older = first;
        links[first].Newer = (ushort)entry;
        links[ends].Older = (ushort)entry;
    }

    /// <summary>
    /// An entry's neighbours. Place <see cref="Entries"/> stands for both ends: older than it is the newest, newer than it the oldest.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Link
    {
        public ushort Newer;
        public ushort Older;
    }
}
