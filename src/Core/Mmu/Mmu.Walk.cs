using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>The page walker.</content>
public sealed unsafe partial class Mmu
{
    private const int FlagsMemoShift = 60;
    private const int FlagsMemoSize = 1 << (64 - FlagsMemoShift);

    private readonly Tlb?[] _psc;
    private readonly int _pscCycles;
    private readonly int _referenceCycles;

    /// <summary>Flags that leaves' attribute bits stand for, as the format said when it was asked: by level and a hash of the bits.</summary>
    private readonly FlagsMemo[] _flags = new FlagsMemo[Sizes * FlagsMemoSize];

    private EntryLayout _layout;
    private PageTableFormat? _format;
    private int _levels;

    private void SetTable(PageTable table)
    {
        _table = table;
        if (!ReferenceEquals(table.Format, _format))
        {
            _format = table.Format;
            _layout = _format.Layout;
            _levels = _format.Levels;
            Array.Clear(_flags);
        }
    }

    private TranslationResult Walk(AccessKind kind, ulong address, ulong needed, long time, int cycles)
    {
        PageTable table = _table!;
        int level = FindStart(address, out int page);
        int start = level;
        cycles += _pscCycles;
        if (!_format!.IsCanonical(new VirtAddr(address)))
        {
            return Fault(TranslationOutcome.NotPresentFault, address, new WalkCost(cycles, 0, start));
        }

        int references = 0;
        ulong entry;
        while (true)
        {
            entry = table.ReadEntry(page, EntryLayout.Index(address, level), time);
            references++;
            cycles += _referenceCycles;
            if (!_layout.IsPresent(entry))
            {
                return Fault(TranslationOutcome.NotPresentFault, address, new WalkCost(cycles, references, start));
            }

            if (_layout.IsLeaf(entry, level))
            {
                break;
            }

            page = _layout.ChildTable(entry);
            level--;
            if (_psc[level] is { } cache)
            {
                ulong region = address >> ShiftOf(level + 1);
                cache.Fill(KeyOf(region, _tag, 0), region, (ulong)page);
            }
        }

        return Finish(kind, address, needed, entry, level, new WalkCost(cycles, references, start));
    }

    private TranslationResult Finish(AccessKind kind, ulong address, ulong needed, ulong entry, int level, WalkCost cost)
    {
        PageFlags flags = FlagsOf(entry, level);
        PageFlags demanded = (PageFlags)needed & ~PageFlags.Dirty;
        if ((flags & demanded) != demanded)
        {
            return Fault(TranslationOutcome.ProtectionFault, address, cost);
        }

        PageFlags bits = (PageFlags.Accessed | ((PageFlags)needed & PageFlags.Dirty)) & ~flags;
        ulong frame = _layout.LeafFrame(entry, level).PageNumber;
        ulong data = (frame << FrameShift) | (ulong)(flags | bits);
        ulong page = address >> ShiftOf(level);
        ulong tag = _tag;
        if ((flags & PageFlags.Global) != 0)
        {
            tag = GlobalTag;
            _globals = true;
        }

        ulong key = KeyOf(page, tag, level);
        _sizesSeen |= 1 << level;
        _second?.Fill(key, page, data);
        if (level == 0)
        {
            FillFirst4K(kind, key, page, data);
        }
        else
        {
            FirstOf(kind, level)?.Fill(key, page, data);
        }

        return new TranslationResult
        {
            Outcome = TranslationOutcome.Walked,
            Cycles = cost.Cycles,
            References = cost.References,
            WalkStart = cost.Start,
            BitsSet = bits,
            Size = SizeOf(level),
            Frame = frame,
        };
    }

    /// <summary>The table page and level at which the walk begins: behind the deepest paging-structure entry that is cached.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FindStart(ulong address, out int page)
    {
        Tlb?[] psc = _psc;
        for (int level = 0; level < _levels - 1; level++)
        {
            if (psc[level] is { } cache)
            {
                ulong region = address >> ShiftOf(level + 1);
                ulong* data = cache.Find(KeyOf(region, _tag, 0), region);
                if (data != null)
                {
                    page = (int)*data;
                    return level;
                }
            }
        }

        page = 0;
        return _levels - 1;
    }

    private PageFlags FlagsOf(ulong entry, int level)
    {
        ulong attributes = entry & ~_layout.AddressMask;
        ref FlagsMemo memo = ref _flags[(level * FlagsMemoSize) + (int)((attributes * 0x9E3779B97F4A7C15) >> FlagsMemoShift)];
        if (memo.Attributes != attributes)
        {
            memo = new FlagsMemo { Attributes = attributes, Flags = _format!.LeafFlags(entry, level) };
        }

        return memo.Flags;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private TranslationResult Fault(TranslationOutcome outcome, ulong address, WalkCost cost)
    {
        DropStale(address);
        return new TranslationResult { Outcome = outcome, Cycles = cost.Cycles, References = cost.References, WalkStart = cost.Start };
    }

    private readonly record struct WalkCost(int Cycles, int References, int Start);

    /// <summary>An entry without attribute bits is not present, so that an empty memo is never taken for one.</summary>
    private struct FlagsMemo
    {
        public ulong Attributes;
        public PageFlags Flags;
    }
}
