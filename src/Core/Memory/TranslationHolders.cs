using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>
/// Which cores may hold translations that died in one operation, as far as their page-table entries told: an entry that hardware has not
/// marked as accessed is held by the core into whose TLB the kernel put it, and by nobody else.
/// </summary>
/// <param name="cores">Cores of the machine.</param>
public sealed class TranslationHolders(int cores)
{
    private readonly List<TranslationHolders> _others = [];
    private bool _isEverybody;
    private bool _freesTables;
    private CoreMask? _holders;
    private Cycles _visibleAt;

    /// <summary>Whether any core may hold one: an entry was accessed, or it is not known what it was.</summary>
    public bool IsEverybody => _isEverybody || _others.Exists(other => other.IsEverybody);

    /// <summary>Whether table pages were freed, to which paging-structure caches of any core may lead.</summary>
    public bool FreesTables => _freesTables || _others.Exists(other => other.FreesTables);

    /// <summary>
    /// When every walker sees what the operation stored, in cycles. A walk before that time may have marked an entry, of which the notice
    /// takes <c>Delays.Notice</c>.
    /// </summary>
    public Cycles VisibleAt => _others.Aggregate(_visibleAt, (latest, other) => Cycles.Max(latest, other.VisibleAt));

    /// <summary>What an operation has killed itself, where others' is joined with it; null where nothing is.</summary>
    internal TranslationHolders? Own { get; init; }

    /// <summary>The range that covers what died.</summary>
    internal DeadRange Range { get; private set; }

    /// <summary>Adds the cores to a set.</summary>
    /// <param name="set">A set of the machine's cores.</param>
    public void AddTo(CoreMask set)
    {
        ArgumentNullException.ThrowIfNull(set);
        if (_holders is { } holders)
        {
            set.AddAll(holders);
        }

        foreach (TranslationHolders other in _others)
        {
            other.AddTo(set);
        }
    }

    /// <summary>A core may hold one.</summary>
    internal void Add(int core) => (_holders ??= new CoreMask(cores)).Add(core);

    /// <summary>Whoever may hold what others cover may hold one.</summary>
    internal void AddAll(TranslationHolders others)
    {
        _isEverybody |= others.IsEverybody;
        others.AddTo(_holders ??= new CoreMask(cores));
    }

    /// <summary>Any core may hold one.</summary>
    internal void AddEverybody() => _isEverybody = true;

    /// <summary>What another operation has killed, and not yet had invalidated, is to be invalidated too.</summary>
    internal void Join(TranslationHolders other) => _others.Add(other);

    /// <summary>All that died is known.</summary>
    internal void Close(DeadRange range, Cycles visibleAt, bool freesTables)
    {
        Range = range;
        _visibleAt = visibleAt;
        _freesTables = freesTables;
    }
}
