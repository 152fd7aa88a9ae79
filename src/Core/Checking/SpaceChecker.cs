using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Mapping.Backends;
using VmSim.Core.Paging;

namespace VmSim.Core.Checking;

/// <summary>
/// Watches one address space: keeps a copy of its page table, page by page, and compares after every operation, so that it finds out by itself what
/// died. Written while address spaces run, read while cores run.
/// </summary>
internal sealed class SpaceChecker
{
    private const int Versions = 1024;
    private readonly TranslationChecker _checker;
    private readonly AddressSpace _space;
    private readonly PageCopies _pages = new();

    /// <summary>Deaths by page and frame, the latest first.</summary>
    private readonly Dictionary<(ulong Page, ulong Frame), DeadPage> _dead = [];

    private readonly Dictionary<long, OperationTrace> _operations = [];
    private readonly long[] _versions = new long[Versions];
    private readonly List<(CoreModel Core, Asid Tag)> _reachable = [];

    public SpaceChecker(TranslationChecker checker, AddressSpace space)
    {
        _checker = checker;
        _space = space;
    }

    /// <summary>Grows whenever a translation of a page has died or the operation that killed it has returned; what was verified before must be verified again.</summary>
    public long VersionOf(ulong page) => _versions[page & (Versions - 1)];

    /// <summary>Bytes of the lower half of the address space, where processes live.</summary>
    private ulong UserBytes => 1UL << (_space.Table.Format.VirtualBits - 1);

    /// <summary>Takes the table as it is, before the first operation.</summary>
    public void Adopt()
    {
        foreach (MappedLeaf leaf in _space.Table.Leaves(default, UserBytes))
        {
            Remember(leaf);
        }
    }

    /// <summary>An operation has changed the table at its start.</summary>
    /// <param name="operation">The operation's number.</param>
    /// <param name="what">The call, or the fault.</param>
    /// <param name="core">The core that asked.</param>
    /// <param name="now">Its start, in cycles.</param>
    /// <param name="first">First page it may have changed.</param>
    /// <param name="end">The page after the last one.</param>
    public void Executed(long operation, OperationText what, CoreId core, long now, ulong first, ulong end)
    {
        end = Math.Min(end, UserBytes >> PageSizes.BaseShift);
        if (end <= first)
        {
            return;
        }

        OperationTrace trace = new(what, core, now);
        ulong next = first;
        foreach (MappedLeaf leaf in _space.Table.Leaves(VirtAddr.OfPage(first), (end - first) << PageSizes.BaseShift))
        {
            ulong page = leaf.Address.PageNumber;
            ulong from = Math.Max(first, page);
            ulong to = Math.Min(end, page + leaf.Entry.Size.BasePages());
            Vanish(next, from, trace);
            Compare(leaf, from, to, trace);
            next = to;
        }

        Vanish(next, end, trace);
        if (trace.Dead.Count > 0)
        {
            _operations[operation] = trace;
        }
    }

    public void Sent(long operation, CoreId target, long due)
    {
        if (_operations.TryGetValue(operation, out OperationTrace? trace))
        {
            trace.Sent(target, due);
        }
    }

    public void Acknowledged(long operation, CoreId from, long now)
    {
        if (_operations.TryGetValue(operation, out OperationTrace? trace) && !trace.Acknowledged(from, now))
        {
            string message = $"core {from} acknowledges an invalidation that was not sent to it, or twice";
            _checker.Report(new Violation(CheckRule.StrayAcknowledgement, now, _space.Space, message, trace.Describe(now, message)));
        }
    }

    /// <summary>The operation's answer reaches its thread at <paramref name="due"/>.</summary>
    /// <param name="operation">The operation's number.</param>
    /// <param name="due">When, in cycles.</param>
    /// <param name="releases">Whether it will give memory back later.</param>
    /// <param name="deferred">Whether it returned before every core had invalidated, as its protocol may.</param>
    public void Returned(long operation, long due, bool releases, bool deferred)
    {
        if (_operations.TryGetValue(operation, out OperationTrace? trace))
        {
            trace.Returned(due, deferred ? _checker.AllowedStaleness : 0);
            trace.AwaitsRelease = deferred && releases;
            foreach (DeadPage dead in trace.Dead)
            {
                _versions[dead.Page & (Versions - 1)]++;
            }

            if (!releases)
            {
                _operations.Remove(operation);
            }
        }
    }

    /// <summary>What the operation freed is about to be usable again.</summary>
    public void Releasing(long operation, ReleaseBatch batch, long now)
    {
        _checker.CheckTables(_space, batch, now);
        if (_operations.Remove(operation, out OperationTrace? trace))
        {
            trace.AwaitsRelease = false;
            _reachable.Clear();
            foreach (CoreModel core in _space.Group.Domain!.Cores)
            {
                if (core.ReachableTag(_space.Space) is { } tag)
                {
                    _reachable.Add((core, tag));
                }
            }

            foreach (DeadPage dead in trace.Dead)
            {
                if (!MayBeHeld(dead, now))
                {
                    _checker.CheckUnreachable(_space, _reachable, dead, now);
                }
            }
        }
    }

    /// <summary>Whether a core may hold the same translation for another reason: it was made again, as with the zero page, and lives or is about to die.</summary>
    private bool MayBeHeld(DeadPage dead, long now)
    {
        if (_pages[dead.Page] is { Known: true } live && live.Frame == dead.Frame)
        {
            return true;
        }

        for (DeadPage? other = _dead[(dead.Page, dead.Frame)]; other is not null; other = other.Earlier)
        {
            if (other.Operation != dead.Operation && (other.Operation.ReturnedAt >= now || other.Operation.AwaitsRelease))
            {
                return true;
            }
        }

        return false;
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
        PageCopy now = _pages[page];
        bool gives = now.Gives(frame, needed);
        DeadPage? latest = _dead.GetValueOrDefault((page, frame));
        if (gives && (latest is null || latest.MadeAgainAt <= time))
        {
            return true;
        }

        // Address spaces are ahead of cores: a translation that was made again later than the access is not the one it used.
        DeadPage? last = null;
        for (DeadPage? dead = latest; dead is not null; dead = dead.Earlier)
        {
            if ((dead.Rights & needed) == needed && dead.MadeAt <= time)
            {
                if (time <= dead.Operation.AllowedUntil)
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

        Accuse(time, core, page, frame, needed, last, sameFrame: now.Known && now.Frame == frame);
        return false;
    }

    /// <summary>Compares areas and page table; for the end of a run.</summary>
    public void CheckAgreement(long now)
    {
        if (_space.Memory is not { } memory)
        {
            return;
        }

        ulong end = 0;
        List<AreaInfo> areas = [.. memory.Areas];
        foreach (AreaInfo area in areas)
        {
            if (area.Range.Start.Value < end)
            {
                Disagree(now, $"area {area.Range} overlaps the one below it");
            }

            end = area.Range.End.Value;
        }

        int index = 0;
        foreach (MappedLeaf leaf in _space.Table.Leaves(default, UserBytes))
        {
            while (index < areas.Count && areas[index].Range.End.Value <= leaf.Address.Value)
            {
                index++;
            }

            bool inside = index < areas.Count && areas[index].Range.Contains(leaf.Address);
            if (!inside || !Allows(areas[index].Flags, leaf.Entry.Flags))
            {
                Disagree(now, $"the page table maps {leaf.Address} ({leaf.Entry.Flags}), {(inside ? $"its area allows {areas[index].Flags}" : "where no area is")}");
                return;
            }
        }
    }

    private static bool Allows(AreaFlags area, PageFlags leaf) =>
        ((leaf & PageFlags.Write) == 0 || (area & AreaFlags.Write) != 0) && ((leaf & PageFlags.Execute) == 0 || (area & AreaFlags.Execute) != 0);

    private void Disagree(long now, string message) =>
        _checker.Report(new Violation(CheckRule.TableDisagrees, now, _space.Space, $"{_space.Name}: {message}", []));

    private void Accuse(long time, CoreId core, ulong page, ulong frame, PageFlags needed, DeadPage? last, bool sameFrame)
    {
        string access = $"core {core}: {needed.ToString().ToLowerInvariant()} access to page {VirtAddr.OfPage(page)} through frame 0x{frame:x}";
        if (last is not { } dead)
        {
            _checker.Report(new Violation(CheckRule.UnknownTranslation, time, _space.Space, $"{_space.Name}: {access}, a translation that the page table never had", [access]));
            return;
        }

        CheckRule rule = sameFrame ? CheckRule.WiderRights : CheckRule.DeadTranslation;
        string message = $"{_space.Name}: {access}, {time - dead.Operation.ReturnedAt} cycles after {dead.Operation.What} had returned";
        _checker.Report(new Violation(rule, time, _space.Space, message, dead.Operation.Describe(time, access)));
    }

    private void Remember(MappedLeaf leaf)
    {
        for (ulong i = 0; i < leaf.Entry.Size.BasePages(); i++)
        {
            _pages[leaf.Address.PageNumber + i] = new PageCopy(leaf.Entry.Frame.PageNumber + i, leaf.Entry.Flags);
        }
    }

    /// <summary>The table maps nothing in a range.</summary>
    private void Vanish(ulong from, ulong to, OperationTrace trace)
    {
        while (_pages.TryFirst(from, to, out ulong page))
        {
            Die(page, _pages[page], trace);
            _pages[page] = default;
            from = page + 1;
        }
    }

    /// <summary>The table maps a range by a leaf.</summary>
    private void Compare(MappedLeaf leaf, ulong from, ulong to, OperationTrace trace)
    {
        for (ulong page = from; page < to; page++)
        {
            PageCopy old = _pages[page];
            PageCopy copy = new(leaf.Entry.Frame.PageNumber + (page - leaf.Address.PageNumber), leaf.Entry.Flags);
            if (old != copy)
            {
                if (old.Known && !copy.Gives(old.Frame, old.Rights))
                {
                    Die(page, old, trace);
                }

                _pages[page] = copy;
                if (_dead.TryGetValue((page, copy.Frame), out DeadPage? latest))
                {
                    latest.MadeAgainAt = Math.Min(latest.MadeAgainAt, trace.StartedAt);
                }
            }
        }
    }

    private void Die(ulong page, PageCopy old, OperationTrace trace)
    {
        if (old.Rights == PageFlags.None)
        {
            return;
        }

        ref DeadPage? latest = ref CollectionsMarshal.GetValueRefOrAddDefault(_dead, (page, old.Frame), out _);
        DeadPage dead = new(page, old, trace, latest?.MadeAgainAt ?? 0) { Earlier = latest };
        trace.Dead.Add(dead);
        latest = dead;

        // No core's time lies more than a window before this operation: what died before the next of its kind was made, and that one earlier, needs no record.
        long reached = trace.StartedAt - _checker.WindowBound;
        for (DeadPage later = dead; later.Earlier is { } earlier;)
        {
            if (earlier.Rights == dead.Rights && earlier.Operation.ReturnedAt != long.MaxValue && later.MadeAt <= reached)
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
