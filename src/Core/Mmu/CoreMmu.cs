using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <summary>
/// The MMU of one core. It has first-level instruction and data TLBs, a second level, three paging-structure caches, and the page walker.
/// Which array holds pages of which size is the profile's choice (<c>CoreMmu.Arrays.cs</c>).
/// </summary>
/// <remarks>
/// A key is page number, tag and page size. Bits 19-63 are the number of the page at its own size, 3-18 the tag, 1-2 the size (0 for 4 KiB,
/// 1 for 2 MiB, 2 for 1 GiB, 3 for 512 GiB); bit 0 is set. Data is the 4 KiB frame number from bit 16 and the page's flags below. Of a
/// group of 4 KiB pages (<c>CoreMmu.Groups.cs</c>) the key has the group's number and bit 63, which no page of a process has.
/// </remarks>
public sealed unsafe partial class CoreMmu : IDisposable
{
    private const int PageShift = 19;
    private const int TagShift = 3;
    internal const int FrameShift = 16;
    private const int Sizes = 4;
    private const ulong TagMask = 0xFFFFUL << TagShift;

    /// <summary>Stands for every tag in keys of global pages.</summary>
    private const ulong GlobalTag = TagMask;

    /// <summary>The flags that each kind of access needs, 16 bits for each, in the order of <see cref="AccessKind"/>.</summary>
    private const ulong NeededByKind =
        (ulong)PageFlags.Execute | ((ulong)PageFlags.Read << 16) | ((ulong)(PageFlags.Write | PageFlags.Dirty) << 32);

    /// <summary>Stands for a first-level array that is left out: nothing is ever put in.</summary>
    private static readonly TlbSpec NeverFilled = new() { Entries = 1, Ways = 1 };

    private readonly bool _hasInstruction;
    private readonly bool _hasData;
    private readonly bool _isJoined;
    private readonly Tlb _instruction;
    private readonly Tlb _data;
    private readonly Tlb? _second;
    private readonly Tlb? _fetchSecond;
    private readonly int _secondCycles;
    private PageTable? _table;
    private ulong _tag;

    /// <summary>Bit n: a page of size n has been cached.</summary>
    private int _sizesSeen = 1;

    private bool _globals;

    /// <summary>Whether the last <see cref="TryHit"/> found nothing; false if it found too few rights.</summary>
    private bool _missed;

    /// <summary>
    /// The 4 KiB page that was hit or filled last, at the first level of data and of instructions: to use it again changes nothing.
    /// </summary>
    private Recent _recentData;

    private Recent _recentFetch;

    /// <summary>Makes an MMU with nothing in it.</summary>
    /// <param name="spec">Sizes, policies and latencies.</param>
    /// <param name="seed">Seed of random replacement.</param>
    public CoreMmu(MmuSpec spec, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(spec);
        _hasInstruction = spec.Instruction4K.Entries > 0;
        _hasData = spec.Data4K.Entries > 0;
        _instruction = new Tlb(_hasInstruction ? spec.Instruction4K : NeverFilled, seed);
        _data = new Tlb(_hasData ? spec.Data4K : NeverFilled, seed + 1);
        _isJoined = spec.JoinedFirst;
        if (spec.Second.Entries == 0 && spec.SecondLarge.Entries + spec.SecondHuge.Entries + spec.SecondInstruction.Entries > 0)
        {
            throw new ArgumentException("there are further second-level arrays without a second level; it needs entries", nameof(spec));
        }

        if (spec.ReachFault is { } fault)
        {
            throw new ArgumentException(fault, nameof(spec));
        }

        _second = Optional(spec.Second, seed + 4);
        _fetchSecond = SetArrays(spec, seed);
        _pde = Cache(spec.PdeEntries);
        _pdpte = Cache(spec.PdpteEntries);
        _pml4e = Cache(spec.Pml4eEntries);
        _secondCycles = spec.SecondCycles;
        _pscCycles = spec.PscCycles;
        _referenceCycles = spec.ReferenceCycles;
        _spec = spec;
        _lines = spec.WalkCost == WalkCosts.CacheLines ? Optional(spec.WalkLines, seed + 5) : null;
        _lineHitCycles = spec.LineHitCycles;
        _lineMissCycles = spec.LineMissCycles;
        _chargesLines = spec.WalkCost == WalkCosts.CacheLines;
        _pairCycles = !_pairs ? 0 : _chargesLines ? spec.LineHitCycles : spec.ReferenceCycles;
        _isPlain = _hasData && _second is not null && !_chargesLines && _groupShift == 0;
        _hasCommonShape = _data.Has<Shape4>() && _second is not null && _second.Has<Shape12>();
        _nested = spec.NestedEntries == 0 ? null : new Tlb(new TlbSpec { Entries = spec.NestedEntries, Ways = spec.NestedEntries }, 0);

        static Tlb? Optional(TlbSpec spec, ulong seed) => spec.Entries == 0 ? null : new Tlb(spec, seed);
        static StructureCache? Cache(int entries) => entries == 0 ? null : new StructureCache(entries);
    }

    /// <summary>Bytes of native memory that the MMU's state takes.</summary>
    public long NativeBytes =>
        _arrays.Append(_lines).Append(_nested).Sum(tlb => tlb?.NativeBytes ?? 0) + Structures().Sum(cache => cache?.NativeBytes ?? 0);

    /// <summary>Switches to an address space; nothing is dropped.</summary>
    /// <param name="asid">The tag of its entries.</param>
    /// <param name="table">Its page table.</param>
    public void Load(Asid asid, PageTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        _tag = (ulong)asid.Value << TagShift;
        _host = null;
        SetTable(table);
    }

    /// <summary>
    /// An access of user mode that hits the first-level TLB and is allowed, dirty bit included: counts it as used. Otherwise changes
    /// nothing that counts, and <see cref="Translate"/> must decide.
    /// </summary>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">Its virtual address.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHit(AccessKind kind, ulong address)
    {
        ulong page = address >> PageSizes.BaseShift;
        ulong key = (page << PageShift) | _tag | 1;
        ulong needed = NeededByUser(kind);
        ref Recent recent = ref kind == AccessKind.Fetch ? ref _recentFetch : ref _recentData;
        if (recent.Key == key && (recent.Data & needed) == needed)
        {
            return true;
        }

        ulong* data = (kind == AccessKind.Fetch ? _instruction : _data).Find(key, page);
        if (data != null)
        {
            recent.Key = key;
            recent.Data = *data;
            _missed = false;
            return (recent.Data & needed) == needed;
        }

        _missed = true;
        return (_sizesSeen != 1 || _globals) && TryHitFurther(kind, address);
    }

    /// <summary>Translates one access: TLBs, then a walk of the table as of a time.</summary>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">Its virtual address.</param>
    /// <param name="user">Whether it is of user mode.</param>
    /// <param name="time">Time of the access.</param>
    public TranslationResult Translate(AccessKind kind, ulong address, bool user, Cycles time)
    {
        ulong needed = user ? NeededByUser(kind) : Needed(kind);
        for (int size = 0; _sizesSeen >> size != 0; size++)
        {
            if (FindFirst(kind, address, size, out ulong data))
            {
                if ((data & needed) == needed)
                {
                    return new TranslationResult(TranslationOutcome.L1Hit, 0, SizeOf(size % Group), data >> FrameShift);
                }

                // Too few rights, or a store to a page that is clean so far: the walk decides, and puts in what it finds.
                DropStale(address);
            }
        }

        return TranslateMissed(kind, address, needed, time.Value);
    }

    /// <summary>Translates one access of user mode for which <see cref="TryHit"/> has just said no.</summary>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">Its virtual address.</param>
    /// <param name="time">Time of the access.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public TranslationResult TranslateMissed(AccessKind kind, ulong address, Cycles time) =>
        _missed ? TranslateMissed(kind, address, NeededByUser(kind), time.Value) : TranslateTooFew(kind, address, time);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private TranslationResult TranslateTooFew(AccessKind kind, ulong address, Cycles time) => Translate(kind, address, user: true, time);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tlb? tlb in (Tlb?[])[.. _arrays, _lines, _nested])
        {
            tlb?.Dispose();
        }

        foreach (StructureCache? cache in Structures())
        {
            cache?.Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Needed(AccessKind kind) => (ushort)(NeededByKind >> (16 * (int)kind));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong NeededByUser(AccessKind kind) => Needed(kind) | (ulong)PageFlags.User;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong KeyOf(ulong page, ulong tag, int size) => (page << PageShift) | tag | ((ulong)(uint)size << 1) | 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ShiftOf(int size) => PageSizes.BaseShift + (9 * size);

    private static PageSize SizeOf(int size) => (PageSize)ShiftOf(size);

    private StructureCache?[] Structures() => [_pde, _pdpte, _pml4e];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private TranslationResult TranslateMissed(AccessKind kind, ulong address, ulong needed, long time)
    {
        if ((kind == AccessKind.Fetch ? _fetchSecond : _second) is not { } second)
        {
            return Walk(kind, address, needed, time, 0);
        }

        ulong page = address >> PageSizes.BaseShift;
        ulong key = (page << PageShift) | _tag | 1;
        ulong* data = second.Find(key, page);
        if (data != null && (*data & needed) == needed)
        {
            ulong found = *data;
            FillFirst4K(kind, key, page, found);
            return new TranslationResult(TranslationOutcome.StlbHit, _secondCycles, PageSize.Size4K, found >> FrameShift);
        }

        if (data == null && _sizesSeen == 1 && !_globals)
        {
            return Walk(kind, address, needed, time, _secondCycles);
        }

        return TranslateFurther(kind, address, needed, time);
    }

    /// <summary>The second level with all page sizes and global pages.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private TranslationResult TranslateFurther(AccessKind kind, ulong address, ulong needed, long time)
    {
        for (int size = 0; _sizesSeen >> size != 0; size++)
        {
            if (FindSecond(kind, address, size, out ulong key, out ulong data))
            {
                if ((data & needed) == needed)
                {
                    if (size == Group)
                    {
                        FillFirstOfGroup(kind, address, key, data);
                        return new TranslationResult(TranslationOutcome.StlbHit, _secondCycles, PageSize.Size4K, data >> FrameShift);
                    }

                    FillFirst(kind, size, key, address >> ShiftOf(size), data);
                    return new TranslationResult(TranslationOutcome.StlbHit, _secondCycles, SizeOf(size), data >> FrameShift);
                }

                DropStale(address);
            }
        }

        return Walk(kind, address, needed, time, _secondCycles);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FillFirst4K(AccessKind kind, ulong key, ulong page, ulong data)
    {
        if (kind == AccessKind.Fetch ? !_hasInstruction : !_hasData)
        {
            return;
        }

        if (kind == AccessKind.Fetch)
        {
            Put(_instruction, key, page, data);
            _recentFetch = new Recent { Key = key, Data = data };
        }
        else
        {
            Put(_data, key, page, data);
            _recentData = new Recent { Key = key, Data = data };
        }
    }

    private void FillFirst(AccessKind kind, int size, ulong key, ulong page, ulong data)
    {
        if (size == 0)
        {
            // A global page's key is not what TryHit compares with: it is never taken for recent, but ends what was.
            FillFirst4K(kind, key, page, data);
        }
        else
        {
            if (FirstOf(kind, size) is { } tlb)
            {
                PutLarge(tlb, key, page, size, data);
            }

            ForgetRecentIfJoined();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryHitFurther(AccessKind kind, ulong address)
    {
        ulong needed = NeededByUser(kind);
        for (int size = 0; _sizesSeen >> size != 0; size++)
        {
            if ((size > 0 || _globals) && FindFirst(kind, address, size, out ulong data))
            {
                _missed = false;
                return (data & needed) == needed;
            }
        }

        return false;
    }

    private bool FindFirst(AccessKind kind, ulong address, int size, out ulong data)
    {
        data = 0;
        if ((_sizesSeen & (1 << size)) == 0 || FirstOf(kind, size) is not { } tlb)
        {
            return false;
        }

        if (size == Group)
        {
            ForgetRecent();
            return FindGroup(tlb, address, out _, out data);
        }

        ulong page = address >> ShiftOf(size);
        ulong* found = tlb.Find(KeyOf(page, _tag, size), page);
        found = found == null && _globals ? tlb.Find(KeyOf(page, GlobalTag, size), page) : found;
        if (found == null)
        {
            return false;
        }

        data = *found;
        if (size == 0)
        {
            ForgetRecent();
        }

        ForgetRecentIfJoined();

        return true;
    }

    private bool FindSecond(AccessKind kind, ulong address, int size, out ulong key, out ulong data)
    {
        data = 0;
        key = 0;
        if ((_sizesSeen & (1 << size)) == 0 || SecondOf(kind, size) is not { } second)
        {
            return false;
        }

        if (size == Group)
        {
            return FindGroup(second, address, out key, out data);
        }

        ulong page = address >> ShiftOf(size);
        key = KeyOf(page, _tag, size);
        ulong* found = second.Find(key, page);
        if (found == null && _globals)
        {
            key = KeyOf(page, GlobalTag, size);
            found = second.Find(key, page);
        }

        data = found == null ? 0 : *found;
        return found != null;
    }

    private void ForgetRecent()
    {
        _recentData = default;
        _recentFetch = default;
    }

    private struct Recent
    {
        public ulong Key;
        public ulong Data;
    }
}
