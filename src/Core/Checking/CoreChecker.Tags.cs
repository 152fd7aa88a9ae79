using VmSim.Core.Addresses;

namespace VmSim.Core.Checking;

/// <content>
/// Which space each of the core's tags last belonged to, and what its TLB held under tags that it could not use when memory was given back.
/// Such translations must be gone when the tag is taken up again.
/// </content>
internal sealed partial class CoreChecker
{
    /// <summary>Number of checks of one tag from which on those that are over by themselves are sorted out.</summary>
    private const int PendingMax = 4096;

    private readonly Dictionary<ushort, int> _poolOfTag = [];
    private readonly Dictionary<int, List<Asid>> _tagsOfPool = [];
    private readonly Dictionary<ushort, Dictionary<(ulong Number, ulong Frame), PendingCheck>> _pending = [];
    private readonly Dictionary<ushort, int> _spaceOfTag = [];

    /// <summary>When the space that runs last took over a tag, in cycles, and from which space, -1 for none; -1 if it never has.</summary>
    public (long Time, int Before) TakeOver { get; private set; } = (-1, -1);

    /// <summary>Tags under which the TLB may hold translations of a pool's spaces.</summary>
    public IReadOnlyList<Asid> TagsOf(int pool) => _tagsOfPool.TryGetValue(pool, out List<Asid>? tags) ? tags : [];

    /// <summary>The space that last used a tag.</summary>
    public int SpaceOf(Asid tag) => _spaceOfTag.GetValueOrDefault(tag.Value, -1);

    /// <summary>The core begins or goes on with a thread: from now on it can use what it holds under a tag.</summary>
    /// <param name="time">When, in cycles.</param>
    /// <param name="space">The space that is loaded.</param>
    /// <param name="tag">Its tag.</param>
    public void OnBegin(long time, int space, Asid tag)
    {
        if (_pending.Count > 0 && _pending.Remove(tag.Value, out Dictionary<(ulong Number, ulong Frame), PendingCheck>? checks))
        {
            VerifyPending(time, tag, checks.Values);
        }

        int before = SpaceOf(tag);
        if (before != space)
        {
            TakeOver = (time, before);
            _spaceOfTag[tag.Value] = space;
            BelongsTo(tag, checker.PoolOf(space));
        }
    }

    /// <summary>
    /// The core holds something that was given back, under a tag that it cannot use now. Address spaces may run at the same time.
    /// </summary>
    public void Add(in PendingCheck check)
    {
        lock (_pending)
        {
            if (!_pending.TryGetValue(check.Tag.Value, out Dictionary<(ulong Number, ulong Frame), PendingCheck>? checks))
            {
                _pending.Add(check.Tag.Value, checks = []);
            }

            if (checks.Count >= PendingMax)
            {
                foreach (((ulong Number, ulong Frame) key, PendingCheck old) in checks.Where(pair => !StillHolds(pair.Value)).ToList())
                {
                    checks.Remove(key);
                }
            }

            checks[(check.Number, check.Frame)] = check;
        }
    }

    private void BelongsTo(Asid tag, int pool)
    {
        if (_poolOfTag.TryGetValue(tag.Value, out int before))
        {
            _tagsOfPool[before].Remove(tag);
        }

        _poolOfTag[tag.Value] = pool;
        if (!_tagsOfPool.TryGetValue(pool, out List<Asid>? tags))
        {
            _tagsOfPool.Add(pool, tags = []);
        }

        tags.Add(tag);
    }

    private bool StillHolds(in PendingCheck check) => check.IsTable
        ? core.Mmu.CachesTable(check.Tag, [(int)check.Number])
        : core.Mmu.MapsTo(check.Tag, check.Number << PageSizes.BaseShift, check.Releases.InMachine(check.Frame));

    private void VerifyPending(long time, Asid tag, IEnumerable<PendingCheck> checks)
    {
        foreach (PendingCheck check in checks.OrderBy(check => check.Number).ThenBy(check => check.Frame))
        {
            if (StillHolds(check))
            {
                check.Releases.ReportReuse(check, core.Core, tag, time);
                return;
            }
        }
    }
}

/// <summary>Something a core held under a tag that it could not use when its memory was given back.</summary>
/// <param name="Releases">Who watches the memory.</param>
/// <param name="Space">The space.</param>
/// <param name="Tag">The tag.</param>
/// <param name="Number">The page, or the number of the table page.</param>
/// <param name="Frame">The frame; <see cref="OfTable"/> for a table page.</param>
/// <param name="Operation">The operation that gave it back.</param>
/// <param name="Death">How the translation to the frame had died; null if that is not known, and for a table page.</param>
/// <param name="Time">When, in cycles.</param>
internal readonly record struct PendingCheck(
    ReleaseChecker Releases, SpaceChecker Space, Asid Tag, ulong Number, ulong Frame, OperationTrace Operation, DeadPage? Death, long Time)
{
    /// <summary>Stands for the frame where a table page is meant.</summary>
    public const ulong OfTable = ulong.MaxValue;

    /// <summary>Whether it is a table page.</summary>
    public bool IsTable => Frame == OfTable;
}
