using System.Numerics;
using System.Runtime.CompilerServices;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <summary>
/// Remembers the live translations that one core's TLBs lost to shootdowns, so that the walks which bring them back can be counted: refill misses. A
/// translation is live if the page table still gives its page the same frame and at least the same rights.
/// </summary>
/// <remarks>
/// A ring of losses, newest last, an open-addressed index of them by TLB key, and a filter of 1 KiB that answers most walks of pages that were not lost. A loss is forgotten when its page is walked, whatever the walk finds;
/// when it lies in the range of a newer invalidation; when its tag is flushed for another reason than a shootdown; and when the core has lost as many
/// others since as its TLBs have entries. Memory grows with what is lost, up to 48 bytes an entry of the TLBs.
/// </remarks>
/// <param name="capacity">Losses remembered: the entries of all TLBs of the core.</param>
/// <param name="refilled">Told of refill misses: the space, the shootdown, how many.</param>
public sealed class LostTranslations(int capacity, Action<int, long, int> refilled)
{
    private const int SlotsMin = 64;
    private const int FilterShift = 64 - 13;

    /// <summary>A bit for each hash of a key: not set if no such key is remembered.</summary>
    private readonly ulong[] _filter = new ulong[(1 << (64 - FilterShift)) / 64];

    private Loss[] _losses = [];
    private int[] _index = [];
    private int _indexShift = 64;

    /// <summary>Where the next loss goes.</summary>
    private int _head;

    /// <summary>Whether the ring has come round, so that slots from <see cref="_head"/> on hold older losses.</summary>
    private bool _wrapped;

    private PageTable? _table;
    private long _time;
    private int _space;
    private long _shootdown;
    private int _refilledSpace;
    private long _refilledShootdown;
    private int _refilledCount;

    /// <summary>Losses removed since the filter was made, whose bits may still be set.</summary>
    private int _removed;

    /// <summary>Losses remembered now.</summary>
    public int Count { get; private set; }

    /// <summary>Slots of the ring that may hold losses.</summary>
    internal int Used => _wrapped ? capacity : _head;

    /// <summary>Whether an invalidation for a shootdown is going on, so that what is dropped is noted.</summary>
    internal bool Notes => _table is not null;

    /// <summary>First address of the range that covers what died in the shootdown that is noted.</summary>
    internal ulong Dead { get; private set; }

    /// <summary>Bytes of that range.</summary>
    internal ulong DeadBytes { get; private set; }

    /// <summary>From now to <see cref="End"/>, what the MMU drops is lost to a shootdown.</summary>
    /// <param name="space">The address space.</param>
    /// <param name="shootdown">The shootdown's number within the space.</param>
    /// <param name="table">The space's page table.</param>
    /// <param name="time">Time of the invalidation, in cycles.</param>
    /// <param name="dead">First address of the range that covers the shootdown's dead translations.</param>
    /// <param name="deadBytes">Bytes of that range.</param>
    public void Begin(int space, long shootdown, PageTable table, long time, ulong dead, ulong deadBytes)
    {
        ArgumentNullException.ThrowIfNull(table);
        _space = space;
        _shootdown = shootdown;
        _table = table;
        _time = time;
        Dead = dead;
        DeadBytes = deadBytes;
        if (_removed > Count / 4)
        {
            MakeFilter();
        }
    }

    /// <summary>The invalidation is over.</summary>
    public void End() => _table = null;

    /// <summary>Reports the refill misses that have not been reported.</summary>
    public void Flush()
    {
        if (_refilledCount > 0)
        {
            refilled(_refilledSpace, _refilledShootdown, _refilledCount);
            _refilledCount = 0;
        }
    }

    /// <summary>Whether a key may be among the losses; false for most that are not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool MayHold(ulong key)
    {
        ulong bit = Hash(key) >> FilterShift;
        return Count > 0 && (_filter[bit >> 6] & (1UL << (int)bit)) != 0;
    }

    /// <summary>The MMU drops an entry; it is a loss if it is live.</summary>
    internal void Note(ulong key, ulong data)
    {
        if (Find(key) < 0 && (Mmu.AddressOf(key) - Dead >= DeadBytes || IsLive(key, data)))
        {
            Add(new Loss(key, data, _shootdown, _space));
        }
    }

    /// <summary>A walk has found a translation; it is a refill miss if the core had lost it.</summary>
    internal void OnWalk(ulong key, ulong data)
    {
        int at = Find(key);
        if (at < 0)
        {
            return;
        }

        Loss loss = _losses[_index[at] - 1];
        Remove(at);
        if (!Mmu.Covers(data, loss.Data))
        {
            return;
        }

        if (loss.Space != _refilledSpace || loss.Shootdown != _refilledShootdown)
        {
            Flush();
            _refilledSpace = loss.Space;
            _refilledShootdown = loss.Shootdown;
        }

        _refilledCount++;
    }

    internal void Forget(ulong key)
    {
        int at = Find(key);
        if (at >= 0)
        {
            Remove(at);
        }
    }

    /// <summary>Forgets every loss whose key, masked, has a value and whose page lies in a range.</summary>
    internal void ForgetWhere(ulong mask, ulong value, int pageShift, ulong firstPage, ulong pages)
    {
        for (int i = 0; i < Used && Count > 0; i++)
        {
            ulong key = _losses[i].Key;
            if (key != 0 && (key & mask) == value && (key >> pageShift) - firstPage < pages)
            {
                Remove(Find(key));
            }
        }
    }

    private bool IsLive(ulong key, ulong data) => Mmu.Lookup(_table!, Mmu.AddressOf(key), Mmu.LevelOf(key), _time, out ulong now) && Mmu.Covers(now, data);

    private void Add(in Loss loss)
    {
        if (Count == 0)
        {
            _head = 0;
            _wrapped = false;
        }

        if (_head == capacity)
        {
            _head = 0;
            _wrapped = true;
        }

        if (_head == _losses.Length)
        {
            Grow();
        }

        if (_losses[_head].Key != 0)
        {
            Remove(Find(_losses[_head].Key));
        }

        _losses[_head] = loss;
        Mark(loss.Key);
        int at = SlotOf(loss.Key);
        while (_index[at] != 0)
        {
            at = (at + 1) & (_index.Length - 1);
        }

        _index[at] = ++_head;
        Count++;
    }

    private void Grow()
    {
        int slots = Math.Min(capacity, Math.Max(SlotsMin, 2 * _losses.Length));
        Array.Resize(ref _losses, slots);
        _indexShift = BitOperations.LeadingZeroCount((ulong)(2 * slots) - 1);
        _index = new int[1 << (64 - _indexShift)];
        for (int i = 0; i < _head; i++)
        {
            if (_losses[i].Key != 0)
            {
                int at = SlotOf(_losses[i].Key);
                while (_index[at] != 0)
                {
                    at = (at + 1) & (_index.Length - 1);
                }

                _index[at] = i + 1;
            }
        }
    }

    private void MakeFilter()
    {
        Array.Clear(_filter);
        _removed = 0;
        for (int i = 0; i < Used; i++)
        {
            if (_losses[i].Key != 0)
            {
                Mark(_losses[i].Key);
            }
        }
    }

    private void Mark(ulong key)
    {
        ulong bit = Hash(key) >> FilterShift;
        _filter[bit >> 6] |= 1UL << (int)bit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(ulong key) => key * 0x9E3779B97F4A7C15;

    private int SlotOf(ulong key) => (int)(Hash(key) >> _indexShift);

    /// <summary>Where the index holds a key; -1 if it does not.</summary>
    private int Find(ulong key)
    {
        if (!MayHold(key))
        {
            return -1;
        }

        for (int at = SlotOf(key); _index[at] != 0; at = (at + 1) & (_index.Length - 1))
        {
            if (_losses[_index[at] - 1].Key == key)
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>Empties a slot of the index and its loss; what was pushed on by it moves back.</summary>
    private void Remove(int at)
    {
        _losses[_index[at] - 1] = default;
        Count--;
        _removed++;
        int mask = _index.Length - 1;
        int hole = at;
        for (int next = (at + 1) & mask; _index[next] != 0; next = (next + 1) & mask)
        {
            int home = SlotOf(_losses[_index[next] - 1].Key);
            if (((next - home) & mask) >= ((next - hole) & mask))
            {
                _index[hole] = _index[next];
                hole = next;
            }
        }

        _index[hole] = 0;
    }

    /// <summary>A loss: the TLB entry as it was, and to which shootdown it went. 32 bytes; a key of 0 is no loss.</summary>
    private readonly record struct Loss(ulong Key, ulong Data, long Shootdown, int Space);
}
