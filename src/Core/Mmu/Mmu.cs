using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <summary>
/// The MMU of one core: first-level instruction and data TLBs for base and larger pages, a unified second level, three paging-structure caches,
/// and the page walker.
/// </summary>
/// <remarks>
/// A key is page number, tag and page size: bits 19-63 the number of the page at its own size, 3-18 the tag, 1-2 the size (0 for 4 KiB, 1 for 2 MiB,
/// 2 for 1 GiB, 3 for 512 GiB), 0 set. Data is the 4 KiB frame number from bit 16 and the page's flags below.
/// </remarks>
public sealed unsafe class Mmu : IDisposable
{
    private const int PageShift = 19;
    private const int TagShift = 3;
    private const int FrameShift = 16;
    private const ulong TagMask = 0xFFFFUL << TagShift;

    /// <summary>Stands for every tag in keys of global pages.</summary>
    private const ulong GlobalTag = TagMask;

    /// <summary>Stands for a first-level array that is left out: nothing is ever put in.</summary>
    private static readonly TlbSpec s_neverFilled = new() { Entries = 1, Ways = 1 };

    private readonly MmuSpec _spec;
    private readonly Tlb _instruction;
    private readonly Tlb? _instructionLarge;
    private readonly Tlb _data;
    private readonly Tlb? _dataLarge;
    private readonly Tlb? _second;
    private readonly Tlb?[] _psc;
    private PageTable? _table;
    private ulong _tag;
    private bool _largePages;
    private bool _globals;

    /// <summary>Whether the last <see cref="TryHit"/> found nothing, as against too few rights.</summary>
    private bool _missed;

    /// <summary>Makes an MMU with nothing in it.</summary>
    /// <param name="spec">Sizes, policies and latencies.</param>
    /// <param name="seed">Seed of random replacement.</param>
    public Mmu(MmuSpec spec, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(spec);
        _spec = spec;
        _instruction = new Tlb(spec.Instruction4K.Entries == 0 ? s_neverFilled : spec.Instruction4K, seed);
        _data = new Tlb(spec.Data4K.Entries == 0 ? s_neverFilled : spec.Data4K, seed + 1);
        _instructionLarge = Optional(spec.InstructionLarge, seed + 2);
        _dataLarge = Optional(spec.DataLarge, seed + 3);
        _second = Optional(spec.Second, seed + 4);
        _psc = [Cache(spec.PdeEntries), Cache(spec.PdpteEntries), Cache(spec.Pml4eEntries)];

        static Tlb? Optional(TlbSpec spec, ulong seed) => spec.Entries == 0 ? null : new Tlb(spec, seed);
        static Tlb? Cache(int entries) => entries == 0 ? null : new Tlb(new TlbSpec { Entries = entries, Ways = entries }, 0);
    }

    /// <summary>Switches to an address space; nothing is dropped.</summary>
    /// <param name="asid">The tag of its entries.</param>
    /// <param name="table">Its page table.</param>
    public void Load(Asid asid, PageTable table)
    {
        _tag = (ulong)asid.Value << TagShift;
        _table = table;
    }

    /// <summary>
    /// An access of user mode that hits the first-level TLB and is allowed, dirty bit included: counts it as used. Otherwise changes nothing that
    /// counts, and <see cref="Translate"/> must decide.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHit(AccessKind kind, ulong address)
    {
        ulong page = address >> PageSizes.BaseShift;
        ulong key = (page << PageShift) | _tag | 1;
        Tlb tlb = kind == AccessKind.Fetch ? _instruction : _data;
        ulong* data = tlb.Find(key, page);
        if (data != null)
        {
            ulong needed = Needed(kind, user: true);
            _missed = false;
            return (*data & needed) == needed;
        }

        _missed = true;
        return (_largePages || _globals) && TryHitFurther(kind, address);
    }

    /// <summary>Translates one access: TLBs, then a walk of the table as of a time.</summary>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">Its virtual address.</param>
    /// <param name="user">Whether it is of user mode.</param>
    /// <param name="time">Time of the access, in cycles.</param>
    public TranslationResult Translate(AccessKind kind, ulong address, bool user, long time)
    {
        ulong needed = Needed(kind, user);
        int sizes = _largePages ? 4 : 1;
        for (int size = 0; size < sizes; size++)
        {
            if (FindFirst(kind, address, size, out ulong* data))
            {
                if ((*data & needed) == needed)
                {
                    return new TranslationResult { Outcome = TranslationOutcome.L1Hit, Size = SizeOf(size), Frame = *data >> FrameShift };
                }

                // Too few rights, or a store to a page that is clean so far: the walk decides, and puts in what it finds.
                DropStale(address);
            }
        }

        return TranslateMissed(kind, address, needed, time);
    }

    /// <summary>Translates one access of user mode for which <see cref="TryHit"/> has just said no.</summary>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">Its virtual address.</param>
    /// <param name="time">Time of the access, in cycles.</param>
    public TranslationResult TranslateMissed(AccessKind kind, ulong address, long time) =>
        _missed ? TranslateMissed(kind, address, Needed(kind, user: true), time) : Translate(kind, address, user: true, time);

    private TranslationResult TranslateMissed(AccessKind kind, ulong address, ulong needed, long time)
    {
        if (_second is null)
        {
            return Walk(kind, address, needed, time, 0);
        }

        int cycles = _spec.SecondCycles;
        int sizes = _largePages ? 4 : 1;
        for (int size = 0; size < sizes; size++)
        {
            if (FindSecond(address, size, out ulong key, out ulong data))
            {
                if ((data & needed) == needed)
                {
                    FirstOf(kind, size)?.Fill(key, address >> ShiftOf(size), data);
                    return new TranslationResult { Outcome = TranslationOutcome.StlbHit, Cycles = cycles, Size = SizeOf(size), Frame = data >> FrameShift };
                }

                DropStale(address);
            }
        }

        return Walk(kind, address, needed, time, cycles);
    }

    /// <summary>The translation that an access would use without a walk, and nothing changes.</summary>
    /// <param name="asid">The tag.</param>
    /// <param name="address">The virtual address.</param>
    /// <param name="frame">Number of the 4 KiB frame where the page's memory begins.</param>
    /// <param name="flags">The page's flags as cached.</param>
    /// <returns>False if no TLB has one.</returns>
    public bool Peek(Asid asid, ulong address, out ulong frame, out PageFlags flags)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        foreach (Tlb? tlb in (ReadOnlySpan<Tlb?>)[_data, _instruction, _dataLarge, _instructionLarge, _second])
        {
            for (int size = 0; tlb is not null && size < 4; size++)
            {
                ulong page = address >> ShiftOf(size);
                ulong* data = tlb.Peek(KeyOf(page, tag, size), page);
                data = data == null ? tlb.Peek(KeyOf(page, GlobalTag, size), page) : data;
                if (data != null)
                {
                    frame = *data >> FrameShift;
                    flags = (PageFlags)(*data & 0xFFFF);
                    return true;
                }
            }
        }

        frame = 0;
        flags = PageFlags.None;
        return false;
    }

    /// <summary>The translation that an access of a kind has just used, and nothing changes.</summary>
    /// <param name="kind">What the access does; fetches and others have first levels of their own.</param>
    /// <param name="asid">The tag.</param>
    /// <param name="address">The virtual address.</param>
    /// <param name="frame">Number of the 4 KiB frame that the address lies in.</param>
    /// <returns>False if no TLB has one.</returns>
    public bool PeekUsed(AccessKind kind, Asid asid, ulong address, out ulong frame)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        for (int size = 0; size < (_largePages ? 4 : 1); size++)
        {
            ulong page = address >> ShiftOf(size);
            ulong* data = Held(FirstOf(kind, size), page, tag, size);
            data = data == null ? Held(_second, page, tag, size) : data;
            if (data != null)
            {
                ulong within = (address >> PageSizes.BaseShift) & ((1UL << (9 * size)) - 1);
                frame = (*data >> FrameShift) + within;
                return true;
            }
        }

        frame = 0;
        return false;
    }

    /// <summary>Whether a paging-structure cache holds a pointer to one of these table pages under a tag.</summary>
    public bool CachesTable(Asid asid, ReadOnlySpan<int> tablePages)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        foreach (Tlb? cache in _psc)
        {
            foreach (int page in tablePages)
            {
                if (cache is not null && cache.Holds(TagMask, tag, (ulong)page))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static ulong* Held(Tlb? tlb, ulong page, ulong tag, int size)
    {
        if (tlb is null)
        {
            return null;
        }

        ulong* data = tlb.Peek(KeyOf(page, tag, size), page);
        return data == null ? tlb.Peek(KeyOf(page, GlobalTag, size), page) : data;
    }

    /// <summary>Drops the translations of one address, and all paging-structure entries, as INVLPG does (Intel SDM vol. 3A, 4.10.4.1).</summary>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidatePage(Asid asid, ulong address) => InvalidateRange(asid, address, 1, PageSize.Size4K);

    /// <summary>Drops the translations of a range, global ones included, and all paging-structure entries.</summary>
    /// <param name="asid">The tag.</param>
    /// <param name="address">Any address of the first page.</param>
    /// <param name="pages">Pages of the stride's size.</param>
    /// <param name="stride">Size of a page.</param>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateRange(Asid asid, ulong address, ulong pages, PageSize stride)
    {
        DropPagingStructures();
        ulong tag = (ulong)asid.Value << TagShift;
        ulong bytes = pages << (int)stride;
        address &= ~(stride.Bytes() - 1);
        int dropped = 0;
        for (int size = 0; size < (_largePages ? 4 : 1); size++)
        {
            int shift = ShiftOf(size);
            ulong first = address >> shift;
            ulong count = ((address + bytes - 1) >> shift) - first + 1;
            foreach (Tlb? tlb in (ReadOnlySpan<Tlb?>)[FirstOf(AccessKind.Load, size), FirstOf(AccessKind.Fetch, size), _second])
            {
                dropped += tlb is null ? 0 : DropPages(tlb, tag, size, first, count);
            }
        }

        return dropped;
    }

    /// <summary>Drops every translation of a tag but global ones, and all paging-structure entries.</summary>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateAsid(Asid asid)
    {
        DropPagingStructures();
        return DropEverywhere(TagMask, (ulong)asid.Value << TagShift);
    }

    /// <summary>Drops every translation, and all paging-structure entries.</summary>
    /// <param name="globals">Whether global ones go too.</param>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateAll(bool globals)
    {
        DropPagingStructures();
        int dropped = 0;
        foreach (Tlb? tlb in Arrays())
        {
            dropped += tlb is null ? 0 : globals || !_globals ? tlb.DropAll() : tlb.DropUnless(TagMask, GlobalTag);
        }

        return dropped;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tlb? tlb in Arrays())
        {
            tlb?.Dispose();
        }

        foreach (Tlb? cache in _psc)
        {
            cache?.Dispose();
        }
    }

    private static ulong Needed(AccessKind kind, bool user)
    {
        ulong rights = kind switch
        {
            AccessKind.Fetch => (ulong)PageFlags.Execute,
            AccessKind.Load => (ulong)PageFlags.Read,
            _ => (ulong)(PageFlags.Write | PageFlags.Dirty),
        };
        return user ? rights | (ulong)PageFlags.User : rights;
    }

    private static ulong KeyOf(ulong page, ulong tag, int size) => (page << PageShift) | tag | ((ulong)size << 1) | 1;

    private static int ShiftOf(int size) => PageSizes.BaseShift + (9 * size);

    private static PageSize SizeOf(int size) => (PageSize)ShiftOf(size);

    private Tlb? FirstOf(AccessKind kind, int size)
    {
        if (size > 0)
        {
            return kind == AccessKind.Fetch ? _instructionLarge : _dataLarge;
        }

        return kind == AccessKind.Fetch
            ? (_spec.Instruction4K.Entries == 0 ? null : _instruction)
            : (_spec.Data4K.Entries == 0 ? null : _data);
    }

    private Tlb?[] Arrays() => [_instruction, _instructionLarge, _data, _dataLarge, _second];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryHitFurther(AccessKind kind, ulong address)
    {
        ulong needed = Needed(kind, user: true);
        for (int size = 0; size < 4; size++)
        {
            if (FindFirst(kind, address, size, out ulong* data))
            {
                _missed = false;
                return (*data & needed) == needed;
            }
        }

        return false;
    }

    private bool FindFirst(AccessKind kind, ulong address, int size, out ulong* data)
    {
        data = null;
        if (FirstOf(kind, size) is not { } tlb)
        {
            return false;
        }

        ulong page = address >> ShiftOf(size);
        data = tlb.Find(KeyOf(page, _tag, size), page);
        data = data == null && _globals ? tlb.Find(KeyOf(page, GlobalTag, size), page) : data;
        return data != null;
    }

    private bool FindSecond(ulong address, int size, out ulong key, out ulong data)
    {
        ulong page = address >> ShiftOf(size);
        key = KeyOf(page, _tag, size);
        ulong* found = _second!.Find(key, page);
        if (found == null && _globals)
        {
            key = KeyOf(page, GlobalTag, size);
            found = _second.Find(key, page);
        }

        data = found == null ? 0 : *found;
        return found != null;
    }

    private TranslationResult Walk(AccessKind kind, ulong address, ulong needed, long time, int cycles)
    {
        PageTable table = _table!;
        ref readonly EntryLayout layout = ref table.Format.Layout;
        int levels = table.Format.Levels;
        int start = FindStart(address, levels, out int page);
        int references = 0;
        ulong entry = 0;
        bool usable = table.Format.IsCanonical(new VirtAddr(address));
        int level = start;
        for (; usable; level--)
        {
            entry = table.ReadEntry(page, EntryLayout.Index(address, level), time);
            references++;
            bool leaf = layout.IsLeaf(entry, level);
            usable = layout.IsPresent(entry);
            if (leaf || !usable)
            {
                break;
            }

            page = layout.ChildTable(entry);
            if (level - 1 < _psc.Length && _psc[level - 1] is { } cache)
            {
                ulong region = address >> ShiftOf(level);
                cache.Fill(KeyOf(region, _tag, 0), region, (ulong)page);
            }
        }

        cycles += _spec.PscCycles + (references * _spec.ReferenceCycles);
        if (!usable)
        {
            DropStale(address);
            return new TranslationResult { Outcome = TranslationOutcome.NotPresentFault, Cycles = cycles, References = references, WalkStart = start };
        }

        return Finish(kind, address, needed, entry, level, new TranslationResult
        {
            Outcome = TranslationOutcome.Walked,
            Cycles = cycles,
            References = references,
            WalkStart = start,
        });
    }

    private TranslationResult Finish(AccessKind kind, ulong address, ulong needed, ulong entry, int level, in TranslationResult walk)
    {
        PageFlags flags = _table!.Format.LeafFlags(entry, level);
        PageFlags demanded = (PageFlags)needed & ~PageFlags.Dirty;
        if ((flags & demanded) != demanded)
        {
            DropStale(address);
            return new TranslationResult
            {
                Outcome = TranslationOutcome.ProtectionFault,
                Cycles = walk.Cycles,
                References = walk.References,
                WalkStart = walk.WalkStart,
            };
        }

        PageFlags bits = (PageFlags.Accessed | ((PageFlags)needed & PageFlags.Dirty)) & ~flags;
        ulong frame = _table.Format.LeafFrame(entry, level).PageNumber;
        ulong data = (frame << FrameShift) | (ulong)(flags | bits);
        bool global = (flags & PageFlags.Global) != 0;
        _globals |= global;
        _largePages |= level > 0;
        ulong page = address >> ShiftOf(level);
        ulong key = KeyOf(page, global ? GlobalTag : _tag, level);
        _second?.Fill(key, page, data);
        FirstOf(kind, level)?.Fill(key, page, data);
        return new TranslationResult
        {
            Outcome = TranslationOutcome.Walked,
            Cycles = walk.Cycles,
            References = walk.References,
            WalkStart = walk.WalkStart,
            BitsSet = bits,
            Size = SizeOf(level),
            Frame = frame,
        };
    }

    /// <summary>The table page and level at which the walk begins: behind the deepest paging-structure entry that is cached.</summary>
    private int FindStart(ulong address, int levels, out int page)
    {
        for (int level = 0; level < _psc.Length; level++)
        {
            if (level + 1 >= levels || _psc[level] is not { } cache)
            {
                continue;
            }

            ulong region = address >> ShiftOf(level + 1);
            ulong* data = cache.Find(KeyOf(region, _tag, 0), region);
            if (data != null)
            {
                page = (int)*data;
                return level;
            }
        }

        page = _table!.Root;
        return levels - 1;
    }

    /// <summary>A fault drops what the TLBs hold for its address (Intel SDM vol. 3A, 4.10.4.1).</summary>
    private void DropStale(ulong address)
    {
        for (int size = 0; size < (_largePages ? 4 : 1); size++)
        {
            ulong page = address >> ShiftOf(size);
            foreach (Tlb? tlb in (ReadOnlySpan<Tlb?>)[FirstOf(AccessKind.Load, size), FirstOf(AccessKind.Fetch, size), _second])
            {
                tlb?.Drop(KeyOf(page, _tag, size), page);
                _ = _globals && tlb is not null ? tlb.Drop(KeyOf(page, GlobalTag, size), page) : 0;
            }
        }
    }

    private int DropPages(Tlb tlb, ulong tag, int size, ulong first, ulong count)
    {
        if (count > (ulong)tlb.Entries)
        {
            ulong exact = TagMask | (3UL << 1);
            ulong wanted = (ulong)size << 1;
            int swept = tlb.DropWhere(exact, tag | wanted, PageShift, Field(first), count);
            return _globals ? swept + tlb.DropWhere(exact, GlobalTag | wanted, PageShift, Field(first), count) : swept;
        }

        int dropped = 0;
        for (ulong page = first; page < first + count; page++)
        {
            dropped += tlb.Drop(KeyOf(page, tag, size), page);
            dropped += _globals ? tlb.Drop(KeyOf(page, GlobalTag, size), page) : 0;
        }

        return dropped;
    }

    /// <summary>A page number as it stands in a key: without the bits that do not fit.</summary>
    private static ulong Field(ulong page) => page << PageShift >> PageShift;

    private int DropEverywhere(ulong mask, ulong value)
    {
        int dropped = 0;
        foreach (Tlb? tlb in Arrays())
        {
            dropped += tlb?.DropWhere(mask, value, PageShift, 0, ulong.MaxValue) ?? 0;
        }

        return dropped;
    }

    private void DropPagingStructures()
    {
        foreach (Tlb? cache in _psc)
        {
            cache?.DropAll();
        }
    }
}
