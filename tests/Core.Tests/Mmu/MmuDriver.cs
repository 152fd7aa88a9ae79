using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Mmu;

/// <summary>One step of a random history: an action, an address, a choice, and random bits.</summary>
internal readonly record struct MmuStep(int Action, int Address, int Choice, uint Bits);

/// <summary>Runs random histories on an MMU and on the model side by side.</summary>
internal sealed class MmuDriver : IDisposable
{
    // two pages of one 2 MiB region, one of the next, one of the next 1 GiB, one of the next 512 GiB; all in one set of most geometries
    private static readonly ulong[] Addresses =
        [0x7F00_0000_0000, 0x7F00_0004_0000, 0x7F00_0020_0000, 0x7F00_4000_0000, 0x7E80_0000_0000];

    private readonly CoreMmu _mmu;
    private readonly MmuModel _model;
    private readonly PageTable[] _tables = [new(PageTableFormats.X64), new(PageTableFormats.X64)];
    private readonly bool _exact;
    private int _asid;
    private ulong _nextFrame = 1 << 18;
    private (AccessKind Kind, ulong Address) _last;

    public MmuDriver(MmuSpec spec, ulong seed, bool exact)
    {
        _mmu = new CoreMmu(spec, seed);
        _model = new MmuModel(spec.SecondInstruction.Entries > 0);
        _exact = exact;
        _mmu.Load(new Asid(0), _tables[0]);
    }

    private Asid Asid => new((ushort)_asid);

    private PageTable Table => _tables[_asid];

    public void Run(IEnumerable<MmuStep> steps)
    {
        foreach (MmuStep step in steps)
        {
            Run(step);
        }
    }

    public void Dispose()
    {
        _mmu.Dispose();
        foreach (PageTable table in _tables)
        {
            table.Dispose();
        }
    }

    private void Run(MmuStep step)
    {
        ulong address = Addresses[step.Address] + (step.Bits & 0xFFF);
        switch (step.Action)
        {
            case < 10:
                _last = ((AccessKind)(step.Choice % 3), address);
                Access(_last.Kind, address, user: (step.Bits & 0x7000) != 0, split: (step.Bits & 0x8000) != 0);
                break;
            case < 13:
                Map(address, (PageSize)(12 + (9 * (step.Choice % 3))), Flags(step.Bits));
                break;
            case 13:
                Change(address, Flags(step.Bits));
                break;
            case 14:
                Unmap(address);
                break;
            case 15:
                Repeat();
                Invalidate(step, address);
                Repeat();
                break;
            case 16:
                Repeat();
                _asid = step.Choice & 1;
                _mmu.Load(Asid, Table);
                Repeat();
                break;
            default:
                Peek(address);
                break;
        }
    }

    /// <summary>The last access twice more, so that what an MMU remembers of the page hit last is put to the test.</summary>
    private void Repeat()
    {
        for (int i = 0; i < 2; i++)
        {
            Access(_last.Kind, _last.Address, user: true, split: true);
        }
    }

    private static PageFlags Flags(uint bits) =>
        PageFlags.Read | (PageFlags)((bits >> 16) & (uint)(PageFlags.Write | PageFlags.Execute | PageFlags.Dirty | PageFlags.Accessed))
        | ((bits & 0x3000_0000) != 0 ? PageFlags.User : PageFlags.None) | ((bits & 0xC000_0000) == 0 ? PageFlags.Global : PageFlags.None);

    private void Access(AccessKind kind, ulong address, bool user, bool split)
    {
        if (split && user && _mmu.TryHit(kind, address))
        {
            // nothing more is asked of the MMU, which may remember the page that was hit
            Assert.True(_exact ? _model.Access(kind, _asid, address, user, Table).Outcome == TranslationOutcome.L1Hit
                : _model.MayHit(
                    second: false, kind, _asid, address, user, frame: null), $"hit at {address:x} with a translation that was dropped");
            return;
        }

        TranslationResult result = split && user ? _mmu.TranslateMissed(kind, address, 0) : _mmu.Translate(kind, address, user, 0);
        Assert.False(split && user && result.Outcome == TranslationOutcome.L1Hit);
        if (_exact || result.Outcome is not (TranslationOutcome.L1Hit or TranslationOutcome.StlbHit))
        {
            (TranslationOutcome outcome, ulong frame, PageFlags bits) =
                _exact ? _model.Access(kind, _asid, address, user, Table) : _model.Walk(kind, _asid, address, user, Table);
            Assert.Equal((outcome, frame, bits), (result.Outcome, result.Frame, result.BitsSet));
            _ = bits != PageFlags.None && Table.SetAccessedDirty(new VirtAddr(address), bits);
            return;
        }

        bool second = result.Outcome == TranslationOutcome.StlbHit;
        Assert.True(
            _model.MayHit(second, kind, _asid, address, user, result.Frame),
            $"{result.Outcome} at {address:x} with a translation that was dropped");
        if (second)
        {
            _model.Refill(kind, _asid, address, result.Frame);
        }
    }

    private void Map(ulong address, PageSize size, PageFlags flags)
    {
        ulong start = address & ~(size.Bytes() - 1);
        Table.Map(new VirtAddr(start), PhysAddr.OfPage(_nextFrame), size, flags);
        _nextFrame += 1 << 18;
    }

    private void Change(ulong address, PageFlags flags)
    {
        EntryInfo entry = Table.Query(new VirtAddr(address));
        if (entry.Mapped)
        {
            Table.Set(new VirtAddr(address), entry.Frame, flags);
        }
    }

    private void Unmap(ulong address)
    {
        EntryInfo entry = Table.Query(new VirtAddr(address));
        if (!entry.Mapped)
        {
            return;
        }

        ulong start = address & ~(entry.Size.Bytes() - 1);
        Ignore visitor = default(Ignore);
        Table.UnmapRange(new VirtAddr(start), entry.Size.Bytes(), ref visitor);
        Dropped(_mmu.InvalidateRange(Asid, start, 1, entry.Size), _model.DropRange(_asid, start, entry.Size.Bytes()));
        Assert.Equal(TranslationOutcome.NotPresentFault, _mmu.Translate(AccessKind.Load, address, user: false, 0).Outcome);
    }

    private void Invalidate(MmuStep step, ulong address)
    {
        Asid asid = new((ushort)(step.Bits & 1));
        ulong pages = 1 + ((step.Bits >> 1) & 0x7F);
        switch (step.Choice)
        {
            case 0:
                Dropped(_mmu.InvalidatePage(asid, address), _model.DropPage(asid.Value, address));
                Assert.False(_mmu.Peek(asid, address, out _, out _));
                break;
            case 1:
                Dropped(
                    _mmu.InvalidateRange(asid, address, pages, PageSize.Size4K),
                    _model.DropRange(asid.Value, address & ~0xFFFUL, pages << 12));
                break;
            case 2:
                Dropped(
                    _mmu.InvalidateRange(asid, address, pages, PageSize.Size2M),
                    _model.DropRange(asid.Value, address & ~0x1F_FFFFUL, pages << 21));
                break;
            case 3:
                Dropped(_mmu.InvalidateAsid(asid), _model.DropAsid(asid.Value));
                break;
            default:
                bool globals = (step.Bits & 1) != 0;
                Dropped(_mmu.InvalidateAll(globals), _model.DropAll(globals));
                break;
        }
    }

    private void Dropped(int actual, int expected)
    {
        if (_exact)
        {
            Assert.Equal(expected, actual);
        }
        else
        {
            Assert.InRange(actual, 0, expected);
        }
    }

    private void Peek(ulong address)
    {
        bool found = _mmu.Peek(Asid, address, out ulong frame, out PageFlags flags);
        List<(ulong, PageFlags)> cached = [.. _model.Cached(_asid, address)];
        if (found)
        {
            Assert.Contains((frame, flags), cached);
        }
        else if (_exact)
        {
            Assert.Empty(cached);
        }
    }

    private readonly struct Ignore : IUnmapVisitor
    {
        public void OnUnmapped(VirtAddr address, in EntryInfo entry)
        {
        }
    }
}
