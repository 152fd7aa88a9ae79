using System.Numerics;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;

namespace VmSim.Core.Checking;

/// <summary>
/// Watches the memory of one group of spaces. When a frame or table page is free again, no walk may still read the table as it was, and no
/// TLB or paging-structure cache may lead to it under any tag. A tag that its core cannot use without a flush first is excepted, and
/// verified later.
/// </summary>
internal sealed class ReleaseChecker
{
    private readonly TranslationChecker _checker;
    private readonly MemoryPool _pool;
    private readonly ICheckedCore[] _cores;
    private readonly long _coreToSpace;
    private readonly FrameHolders[] _holders;

    /// <summary>Frames of the batch at hand that are free now and that nobody reaches.</summary>
    private readonly HashSet<ulong> _freed = [];

    private bool _largeUsed;

    /// <summary>Watches a memory pool.</summary>
    /// <param name="checker">Who watches the run.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="cores">The cores of the domain of its spaces, by rising number.</param>
    /// <param name="coreCount">Cores of the machine.</param>
    /// <param name="coreToSpace">Least delay of a message from a core to a space, in cycles.</param>
    public ReleaseChecker(TranslationChecker checker, MemoryPool pool, ICheckedCore[] cores, int coreCount, long coreToSpace)
    {
        _checker = checker;
        _pool = pool;
        _cores = cores;
        _coreToSpace = coreToSpace;
        _holders =
            [.. new[] { PageSize.Size4K, PageSize.Size2M,
                PageSize.Size1G }.Select(size => new FrameHolders(pool.Frames, coreCount, size))];
    }

    /// <summary>Who watches the host of the virtual machine that the pool is the memory of; null for none.</summary>
    public HostChecker? Host { get; init; }

    /// <summary>The frame to which TLBs lead for a frame of the pool: in a virtual machine, the host's.</summary>
    public ulong InMachine(ulong frame) => Host?.ToHost(frame) ?? frame;

    /// <summary>A page table maps adjacent frames from now on.</summary>
    public void Cover(ulong frame, ulong count)
    {
        _holders[0].Cover(frame, count);
        if (count > 1)
        {
            _largeUsed = true;
        }

        if (_largeUsed)
        {
            _holders[1].Cover(frame, count);
            _holders[2].Cover(frame, count);
        }
    }

    /// <summary>A core uses a frame through a translation of a page. Cores may run at the same time.</summary>
    public void NoteUse(ulong frame, ulong page, PageSize size, CoreId core) =>
        _holders[((int)size - PageSizes.BaseShift) / 9].Note(frame, page, core.Value);

    /// <summary>A batch has been given back.</summary>
    /// <param name="space">The space.</param>
    /// <param name="operation">The operation that gave it up.</param>
    /// <param name="batch">What it is.</param>
    /// <param name="now">When, in cycles.</param>
    public void Check(SpaceChecker space, OperationTrace operation, ReleaseBatch batch, long now)
    {
        // A space hears of what a core did no sooner than a message takes, so a core's walks may be as far behind it.
        bool killed = operation.Dead.Count > 0 || !batch.Tables.IsEmpty;
        if (killed && operation.VisibleAt > now - _coreToSpace && Walker(space) is { } walker)
        {
            ReportPendingView(space, operation, batch, walker, now);
            return;
        }

        _freed.Clear();
        foreach (FrameRun run in batch.Frames)
        {
            for (ulong i = 0; i < run.Count; i++)
            {
                PhysAddr frame = run.First + (i << PageSizes.BaseShift);
                if (!_pool.Frames.Owns(frame))
                {
                    if (!CheckFrame(space, operation, frame.PageNumber, now))
                    {
                        return;
                    }

                    _freed.Add(frame.PageNumber);
                }

                ForgetLarge(frame.PageNumber, i);
            }
        }

        space.Forget(operation, _freed);

        if (!batch.Tables.IsEmpty && space.SharesTablePages)
        {
            CheckTables(space, operation, batch.Tables.Pages!, now);
        }
    }

    /// <summary>A tag was taken up again and still led to memory that was given back.</summary>
    public void ReportReuse(in PendingCheck check, CoreId core, Asid tag, long now)
    {
        TraceLines lines = new();
        string what = "a freed table page";
        if (check.IsTable)
        {
            lines.AddStart(check.Operation, $"table page {check.Number} leaves the page table");
        }
        else
        {
            what = $"page {VirtAddr.OfPage(check.Number)} -> frame 0x{check.Frame:x}, which is free";
            AddKill(lines, check.Death, check.Operation, check.Frame);
            lines.AddFill(core, check.Number, check.Frame, _checker.Core(core).FilledAt(check.Space.Id.Value, check.Number));
        }

        string message =
            $"core {core} goes on under tag {tag.Value} without a flush, and its "
                + $"{(check.IsTable ? "paging-structure cache" : "TLB")} still has {what}";
        lines.AddTold(check.Operation, core, now)
            .AddReturn(check.Operation, now)
            .Add(
                check.Time,
                $"{What(check.IsTable, check.Number, check.Frame)} is free for anyone; core {core} cannot use tag {tag.Value} now")
            .Add(now, message);
        Report(check.IsTable ? CheckRule.EarlyTableRelease : CheckRule.EarlyRelease, check.Space, message, lines, now);
    }

    /// <summary>Looks for cores that reach a free frame; false if a violation was reported.</summary>
    private bool CheckFrame(SpaceChecker space, OperationTrace operation, ulong frame, long now)
    {
        for (int size = 0; size < (_largeUsed ? _holders.Length : 1); size++)
        {
            ReadOnlySpan<ulong> words = _holders[size].CoresOf(frame, out ulong page);
            for (int word = 0; word < words.Length; word++)
            {
                for (ulong bits = words[word]; bits != 0; bits &= bits - 1)
                {
                    if (!CheckCore(space, operation, _checker.Core(new CoreId((word << 6) + BitOperations.TrailingZeroCount(bits))), page,
                        frame, now))
                    {
                        return false;
                    }
                }
            }
        }

        _holders[0].Forget(frame);
        return true;
    }

    /// <summary>A large page's frames are free up to its last one: nobody holds it any more.</summary>
    private void ForgetLarge(ulong frame, ulong before)
    {
        for (int size = 1; _largeUsed && size < _holders.Length; size++)
        {
            ulong last = (1UL << (9 * size)) - 1;
            if ((frame & last) == last && before >= last && !_pool.Frames.Owns(PhysAddr.OfPage(frame)))
            {
                _holders[size].Forget(frame);
            }
        }
    }

    private bool CheckCore(SpaceChecker space, OperationTrace operation, CoreChecker core, ulong page, ulong frame, long now)
    {
        foreach (Asid tag in core.TagsOf(_pool.Index))
        {
            ulong found = page;
            bool holds = page == FrameHolders.Several
                ? core.Watched.Mmu.FindFrame(tag, InMachine(frame), out found)
                : core.Watched.Mmu.MapsTo(tag, page << PageSizes.BaseShift, InMachine(frame));
            if (!holds)
            {
                continue;
            }

            // A device mapping may lead to any frame and owns none: what the table still says is no old translation.
            SpaceChecker owner = core.SpaceOf(tag) is >= 0 and int last ? _checker.Space(last) : space;
            if (owner.Maps(found, frame))
            {
                continue;
            }

            if (core.Watched.CanUse(tag))
            {
                ReportFrame(owner, operation, core, found, frame, now);
                return false;
            }

            core.Add(new PendingCheck(this, owner, tag, found, frame, operation, owner.DeathOf(found, frame), now));
        }

        return true;
    }

    private void CheckTables(SpaceChecker space, OperationTrace operation, int[] pages, long now)
    {
        foreach (ICheckedCore model in _cores)
        {
            CoreChecker core = _checker.Core(model.Core);
            foreach (Asid tag in core.TagsOf(_pool.Index))
            {
                // Numbers of table pages mean something within their space only.
                if (core.SpaceOf(tag) != space.Id.Value || !model.Mmu.CachesTable(tag, pages))
                {
                    continue;
                }

                int page = Array.Find(pages, page => model.Mmu.CachesTable(tag, [page]));
                if (model.CanUse(tag))
                {
                    ReportTable(space, operation, core, page, now);
                    return;
                }

                foreach (int held in pages.Where(page => model.Mmu.CachesTable(tag, [page])))
                {
                    core.Add(new PendingCheck(this, space, tag, (ulong)held, PendingCheck.OfTable, operation, null, now));
                }
            }
        }
    }

    /// <summary>A core that has the space loaded and could walk its table.</summary>
    private ICheckedCore? Walker(SpaceChecker space) => Array.Find(_cores, core => core.CanWalk(space.Id));

    private void ReportPendingView(SpaceChecker space, OperationTrace operation, ReleaseBatch batch, ICheckedCore walker, long now)
    {
        bool table = operation.Dead.Count == 0 || batch.Frames.IsEmpty;
        TraceLines lines = new();
        string what = table ? "table pages are" : $"frame 0x{batch.Frames[0].First.PageNumber:x} is";
        if (table)
        {
            lines.AddStart(operation, $"table page {batch.Tables.Pages![0]} leaves the page table");
        }
        else
        {
            DeadPage dead = operation.Dead.Find(dead => dead.Frame == batch.Frames[0].First.PageNumber) ?? operation.Dead[0];
            lines.AddDeath(dead);
        }

        string message =
            $"{what} free for anyone while core {walker.Core} can still walk the page table as it was until cycle {operation.VisibleAt}";
        lines.AddTold(operation, walker.Core, now).AddReturn(operation, now).Add(now, message);
        Report(table ? CheckRule.EarlyTableRelease : CheckRule.EarlyRelease, space, message, lines, now);
    }

    private void ReportFrame(SpaceChecker owner, OperationTrace operation, CoreChecker core, ulong page, ulong frame, long now)
    {
        string message =
            $"frame 0x{frame:x} is free for anyone while core {core.Watched.Core}'s TLB still leads from page {VirtAddr.OfPage(page)} "
                + $"to it";
        TraceLines lines = new TraceLines().AddFill(core.Watched.Core, page, frame, core.FilledAt(owner.Id.Value, page));
        AddKill(lines, owner.DeathOf(page, frame), operation, frame);
        lines.AddTold(operation, core.Watched.Core, now).AddReturn(operation, now).Add(now, message);
        Report(CheckRule.EarlyRelease, owner, message, lines, now);
    }

    private void ReportTable(SpaceChecker space, OperationTrace operation, CoreChecker core, int page, long now)
    {
        string message = $"table page {page} is free for anyone while core {core.Watched.Core}'s paging-structure cache still leads to it";
        TraceLines lines = new TraceLines()
            .AddStart(operation, $"table page {page} leaves the page table")
            .AddTold(operation, core.Watched.Core, now)
            .AddReturn(operation, now)
            .Add(now, message);
        Report(CheckRule.EarlyTableRelease, space, message, lines, now);
    }

    /// <summary>Who took the frame away from the page, if that is known, and otherwise who gave it back.</summary>
    private static void AddKill(TraceLines lines, DeadPage? dead, OperationTrace operation, ulong frame)
    {
        if (dead is null)
        {
            lines.AddStart(operation, $"frame 0x{frame:x} is given up");
            return;
        }

        lines.AddDeath(dead);
        if (dead.Operation != operation)
        {
            lines.AddStart(operation, $"frame 0x{frame:x} is given up");
        }
    }

    private static string What(bool table, ulong number, ulong frame) => table ? $"table page {number}" : $"frame 0x{frame:x}";

    private void Report(CheckRule rule, SpaceChecker space, string message, TraceLines lines, long now) =>
        _checker.Report(new Violation(rule, now, space.Id, $"{space.Name}: {message}", lines.Lines));
}
