using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Checking;

/// <summary>
/// Watches one address space. It keeps a copy of the page table, page by page, and compares after every operation, so that it finds out by
/// itself what died. Written while address spaces run, read while cores run.
/// </summary>
internal sealed partial class SpaceChecker : IOperationWatch
{
    private const int Versions = 1024;
    private readonly TranslationChecker _checker;
    private readonly AddressSpace _space;
    private readonly PageCopies _pages = new();

    /// <summary>Deaths by page and frame, the latest first, until the frame is given back by the operation that killed.</summary>
    private readonly Dictionary<(ulong Page, ulong Frame), DeadPage> _dead = [];

    private readonly Dictionary<long, OperationTrace> _operations = [];
    private readonly long[] _versions = new long[Versions];

    /// <summary>The operation that has begun and has not settled, and its number.</summary>
    private OperationTrace? _current;

    private long _currentId;

    public SpaceChecker(TranslationChecker checker, AddressSpace space, ReleaseChecker releases)
    {
        _checker = checker;
        _space = space;
        _contents = space.Pool.Frames.Contents;
        Releases = releases;
    }

    public SpaceId Id => _space.Space;

    public string Name => _space.Name;

    /// <summary>
    /// Whether cores may have table pages that the space frees in their paging-structure caches: not if they walk copies of the table whose
    /// table pages are their own and stay.
    /// </summary>
    public bool SharesTablePages => !_space.Tables.FillsOnDemand;

    /// <summary>Who watches the memory that it gives back.</summary>
    public ReleaseChecker Releases { get; }

    /// <summary>Bytes of the lower half of the address space, where processes live.</summary>
    private ulong UserBytes => 1UL << (_space.Table.Format.VirtualBits - 1);

    /// <summary>
    /// Grows whenever a translation of a page has died or the operation that killed it has returned; what was verified before must be
    /// verified again.
    /// </summary>
    public long VersionOf(ulong page) => _versions[page & (Versions - 1)] + (Releases.Host?.Version ?? 0);

    /// <summary>Pairs of a page and a frame whose deaths are kept.</summary>
    public int DeathsKept => _dead.Count;

    /// <summary>How the last translation of a page to a frame died; null if none has, or if the frame was given back since.</summary>
    public DeadPage? DeathOf(ulong page, ulong frame) => _dead.GetValueOrDefault((page, frame));

    /// <summary>Takes the table as it is, before the first operation.</summary>
    public void Adopt()
    {
        _break = _space.Memory?.Break ?? default;
        foreach (MappedLeaf leaf in _space.Table.Leaves(default, UserBytes))
        {
            ulong pages = leaf.Entry.Size.BasePages();
            Releases.Cover(leaf.Entry.Frame.PageNumber, pages);
            for (ulong i = 0; i < pages; i++)
            {
                _pages[leaf.Address.PageNumber + i] = CopyOf(leaf, i);
            }
        }

        AdoptValues();
    }

    /// <inheritdoc/>
    public void Adopt(SpaceId parent)
    {
        Adopt();
        CompareWithParent(_checker.Space(parent.Value));
    }

    /// <summary>Whether the table maps a page to a frame now.</summary>
    public bool Maps(ulong page, ulong frame) => _pages[page] is { Known: true } copy && copy.Frame == frame;

    /// <inheritdoc/>
    public void Begin(KernelOperation operation, long now)
    {
        _currentId = operation.Id;
        OperationText text = new(operation);
        _current = new OperationTrace(text, _checker.NameOf(operation.Thread), operation.Core, now, _space.Table.VisibleAt.Value);
        _checker.Watch?.Began(Id, operation.Id, operation.Core, now, _current.VisibleAt, text);
        if (operation is { Call: { } call, Result: not TrapResult.Failed })
        {
            NotePromises(call, _current);
        }

        BeginValues(operation);
    }

    /// <summary>Compares a range that the operation may have changed, with the copy and with the areas.</summary>
    /// <param name="first">First page of the range.</param>
    /// <param name="end">The page after the last one.</param>
    public void Compare(ulong first, ulong end)
    {
        OperationTrace operation = _current!;
        end = Math.Min(end, UserBytes >> PageSizes.BaseShift);
        if (end <= first)
        {
            return;
        }

        CompareValues(first, end, operation);
        AreaCursor areas = new(_space.Memory!, first, end);
        ulong next = first;
        foreach (MappedLeaf leaf in _space.Table.Leaves(VirtAddr.OfPage(first), (end - first) << PageSizes.BaseShift))
        {
            ulong page = leaf.Address.PageNumber;
            ulong from = Math.Max(first, page);
            ulong to = Math.Min(end, page + leaf.Entry.Size.BasePages());
            Vanish(next, from, operation);
            CompareLeaf(leaf, from, to, operation);
            if (areas.Problem(leaf, from, to) is { } problem)
            {
                Disagree(operation.Start, problem, operation);
                return;
            }

            next = to;
        }

        Vanish(next, end, operation);
        if (areas.Rest() is { } overlap)
        {
            Disagree(operation.Start, overlap, operation);
        }
    }

    /// <inheritdoc/>
    public void EndOperation(bool releases)
    {
        EndValues(_current!);
        if (_current!.Dead.Count + _current.Promised.Count > 0 || releases)
        {
            _operations[_currentId] = _current;
        }

        _current = null;
    }

    /// <inheritdoc/>
    public void Returned(long id, long due, bool releases, bool deferred)
    {
        _checker.Watch?.Returned(Id, id, due);
        if (_operations.TryGetValue(id, out OperationTrace? operation))
        {
            operation.Returned(due, deferred ? _checker.AllowedStaleness.Value : 0);
            foreach (DeadPage dead in operation.Dead)
            {
                _versions[dead.Page & (Versions - 1)]++;
            }

            KeepPromises(operation);

            if (!releases)
            {
                _operations.Remove(id);
            }
        }
    }

    /// <summary>What the operation gave up has been given back.</summary>
    public void Released(long id, ReleaseBatch batch, long now)
    {
        if (_operations.Remove(id, out OperationTrace? operation))
        {
            Releases.Check(this, operation, batch, now);
        }
    }

    /// <summary>
    /// Frames that the operation took away are free, and no core reaches them. A core that uses one through the same page from now on has a
    /// translation that was made later. So nobody asks any more how those before it died.
    /// </summary>
    /// <param name="operation">The operation.</param>
    /// <param name="frames">The frames.</param>
    public void Forget(OperationTrace operation, HashSet<ulong> frames)
    {
        foreach (DeadPage dead in frames.Count > 0 ? operation.Dead : [])
        {
            if (frames.Contains(dead.Frame))
            {
                _dead.Remove((dead.Page, dead.Frame));
            }
        }
    }

    /// <summary>Checks an access that a core makes with a translation.</summary>
    /// <param name="time">Time of the access, in cycles.</param>
    /// <param name="core">The core.</param>
    /// <param name="page">The page.</param>
    /// <param name="frame">The frame that the core's TLB led to.</param>
    /// <param name="needed">The right that the access used.</param>
    /// <returns>Whether the same access may be taken as good until the version changes.</returns>
    public bool Verify(long time, CoreId core, ulong page, ulong frame, PageFlags needed)
    {
        bool gives = _pages[page].Gives(frame, needed);
        DeadPage? latest = DeathOf(page, frame);
        if (gives && (latest is null || latest.MadeAgain.Of(needed) <= time))
        {
            return true;
        }

        // Address spaces are ahead of cores: a translation that was made again later than the access is not the one it used.
        DeadPage? last = null;
        for (DeadPage? dead = latest; dead is not null; dead = dead.Earlier)
        {
            if (dead.Took(needed, time))
            {
                if (time <= dead.AllowedUntil)
                {
                    _checker.NoteStaleness(time - dead.Operation.ReturnedAt);
                    return false;
                }

                last ??= dead;
            }
        }

        if (gives && last is null)
        {
            return true;
        }

        Accuse(time, core, page, frame, needed, last);
        return false;
    }

    private static PageCopy CopyOf(in MappedLeaf leaf, ulong page) => new(leaf.Entry.Frame.PageNumber + page, leaf.Entry.Flags);

    private void Accuse(long time, CoreId core, ulong page, ulong frame, PageFlags needed, DeadPage? last)
    {
        PageCopy now = _pages[page];
        string access = $"core {core} uses page {VirtAddr.OfPage(page)} -> frame 0x{frame:x} to {TraceLines.Words(needed)}";
        TraceLines lines = new TraceLines().AddFill(core, page, frame, _checker.Core(core).FilledAt(Id.Value, page));
        if (last is not { } dead)
        {
            AddTakeOver(lines, core, page, frame);
            string truth = now.Known
                ? $"the page table has frame 0x{now.Frame:x} there ({TraceLines.Words(now.Rights)})"
                : "the page table maps nothing there";
            lines.Add(time, $"{access}; {truth}");
            Report(CheckRule.UnknownTranslation, time, $"{access}, which the page table never said", lines);
            return;
        }

        OperationTrace operation = dead.Operation;
        CheckRule rule = dead.IsTouchedAnew ? CheckRule.WrongValue
            : now.Known && now.Frame == frame ? CheckRule.WiderRights : CheckRule.DeadTranslation;
        lines.AddDeath(dead).AddTold(operation, core, time).AddReturn(operation, time);
        if (dead.PromisedBy is { } promise)
        {
            lines.AddStart(promise).AddReturn(promise, time)
                .Add(time, $"{access}, {time - promise.ReturnedAt} cycles after that return");
            Report(
                rule,
                time,
                $"{access}, which {operation.What} had taken away, {time - promise.ReturnedAt} cycles after {promise.What} had returned",
                lines);
            return;
        }

        string late = operation.AllowedUntil == operation.ReturnedAt
            ? ""
            : $", {time - operation.AllowedUntil} more than its protocol allows";
        lines.Add(time, $"{access}, {time - operation.ReturnedAt} cycles after the return{late}");
        Report(rule, time, $"{access}, {time - operation.ReturnedAt} cycles after {operation.What} had returned{late}", lines);
    }

    /// <summary>How the core may have come by a translation that the space never had: from the space that had its tag before.</summary>
    private void AddTakeOver(TraceLines lines, CoreId core, ulong page, ulong frame)
    {
        CoreChecker checker = _checker.Core(core);
        (long time, int before) = checker.TakeOver;
        if (before >= 0)
        {
            string other = _checker.Space(before).Name;
            lines.AddFill(core, page, frame, checker.FilledAt(before, page))
                .Add(time, $"core {core} goes on with {Name}, under the tag that {other} had");
        }
    }

    private void Report(CheckRule rule, long time, string message, TraceLines lines) =>
        _checker.Report(new Violation(rule, time, Id, $"{Name}: {message}", lines.Lines));

    /// <summary>The table maps nothing in a range.</summary>
    private void Vanish(ulong from, ulong to, OperationTrace operation)
    {
        while (_pages.TryFirst(from, to, out ulong page))
        {
            Die(page, _pages[page], PageFlags.None, operation);
            _pages[page] = default;
            from = page + 1;
        }
    }

    /// <summary>The table maps a range by a leaf.</summary>
    private void CompareLeaf(in MappedLeaf leaf, ulong from, ulong to, OperationTrace operation)
    {
        bool covered = false;
        for (ulong page = from; page < to; page++)
        {
            PageCopy old = _pages[page];
            PageCopy copy = CopyOf(leaf, page - leaf.Address.PageNumber);
            if (old != copy)
            {
                if (!covered)
                {
                    Releases.Cover(leaf.Entry.Frame.PageNumber, leaf.Entry.Size.BasePages());
                    covered = true;
                }

                if (old.Known && !copy.Gives(old.Frame, old.Rights))
                {
                    Die(page, old, copy.Frame == old.Frame ? copy.Rights : PageFlags.None, operation);
                }

                _pages[page] = copy;
                if (_dead.TryGetValue((page, copy.Frame), out DeadPage? latest))
                {
                    latest.MakeAgain(copy.Rights, operation.Start);
                }
            }
        }
    }

    private void Die(ulong page, PageCopy old, PageFlags remaining, OperationTrace operation)
    {
        if (old.Rights == PageFlags.None)
        {
            return;
        }

        ref DeadPage? latest = ref CollectionsMarshal.GetValueRefOrAddDefault(_dead, (page, old.Frame), out _);
        DeadPage dead = new(page, old, remaining, operation, latest?.MadeAgain ?? default) { Earlier = latest };
        operation.Dead.Add(dead);
        latest = dead;

        // No core's time lies more than a window before this operation: what died before the next of its kind was made, and that one
        // earlier, needs no record.
        long reached = operation.Start - _checker.WindowBound;
        for (DeadPage later = dead; later.Earlier is { } earlier;)
        {
            if (earlier.Rights == dead.Rights && earlier.Operation.ReturnedAt != long.MaxValue && later.Made.By(later.Rights, reached))
            {
                later.Earlier = earlier.Earlier;
            }
            else
            {
                later = earlier;
            }
        }

        _versions[page & (Versions - 1)]++;
    }
}
