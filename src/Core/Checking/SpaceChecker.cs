using VmSim.Core.Addresses;
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
    private const int Regions = 256;
    private const PageFlags Rights = PageFlags.Read | PageFlags.Write | PageFlags.Execute;
    private readonly TranslationChecker _checker;
    private readonly AddressSpace _space;
    private readonly Dictionary<ulong, (ulong Frame, PageFlags Rights)> _pages = [];
    private readonly Dictionary<ulong, List<DeadPage>> _dead = [];
    private readonly Dictionary<long, OperationTrace> _operations = [];
    private readonly long[] _versions = new long[Regions];

    public SpaceChecker(TranslationChecker checker, AddressSpace space)
    {
        _checker = checker;
        _space = space;
    }

    /// <summary>Grows whenever something about translations near a page has died or returned; what was verified before must be verified again.</summary>
    public long VersionOf(ulong page) => _versions[(page >> 9) & (Regions - 1)];

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
    public void Executed(long operation, string what, CoreId core, long now, ulong first, ulong end)
    {
        OperationTrace trace = new(what, core, now);
        end = Math.Min(end, UserBytes >> PageSizes.BaseShift);
        HashSet<ulong> seen = [];
        if (end > first)
        {
            foreach (MappedLeaf leaf in _space.Table.Leaves(VirtAddr.OfPage(first), (end - first) << PageSizes.BaseShift))
            {
                Compare(leaf, first, end, seen, trace);
            }
        }

        foreach (ulong page in Known(first, end))
        {
            if (!seen.Contains(page))
            {
                Die(page, trace);
                _pages.Remove(page);
            }
        }

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
                _versions[(dead.Page >> 9) & (Regions - 1)]++;
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
            foreach (DeadPage dead in trace.Dead)
            {
                if (!MayBeHeld(dead, now))
                {
                    _checker.CheckUnreachable(_space, dead, now);
                }
            }
        }
    }

    /// <summary>Whether a core may hold the same translation for another reason: it was made again, as with the zero page, and lives or is about to die.</summary>
    private bool MayBeHeld(in DeadPage dead, long now)
    {
        if (_pages.TryGetValue(dead.Page, out (ulong Frame, PageFlags Rights) live) && live.Frame == dead.Frame)
        {
            return true;
        }

        foreach (DeadPage other in _dead[dead.Page])
        {
            if (other.Operation != dead.Operation && other.Frame == dead.Frame && (other.Operation.ReturnedAt >= now || other.Operation.AwaitsRelease))
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
        if (_pages.TryGetValue(page, out (ulong Frame, PageFlags Rights) now) && now.Frame == frame && (now.Rights & needed) == needed)
        {
            return true;
        }

        DeadPage? last = null;
        if (_dead.TryGetValue(page, out List<DeadPage>? deaths))
        {
            foreach (DeadPage dead in deaths)
            {
                if (dead.Frame == frame && (dead.Rights & needed) == needed)
                {
                    if (time <= dead.Operation.AllowedUntil)
                    {
                        _checker.NoteStaleness(time - dead.Operation.ReturnedAt);
                        return false;
                    }

                    last = dead;
                }
            }
        }

        Accuse(time, core, page, frame, needed, last, sameFrame: now.Frame == frame);
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

    private void Compare(MappedLeaf leaf, ulong first, ulong end, HashSet<ulong> seen, OperationTrace trace)
    {
        ulong page = leaf.Address.PageNumber;
        ulong frame = leaf.Entry.Frame.PageNumber;
        PageFlags rights = leaf.Entry.Flags & Rights;
        for (ulong i = 0; i < leaf.Entry.Size.BasePages(); i++)
        {
            if (page + i < first || page + i >= end)
            {
                continue;
            }

            seen.Add(page + i);
            if (_pages.TryGetValue(page + i, out (ulong Frame, PageFlags Rights) old) && (old.Frame != frame + i || (old.Rights & ~rights) != 0))
            {
                Die(page + i, trace);
            }

            _pages[page + i] = (frame + i, rights);
        }
    }

    private void Remember(MappedLeaf leaf)
    {
        for (ulong i = 0; i < leaf.Entry.Size.BasePages(); i++)
        {
            _pages[leaf.Address.PageNumber + i] = (leaf.Entry.Frame.PageNumber + i, leaf.Entry.Flags & Rights);
        }
    }

    /// <summary>Known pages of a range: by the range if it is short, else by all that are known.</summary>
    private List<ulong> Known(ulong first, ulong end)
    {
        List<ulong> known = [];
        if (end - first <= (ulong)_pages.Count)
        {
            for (ulong page = first; page < end; page++)
            {
                if (_pages.ContainsKey(page))
                {
                    known.Add(page);
                }
            }

            return known;
        }

        foreach (ulong page in _pages.Keys)
        {
            if (page >= first && page < end)
            {
                known.Add(page);
            }
        }

        known.Sort();
        return known;
    }

    private void Die(ulong page, OperationTrace trace)
    {
        (ulong frame, PageFlags rights) = _pages[page];
        if (rights == PageFlags.None)
        {
            return;
        }

        DeadPage dead = new(page, frame, rights, trace);
        trace.Dead.Add(dead);
        if (!_dead.TryGetValue(page, out List<DeadPage>? deaths))
        {
            deaths = [];
            _dead.Add(page, deaths);
        }

        // What has been dead for longer than any core's time needs no record but the last of its kind.
        deaths.RemoveAll(other => other.Frame == frame && other.Rights == rights && other.Operation.ReturnedAt != long.MaxValue);
        deaths.Add(dead);
        _versions[(page >> 9) & (Regions - 1)]++;
    }
}
