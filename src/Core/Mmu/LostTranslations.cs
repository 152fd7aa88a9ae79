using System.Numerics;
using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <summary>Is told of refill misses.</summary>
public interface IRefillCounter
{
    /// <summary>Walks have brought back what a core had lost.</summary>
    /// <param name="space">The address space.</param>
    /// <param name="shootdown">The shootdown's number within the space.</param>
    /// <param name="count">How many walks, at least 1.</param>
    void CountRefills(SpaceId space, long shootdown, int count);
}

/// <summary>
/// Remembers the live translations that one core's TLBs lost to shootdowns, so that the walks which bring them back can be counted: refill
/// misses. A translation is live if the page table still gives its page the same frame and at least the same rights.
/// </summary>
/// <remarks>
/// There are a ring of losses, newest last, an open-addressed index of them by TLB key, and a filter of 1 KiB. The filter answers most
/// walks of pages that were not lost. To which shootdown a loss belongs follows from its place in the order of losses. A loss is forgotten
/// when its page is walked, whatever the walk finds. It is also forgotten when it lies in the range of a newer invalidation, when its tag
/// is flushed for another reason than a shootdown, and when the core has lost as many others since as its TLBs have entries. The index
/// keeps what points to a forgotten loss until it is made anew. Memory grows with what is lost, up to 24 bytes an entry of the TLBs: it
/// lies in the host's caches beside the TLBs themselves.
/// </remarks>
/// <param name="entries">Entries of all TLBs of the core. As many losses are remembered, but at most 65,535.</param>
/// <param name="counter">Told of refill misses.</param>
public sealed partial class LostTranslations(int entries, IRefillCounter counter)
{
    private const int SlotsMin = 64;
    private const int FilterShift = 64 - 13;
    private const int BatchesKept = 64;
    private readonly int _capacity = Math.Min(entries, ushort.MaxValue);

    /// <summary>A bit for each hash of a key: not set if no such key is remembered.</summary>
    private readonly ulong[] _filter = new ulong[(1 << (64 - FilterShift)) / 64];

    private Loss[] _losses = [];
    private ushort[] _index = [];
    private int _indexShift = 64;

    /// <summary>Shootdowns, from the serial number of their first loss on; oldest first.</summary>
    private readonly List<Batch> _batches = [];

    /// <summary>More ranges of dead translations, of shootdowns that are handled together.</summary>
    private readonly List<DeadRange> _alsoDead = [];

    private bool _batchIsOpen;

    /// <summary>Losses noted in all: the serial number of the next.</summary>
    private long _serial;

    /// <summary>The serial number of the loss that stood, or will stand, in slot 0 in this round of the ring.</summary>
    private long _round;

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

    /// <summary>Losses forgotten since index and filter were made, which still know them.</summary>
    private int _stale;

    /// <summary>How many losses a walk can still make refill misses of.</summary>
    public int Count { get; private set; }

    /// <summary>Slots of the ring that may hold losses.</summary>
    internal int Used => _wrapped ? _capacity : _head;

    /// <summary>Whether an invalidation for a shootdown is going on, so that what is dropped is noted.</summary>
    internal bool Notes => _table is not null;

    /// <summary>The range that covers what died in the shootdown that is noted.</summary>
    internal DeadRange Dead { get; private set; }

    /// <summary>The ranges of other shootdowns that the same invalidation is for.</summary>
    internal IReadOnlyList<DeadRange> MoreDead => _alsoDead;

    /// <summary>From now to <see cref="End"/>, what the MMU drops is lost to a shootdown.</summary>
    /// <param name="space">The address space.</param>
    /// <param name="shootdown">The shootdown's number within the space.</param>
    /// <param name="table">The space's page table.</param>
    /// <param name="time">Time of the invalidation.</param>
    /// <param name="dead">The range that covers the shootdown's dead translations.</param>
    /// <param name="host">The host's table of the virtual machine that the space is in; null for none.</param>
    public void Begin(SpaceId space, long shootdown, PageTable table, Cycles time, DeadRange dead, PageTable? host = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        _space = space.Value;
        _shootdown = shootdown;
        _table = table;
        _host = host;
        _time = time.Value;
        _leavesBegun = false;
        Dead = dead;
        _alsoDead.Clear();
        _batchIsOpen = false;
        if (_stale > Count / 4)
        {
            MakeIndex();
        }

        if (_batches.Count > BatchesKept)
        {
            int over = _batches.FindLastIndex(batch => batch.First <= _serial - _capacity);
            _batches.RemoveRange(0, Math.Max(0, over));
        }
    }

    /// <summary>
    /// The invalidation is for what died in another shootdown too. Entries of this range count as lost only if they are live, and older
    /// losses in it no longer count. What is lost still belongs to the shootdown of <see cref="Begin"/>. Without one, nothing happens.
    /// </summary>
    /// <param name="dead">The range.</param>
    public void AlsoDead(DeadRange dead)
    {
        if (Notes)
        {
            _alsoDead.Add(dead);
        }
    }

    /// <summary>The invalidation is over.</summary>
    public void End() => _table = null;

    /// <summary>Reports the refill misses that have not been reported.</summary>
    public void Flush()
    {
        if (_refilledCount > 0)
        {
            counter.CountRefills(new SpaceId(_refilledSpace), _refilledShootdown, _refilledCount);
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
        if (Find(key) < 0 && (!MayBeDead(new VirtAddr(CoreMmu.AddressOf(key))) || IsLive(key, data)))
        {
            Add(new Loss(key, data));
        }
    }

    /// <summary>A walk has found a translation; it is a refill miss if the core had lost it.</summary>
    internal void OnWalk(ulong key, ulong data)
    {
        int slot = Find(key);
        if (slot < 0)
        {
            return;
        }

        Remove(slot);
        if (!CoreMmu.Covers(data, _losses[slot].Data))
        {
            return;
        }

        Batch batch = BatchOf(slot);
        if (batch.Space != _refilledSpace || batch.Shootdown != _refilledShootdown)
        {
            Flush();
            _refilledSpace = batch.Space;
            _refilledShootdown = batch.Shootdown;
        }

        _refilledCount++;
    }

    internal void Forget(ulong key)
    {
        int slot = Find(key);
        if (slot >= 0)
        {
            Remove(slot);
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
                Remove(i);
            }
        }
    }

    private void Add(in Loss loss)
    {
        if (Count == 0)
        {
            _head = 0;
            _wrapped = false;
            _round = _serial;
            _batches.Clear();
            _batchIsOpen = false;
        }

        if (_head == _capacity)
        {
            _head = 0;
            _wrapped = true;
            _round = _serial;
        }

        if (_head == _losses.Length)
        {
            Array.Resize(ref _losses, Math.Min(_capacity, Math.Max(SlotsMin, 2 * _losses.Length)));
            MakeIndex();
        }

        if (_losses[_head].Key != 0)
        {
            Remove(_head);
        }

        if (Count + _stale >= _index.Length / 4 * 3)
        {
            MakeIndex();
        }

        if (!_batchIsOpen)
        {
            _batches.Add(new Batch(_serial, _space, _shootdown));
            _batchIsOpen = true;
        }

        _losses[_head] = loss;
        Register(_head);
        _head++;
        _serial++;
        Count++;
    }

    /// <summary>The shootdown that a slot's loss belongs to.</summary>
    private Batch BatchOf(int slot)
    {
        long serial = _round + slot - (slot < _head ? 0 : _capacity);
        int low = 0;
        int high = _batches.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_batches[middle].First <= serial)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return _batches[low];
    }

    /// <summary>Makes index and filter anew, of twice as many slots as there may be losses.</summary>
    private void MakeIndex()
    {
        int slots = 2 * _losses.Length;
        _indexShift = BitOperations.LeadingZeroCount((ulong)slots - 1);
        if (_index.Length == 1 << (64 - _indexShift))
        {
            Array.Clear(_index);
        }
        else
        {
            _index = new ushort[1 << (64 - _indexShift)];
        }

        Array.Clear(_filter);
        _stale = 0;
        for (int slot = 0; slot < _losses.Length; slot++)
        {
            if (_losses[slot].Key != 0)
            {
                Register(slot);
            }
        }
    }

    /// <summary>Enters a slot's loss in index and filter.</summary>
    private void Register(int slot)
    {
        ulong key = _losses[slot].Key;
        Mark(key);
        int at = SlotOf(key);
        while (_index[at] != 0)
        {
            at = (at + 1) & (_index.Length - 1);
        }

        _index[at] = (ushort)(slot + 1);
    }

    private void Mark(ulong key)
    {
        ulong bit = Hash(key) >> FilterShift;
        _filter[bit >> 6] |= 1UL << (int)bit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(ulong key) => key * 0x9E3779B97F4A7C15;

    private int SlotOf(ulong key) => (int)(Hash(key) >> _indexShift);

    /// <summary>The slot of a key's loss; -1 if there is none.</summary>
    private int Find(ulong key)
    {
        if (!MayHold(key))
        {
            return -1;
        }

        for (int at = SlotOf(key); _index[at] != 0; at = (at + 1) & (_index.Length - 1))
        {
            int slot = _index[at] - 1;
            if (_losses[slot].Key == key)
            {
                return slot;
            }
        }

        return -1;
    }

    private void Remove(int slot)
    {
        _losses[slot].Key = 0;
        Count--;
        _stale++;
    }

    /// <summary>A loss: the TLB entry as it was. A key of 0 is no loss.</summary>
    private record struct Loss(ulong Key, ulong Data);

    /// <summary>A shootdown and the serial number of its first loss.</summary>
    private readonly record struct Batch(long First, int Space, long Shootdown);
}
