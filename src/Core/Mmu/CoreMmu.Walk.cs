using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>The page walker.</content>
public sealed unsafe partial class CoreMmu
{
    private const int LineShift = 6;
    private const int EntriesPerLineShift = 3;
    private const int FlagsMemoShift = 60;
    private const int FlagsMemoSize = 1 << (64 - FlagsMemoShift);

    private readonly StructureCache? _pde;
    private readonly StructureCache? _pdpte;
    private readonly StructureCache? _pml4e;
    private readonly Tlb? _lines;
    private readonly bool _chargesLines;
    private readonly int _lineHitCycles;
    private readonly int _lineMissCycles;
    private readonly int _pscCycles;
    private readonly int _referenceCycles;

    /// <summary>
    /// Flags that leaves' attribute bits stand for, as the format said when it was asked: by level and a hash of the bits.
    /// </summary>
    private readonly FlagsMemo[] _flags = new FlagsMemo[Sizes * FlagsMemoSize];

    private readonly MmuSpec _spec;
    private EntryLayout _layout;
    private PageTableFormat? _format;
    private int _levels;

    /// <summary>Accessed, dirty or both: a walk that finds one clear which the access needs is a page fault.</summary>
    private PageFlags _faultSets;

    private void SetTable(PageTable table)
    {
        _table = table;
        if (!ReferenceEquals(table.Format, _format))
        {
            _format = table.Format;
            _layout = _format.Layout;
            _levels = _format.Levels;
            _faultSets = _spec.FaultSets(_format);
            Array.Clear(_flags);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private TranslationResult Walk(AccessKind kind, ulong address, ulong needed, long time, int cycles)
    {
        if (_host is not null)
        {
            return WalkNested(kind, address, needed, time, cycles);
        }

        PageTable table = _table!;
        int level = FindStart(address, out int page);
        int start = level;
        cycles += _pscCycles;
        if (!_format!.IsCanonical(new VirtAddr(address)))
        {
            return Fault(TranslationOutcome.NotPresentFault, address, cycles, 0, start);
        }

        int references = 0;
        ulong entry;
        while (true)
        {
            int index = EntryLayout.Index(address, level);
            entry = table.ReadEntry(page, index, time);
            references++;
            cycles += _chargesLines ? LineCycles(table.TableAddress(page), index) : _referenceCycles;
            if (!_layout.IsPresent(entry))
            {
                DropStaleStructures(address, table, time);
                return Fault(TranslationOutcome.NotPresentFault, address, cycles, references, start);
            }

            if (_layout.IsLeaf(entry, level))
            {
                break;
            }

            page = _layout.ChildTable(entry);
            FillStructure(address, level, page);
            level--;
        }

        PageFlags flags = FlagsOf(entry, level);
        PageFlags demanded = (PageFlags)needed & ~PageFlags.Dirty;
        if ((flags & demanded) != demanded)
        {
            return Fault(TranslationOutcome.ProtectionFault, address, cycles, references, start);
        }

        PageFlags bits = (PageFlags.Accessed | ((PageFlags)needed & PageFlags.Dirty)) & ~flags;
        if ((bits & _faultSets) != PageFlags.None)
        {
            return Fault(TranslationOutcome.ProtectionFault, address, cycles, references, start);
        }

        ulong frame = _layout.LeafFrame(entry, level).PageNumber;
        if (_groupShift == 0 || level > 0)
        {
            FillTranslation(kind, address, level, frame, flags | bits);
        }
        else
        {
            ulong data = DataOf(frame, flags | bits);
            FillWithNeighbours(kind, address, data, ReadGroup(page, EntryLayout.Index(address, 0), data, time));
            references += _pairs ? 1 : 0;
            cycles += _pairCycles;
        }

        return new TranslationResult(TranslationOutcome.Walked, cycles, references, start, SizeOf(level), frame, bits);
    }

    /// <summary>Puts a translation in both levels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FillTranslation(AccessKind kind, ulong address, int level, ulong frame, PageFlags flags)
    {
        ulong data = (frame << FrameShift) | (ulong)flags;
        ulong page = address >> ShiftOf(level);
        ulong tag = _tag;
        if ((flags & PageFlags.Global) != 0)
        {
            tag = GlobalTag;
            _globals = true;
        }

        ulong key = KeyOf(page, tag, level);
        _sizesSeen |= 1 << level;
        if (_tellsFills)
        {
            TellFill(key);
        }

        if (SecondOf(kind, level) is { } second)
        {
            if (level == 0)
            {
                Put(second, key, page, data);
            }
            else
            {
                PutLarge(second, key, page, level, data);
            }
        }

        FillFirst(kind, level, key, page, data);
        if (_losses is { } losses && losses.MayHold(key))
        {
            TellWalk(losses, key, data);
        }
    }

    /// <summary>The table page and level at which the walk begins: behind the deepest paging-structure entry that is cached.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FindStart(ulong address, out int page)
    {
        if (_pde is { } pde && pde.Find(StructureKey(address, 0), out page))
        {
            return 0;
        }

        if (_pdpte is { } pdpte && pdpte.Find(StructureKey(address, 1), out page))
        {
            return 1;
        }

        if (_levels > 3 && _pml4e is { } pml4e && pml4e.Find(StructureKey(address, 2), out page))
        {
            return 2;
        }

        page = 0;
        return _levels - 1;
    }

    /// <summary>Remembers which table page an entry of a level points to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FillStructure(ulong address, int level, int page)
    {
        StructureCache? cache = level == 1 ? _pde : level == 2 ? _pdpte : level == 3 ? _pml4e : null;
        cache?.Fill(StructureKey(address, level - 1), page);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong StructureKey(ulong address, int level) => ((address >> ShiftOf(level + 1)) << PageShift) | _tag | 1;

    /// <summary>Cycles of a reference by the lines that are cached; its line is cached from now on.</summary>
    private int LineCycles(PhysAddr table, int index)
    {
        if (_lines is not { } lines)
        {
            return _lineMissCycles;
        }

        ulong line = (table.Value >> LineShift) + ((ulong)(uint)index >> EntriesPerLineShift);
        ulong key = (line << PageShift) | 1;
        if (lines.Find(key, line) != null)
        {
            return _lineHitCycles;
        }

        lines.Fill(key, line, 0);
        return _lineMissCycles;
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
    private TranslationResult Fault(TranslationOutcome outcome, ulong address, int cycles, int references, int start)
    {
        DropStale(address);
        return new TranslationResult(outcome, cycles, references, start, 0, 0, PageFlags.None);
    }

    /// <summary>An entry without attribute bits is not present, so that an empty memo is never taken for one.</summary>
    private struct FlagsMemo
    {
        public ulong Attributes;
        public PageFlags Flags;
    }
}
