using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Mmu;

/// <content>The hot loop: user accesses to 4 KiB pages, as long as nothing outside the MMU has to hear of one.</content>
/// <remarks>
/// It does what <see cref="TryHit"/> and <see cref="TranslateMissed(AccessKind, ulong, Cycles)"/> do one by one, in three short methods.
/// Cases that are rare or exclude each other are left out, so that what the methods need stays in registers.
/// </remarks>
public sealed unsafe partial class CoreMmu
{
    /// <summary>
    /// As <see cref="NeededByKind"/>, for the first level of data: of a fetch, and of what is no access, all bits, which no page has.
    /// </summary>
    private const ulong NeededOfData = (NeededByKind & ~0xFFFFUL) | 0xFFFF | (0xFFFFUL << 48);

    /// <summary>Bits of <see cref="FindPlain"/>'s result that say where it found the page; cycles stand above them.</summary>
    private const int SecondBit = 1;

    private const int WalkBit = 2;
    private const int CyclesShift = 2;

    /// <summary>Operations from a walk to those whose entries are fetched, and how many; calibrated.</summary>
    private const int Ahead = 3;

    private const int AheadCount = 3;
    private const int LeafTables = 32;

    /// <summary>Table pages that walks read leaves from lately, by address: a guess where others will read.</summary>
    private readonly int[] _leafTables = new int[LeafTables];

    private readonly bool _hasCommonShape;
    private bool _isPlain;

    /// <summary>
    /// Whether <see cref="Run"/> gets on: there are two levels, walks cost the same everywhere, and no large or global page was seen.
    /// </summary>
    public bool CanRun => _isPlain && _sizesSeen == 1 && !_globals && _host is null;

    /// <summary>
    /// Makes the accesses of a buffer until one begins at or after a time, or needs the general way. The general way is for a fetch from
    /// another page than the last, for an access that faults or sets bits of its entry, and for a walk that does not begin behind a cached
    /// directory entry. It is also for what is no access at all. What stands before that is done, and nothing of it.
    /// </summary>
    /// <param name="operations">Operations (see <see cref="Operation"/>); of a run that is cut in two, the rest is put back.</param>
    /// <param name="length">How many there are.</param>
    /// <param name="until">No access begins at this time or later.</param>
    /// <param name="costs">Cycles of each <see cref="AccessKind"/> beside its translation.</param>
    /// <param name="run">Where to begin; afterwards, how far it came. Counts are added.</param>
    /// <param name="watch">Told of each operation that is made, once it is translated.</param>
    public void Run<TWatch>(ulong[] operations, int length, Cycles until, long[] costs, ref AccessRun run, TWatch watch)
        where TWatch : struct, IAccessWatch
    {
        if (_hasCommonShape)
        {
            RunShaped<TWatch, Shape4, Shape12>(operations, length, until.Value, costs, ref run, watch);
        }
        else
        {
            RunShaped<TWatch, AnyShape, AnyShape>(operations, length, until.Value, costs, ref run, watch);
        }
    }

    /// <summary>
    /// Says that an address of the loaded space will be translated soon. Said a few accesses ahead, the host's memory latency passes beside
    /// other work. It changes nothing that is simulated, and is worth its time where consecutive accesses go to different pages.
    /// </summary>
    /// <param name="address">A virtual address.</param>
    public void Prefetch(ulong address)
    {
        if (address >> PageSizes.BaseShift != _recentData.Key >> PageShift)
        {
            _table!.Prefetch(address);
        }
    }

    private void RunShaped<TWatch, TFirst, TSecond>(
        ulong[] operations, int length, long until, long[] costs, ref AccessRun run, TWatch watch)
        where TWatch : struct, IAccessWatch
        where TFirst : struct, ITlbShape
        where TSecond : struct, ITlbShape
    {
        ref ulong buffer = ref MemoryMarshal.GetArrayDataReference(operations);
        ulong tag = _tag | 1;
        long clock = run.Clock;
        long accesses = 0;
        int position = run.Position;
        while (clock < until && position < length)
        {
            long began = clock;
            ulong word = Unsafe.Add(ref buffer, position);
            ulong page = word >> PageSizes.BaseShift;
            ulong key = (page << PageShift) | tag;
            int kind = (int)word & 3;
            ulong needed = (ushort)(NeededOfData >> (16 * kind)) | (ulong)PageFlags.User;
            if (_recentData.Key != key || (_recentData.Data & needed) != needed)
            {
                if ((kind - 1) >> 1 == 0)
                {
                    int found = FindPlain<TFirst, TSecond>(key, page, needed, clock);
                    if (found < 0)
                    {
                        break;
                    }

                    run.SecondLevelHits += found & SecondBit;
                    run.Walks += (found >> 1) & 1;
                    run.WalkCycles += found >> CyclesShift;
                    clock += found >> CyclesShift;
                    if ((found & WalkBit) != 0)
                    {
                        watch.OnWalk(began, word);
                        PrefetchLeaves(ref buffer, position + Ahead, length);
                    }
                }
                else if (!IsRecentFetch(kind, key))
                {
                    break;
                }
            }

            long cost = costs[kind];
            uint more = (uint)(word >> 2) & 0x3FF;
            if (more == 0)
            {
                watch.OnAccess(began, (AccessKind)kind, word);
                clock += cost;
                accesses++;
                position++;
                continue;
            }

            // the first reference is made whatever its translation cost
            long room = cost == 1 ? until - clock : (until - clock + cost - 1) / cost;
            long count = Math.Max(1, Math.Min(room, (long)more + 1));
            watch.OnAccess(count == 1 ? began : clock + ((count - 1) * cost), (AccessKind)kind, word);
            clock += count * cost;
            accesses += count;
            position += PutBack(ref Unsafe.Add(ref buffer, position), more + 1 - count);
        }

        run.Position = position;
        run.Clock = clock;
        run.Accesses += accesses;
    }

    /// <summary>Leaves what is left of a run of references in its place.</summary>
    /// <returns>How many operations are done: 1 if nothing is left, else 0.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PutBack(ref ulong operation, long left)
    {
        if (left <= 0)
        {
            return 1;
        }

        operation = Operation.Access((AccessKind)(operation & 3), operation, (int)left);
        return 0;
    }

    /// <summary>
    /// Where one access had to walk, the next ones are likely to. The host is told to fetch the entries that they would read, so that its
    /// memory latencies overlap. Nothing that is simulated changes, and a page that is none does no harm.
    /// </summary>
    private void PrefetchLeaves(ref ulong operations, int from, int length)
    {
        if (from + AheadCount > length)
        {
            return;
        }

        PageTable table = _table!;
        for (int i = from; i < from + AheadCount; i++)
        {
            ulong page = Unsafe.Add(ref operations, i) >> PageSizes.BaseShift;
            table.Prefetch(_leafTables[(page >> EntryLayout.BitsPerLevel) % LeafTables], (int)page & (EntryLayout.EntriesPerTable - 1));
        }
    }

    /// <summary>Whether an operation is a fetch of the page that was fetched from last.</summary>
    private bool IsRecentFetch(int kind, ulong key)
    {
        const ulong Needed = (ulong)(PageFlags.Execute | PageFlags.User);
        return kind == (int)AccessKind.Fetch && _recentFetch.Key == key && (_recentFetch.Data & Needed) == Needed;
    }

    /// <summary>Translates a load or store whose page was not the last one.</summary>
    /// <returns>Where it was found and the cycles that took; -1 if another must decide, and nothing was changed that counts.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int FindPlain<TFirst, TSecond>(ulong key, ulong page, ulong needed, long time)
        where TFirst : struct, ITlbShape
        where TSecond : struct, ITlbShape
    {
        ulong* data = _data.Find<TFirst>(key, page);
        if (data != null)
        {
            ulong held = *data;
            _recentData.Key = key;
            _recentData.Data = held;
            return (held & needed) == needed ? 0 : -1;
        }

        data = _second!.Find<TSecond>(key, page);
        if (data == null)
        {
            return WalkPlain<TFirst, TSecond>(key, page, needed, time);
        }

        ulong found = *data;
        if ((found & needed) != needed)
        {
            return -1;
        }

        _data.Fill<TFirst>(key, page, found);
        _recentData.Key = key;
        _recentData.Data = found;
        return (_secondCycles << CyclesShift) | SecondBit;
    }

    /// <summary>A walk of one reference that finds a page whose bits need not change; -1 if it is not one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int WalkPlain<TFirst, TSecond>(ulong key, ulong page, ulong needed, long time)
        where TFirst : struct, ITlbShape
        where TSecond : struct, ITlbShape
    {
        ulong address = page << PageSizes.BaseShift;
        if (_pde is not { } pde || !pde.Find(StructureKey(address, 0), out int tablePage))
        {
            return -1;
        }

        ulong entry = _table!.ReadEntry(tablePage, (int)page & (EntryLayout.EntriesPerTable - 1), time);
        ulong attributes = entry & ~_layout.AddressMask;
        ref FlagsMemo memo = ref _flags[(int)((attributes * 0x9E3779B97F4A7C15) >> FlagsMemoShift)];
        ulong flags = (ulong)memo.Flags;
        ulong demanded = needed | (ulong)PageFlags.Accessed;
        if (memo.Attributes != attributes || (flags & (demanded | (ulong)PageFlags.Global)) != demanded)
        {
            return -1;
        }

        _leafTables[(page >> EntryLayout.BitsPerLevel) % LeafTables] = tablePage;
        ulong data = (_layout.LeafFrame(entry, 0).PageNumber << FrameShift) | flags;
        _second!.Fill<TSecond>(key, page, data);
        _data.Fill<TFirst>(key, page, data);
        _recentData.Key = key;
        _recentData.Data = data;
        if (_losses is { } losses && losses.MayHold(key))
        {
            TellWalk(losses, key, data);
        }

        return ((_secondCycles + _pscCycles + _referenceCycles) << CyclesShift) | WalkBit;
    }
}
