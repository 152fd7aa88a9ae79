using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Checking;

/// <content>
/// What pages hold. The program's side of it follows from calls and areas alone: new memory is zeros, a mapping of a file shows the file's
/// pages, what was stored stays until a call takes it away, moves with mremap and is the child's after fork. The kernel's side is
/// <see cref="FrameContents"/>. The two are compared wherever an operation changes a translation.
/// </content>
internal sealed partial class SpaceChecker
{
    /// <summary>What the frames hold; null where only translations are watched.</summary>
    private readonly FrameContents? _contents;

    /// <summary>What each page holds that has a frame of its own.</summary>
    private readonly Dictionary<ulong, ulong> _values = [];

    /// <summary>What pages held that the operation at hand moves.</summary>
    private readonly Dictionary<ulong, ulong> _moved = [];

    /// <summary>Ranges that hold nothing of what they held once the operation at hand is done.</summary>
    private readonly List<(ulong First, ulong End)> _cleared = [];

    /// <summary>The last fork of the space.</summary>
    private OperationTrace? _lastFork;

    private bool _movesAll;
    private bool _mayTakeAway;
    private bool _clearsLocked;
    private KernelOperation? _compared;
    private AreaSet.Area _area;
    private bool _wrong;

    /// <summary>Takes values as the frames have them.</summary>
    private void AdoptValues()
    {
        if (_contents is null || _space.Memory is null)
        {
            return;
        }

        _area = default;
        foreach (MappedLeaf leaf in _space.Table.Leaves(default, UserBytes))
        {
            for (ulong i = 0; i < leaf.Entry.Size.BasePages(); i++)
            {
                ulong page = leaf.Address.PageNumber + i;
                PageCopy copy = CopyOf(leaf, i);
                if (IsPrivate(page, copy.Frame))
                {
                    _values[page] = MayStore(copy) ? _contents.Renew(copy.Frame) : _contents[copy.Frame];
                }
            }
        }
    }

    /// <summary>A child holds what its parent holds, where it has the parent's memory.</summary>
    private void CompareWithParent(SpaceChecker parent)
    {
        if (_contents is null)
        {
            return;
        }

        foreach ((ulong page, ulong value) in parent._values.OrderBy(pair => pair.Key))
        {
            if (!FindArea(page) || (_area.Flags & AreaFlags.WipedOnFork) != 0 || !FrameContents.IsVersion(value))
            {
                continue;
            }

            if (!_values.TryGetValue(page, out ulong mine))
            {
                Wrong(parent._lastFork!, page, $"holds nothing, and its parent has {_contents.Describe(value)} there");
                return;
            }

            if (mine != value)
            {
                Wrong(
                    parent._lastFork!,
                    page,
                    $"holds {_contents.Describe(mine)}, and its parent has {_contents.Describe(value)} there");
                return;
            }
        }
    }

    /// <summary>Notes what an operation that has changed the table may have done to the contents of pages.</summary>
    private void BeginValues(KernelOperation operation)
    {
        if (_contents is null)
        {
            return;
        }

        _compared = operation;
        _moved.Clear();
        _cleared.Clear();
        _wrong = false;
        _clearsLocked = true;
        _lastFork = operation.Kind == OperationKind.Fork ? _current : _lastFork;
        _mayTakeAway = operation.Kind == OperationKind.Exit;
        if (operation.Call is not { } call)
        {
            return;
        }

        bool done = operation.Result != VirtualTime.TrapResult.Failed && operation.Errno == Errno.None;
        _mayTakeAway = call.Kind is SystemCallKind.Map or SystemCallKind.Unmap or SystemCallKind.SetBreak or SystemCallKind.Remap
            or SystemCallKind.Detach or SystemCallKind.RemapFilePages
            || (call.Kind == SystemCallKind.Advise && call.Advice is Advice.DontNeed or Advice.DontNeedLocked or Advice.Free
                or Advice.Remove or Advice.GuardInstall);
        if (call.Kind == SystemCallKind.Remap)
        {
            BeginMove(call, done);
        }

        if (!done)
        {
            return;
        }

        if (call.Kind == SystemCallKind.Map)
        {
            _cleared.Add(PagesOf(call.Start, call.Start + call.Length));
        }
        else if (call.Kind == SystemCallKind.Advise && call.Advice is Advice.DontNeed or Advice.DontNeedLocked)
        {
            _clearsLocked = call.Advice == Advice.DontNeedLocked;
            _cleared.Add(PagesOf(call.Start, call.Start + call.Length));
            _cleared.AddRange(call.MoreRanges.Select(range => PagesOf(range.Start, range.Start + range.Size)));
        }
    }

    private void BeginMove(SystemCall call, bool done)
    {
        ulong distance = call.NewStart.PageNumber - call.Start.PageNumber;
        if (distance == 0)
        {
            return;
        }

        if (done)
        {
            _cleared.Add(PagesOf(call.NewStart, call.NewStart + call.NewLength));
        }

        _movesAll = done;
        (ulong first, ulong end) = PagesOf(call.Start, call.Start + new[] { call.Length, call.NewLength }.Min());

        for (ulong page = first; page < end && _pages.TryFirst(page, end, out ulong known); page = known + 1)
        {
            if (_values.TryGetValue(known, out ulong value))
            {
                _moved[known + distance] = value;
            }
        }
    }

    /// <summary>All ranges have been compared: what was moved has arrived.</summary>
    private void EndValues(OperationTrace operation)
    {
        if (_moved.Count == 0 || _wrong || !_movesAll)
        {
            return;
        }

        foreach ((ulong page, ulong value) in _moved.OrderBy(pair => pair.Key))
        {
            if (FrameContents.IsVersion(value) && !_values.ContainsKey(page))
            {
                Wrong(operation, page, $"holds nothing, and {_contents!.Describe(value)} was moved there");
                return;
            }
        }
    }

    /// <summary>Compares a range before the copy of the page table takes it over.</summary>
    private void CompareValues(ulong first, ulong end, OperationTrace operation)
    {
        if (_contents is null || _wrong)
        {
            return;
        }

        _area = default;
        ulong next = first;
        foreach (MappedLeaf leaf in _space.Table.Leaves(VirtAddr.OfPage(first), (end - first) << PageSizes.BaseShift))
        {
            ulong from = Math.Max(first, leaf.Address.PageNumber);
            ulong to = Math.Min(end, leaf.Address.PageNumber + leaf.Entry.Size.BasePages());
            LoseValues(next, from, operation);
            for (ulong page = from; page < to && !_wrong; page++)
            {
                CompareValue(page, _pages[page], CopyOf(leaf, page - leaf.Address.PageNumber), leaf, operation);
            }

            next = to;
        }

        LoseValues(next, end, operation);
    }

    /// <summary>Pages of a range have no frame any more.</summary>
    private void LoseValues(ulong from, ulong to, OperationTrace operation)
    {
        for (ulong page = from; page < to && _pages.TryFirst(page, to, out ulong known); page = known + 1)
        {
            if (_values.Remove(known, out ulong value) && !_mayTakeAway && FrameContents.IsVersion(value))
            {
                Wrong(operation, known, $"loses {_contents!.Describe(value)}, which nobody has taken away");
            }
        }
    }

    /// <summary>A page has a frame.</summary>
    private void CompareValue(ulong page, PageCopy old, PageCopy copy, in MappedLeaf leaf, OperationTrace operation)
    {
        bool clears = Clears(page, leaf);
        if ((copy == old && !clears) || !FindArea(page))
        {
            return;
        }

        Backing backing = _area.Backend.Backing;
        if (backing.IsOutside)
        {
            ShowAnother(page, "memory of no pool", operation);
            return;
        }

        ulong contents = _contents![copy.Frame];
        if (backing.Object is { } source && (!backing.IsPrivate || !IsPrivate(page, copy.Frame)))
        {
            ulong named = _contents.OfObject(source, backing.PageOf(VirtAddr.OfPage(page)));
            if (contents != named)
            {
                _values.Remove(page);
                Wrong(operation, page, $"shows {_contents.Describe(contents)}, and {_contents.Describe(named)} is mapped there");
                return;
            }

            ShowAnother(page, _contents.Describe(contents), operation);
            return;
        }

        bool clearsThis = clears && (_clearsLocked || (_area.Flags & AreaFlags.Locks) == 0);
        if (copy == old && !clearsThis)
        {
            return;
        }

        ulong expected = _moved.TryGetValue(page, out ulong moved) ? moved
            : !clearsThis && _values.TryGetValue(page, out ulong before) ? before
            : backing.Object is { } file ? _contents.OfObject(file, backing.PageOf(VirtAddr.OfPage(page)))
            : FrameContents.Zeros;
        if (contents != expected)
        {
            Wrong(operation, page, $"holds {_contents.Describe(contents)}, and its program put {_contents.Describe(expected)} there");
            return;
        }

        if (!old.Known && _compared!.Kind == OperationKind.Fault)
        {
            PromiseNew(page, copy, operation);
        }

        Store(page, copy, contents, operation);
    }

    /// <summary>A page shows what is not its own. What it held before must have been taken away.</summary>
    private void ShowAnother(ulong page, string shown, OperationTrace operation)
    {
        if (_values.Remove(page, out ulong lost) && !_mayTakeAway && FrameContents.IsVersion(lost))
        {
            Wrong(operation, page, $"shows {shown}, and held {_contents!.Describe(lost)}");
        }
    }

    /// <summary>A page holds something; if its program may store to it, a new version.</summary>
    private void Store(ulong page, PageCopy copy, ulong contents, OperationTrace operation)
    {
        if (!MayStore(copy))
        {
            _values[page] = contents;
            return;
        }

        int references = _space.Pool.Frames.References(PhysAddr.OfPage(copy.Frame));
        if (references != 1)
        {
            Wrong(operation, page, $"may be stored to, and its frame 0x{copy.Frame:x} has {references} references");
            return;
        }

        _values[page] = _contents!.Renew(copy.Frame);
    }

    /// <summary>
    /// A fault gives a page other contents than those that a call has taken away. When it returns, nobody finds the old ones, however late
    /// the protocol may be.
    /// </summary>
    private void PromiseNew(ulong page, PageCopy copy, OperationTrace promise)
    {
        foreach (OperationTrace other in _operations.Values)
        {
            if (other.ReturnedAt >= promise.Start || other.AllowedUntil <= promise.Start)
            {
                continue;
            }

            foreach (DeadPage dead in other.Dead)
            {
                if (dead.Page == page && dead.Frame != copy.Frame && _contents![dead.Frame] != _contents[copy.Frame])
                {
                    promise.Promised.Add((dead, PromiseKind.TouchedAnew));
                }
            }
        }
    }

    private bool Clears(ulong page, in MappedLeaf leaf)
    {
        foreach ((ulong first, ulong end) in _cleared)
        {
            if (page >= first && page < end)
            {
                // A huge page that a call covers in part and that cannot be split stays.
                return leaf.Entry.Size == PageSize.Size4K
                    || (leaf.Address.PageNumber >= first && leaf.Address.PageNumber + leaf.Entry.Size.BasePages() <= end);
            }
        }

        return false;
    }

    private static bool MayStore(PageCopy copy) => (copy.Rights & PageFlags.Write) != 0;

    /// <summary>Whether a page has a frame of its own, and not its object's.</summary>
    private bool IsPrivate(ulong page, ulong frame) =>
        FindArea(page) && _area.Backend.Backing is { IsOutside: false, IsPrivate: true } backing
        && !(backing.Object is { } source && source.TryGetFrame(backing.PageOf(VirtAddr.OfPage(page)), out PhysAddr named)
            && named.PageNumber == frame);

    private bool FindArea(ulong page)
    {
        VirtAddr address = VirtAddr.OfPage(page);
        return (_area.Size > 0 && _area.Range.Contains(AddrRange.Of(address, PageSizes.BaseBytes)))
            || _space.Memory!.TryFindArea(address, out _area);
    }

    private void Wrong(OperationTrace operation, ulong page, string problem)
    {
        _wrong = true;
        string sentence = $"page {VirtAddr.OfPage(page)} {problem}";
        Report(
            CheckRule.WrongValue,
            operation.Start,
            sentence,
            new TraceLines().AddStart(operation).Add(operation.Start, $"{sentence}, once core {operation.Core} has done so"));
    }
}
