using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

/// <summary>
/// Records of the shootdowns of one address space since counting began, in the order of their numbers, which is the order in which they
/// began. If nobody wants the list, those that are over become counts in histograms, so that memory does not grow with their number.
/// </summary>
/// <param name="isListed">Whether somebody wants the list: every record is kept.</param>
public sealed class ShootdownLog(bool isListed = false)
{
    /// <summary>Shootdowns of a space with lower numbers than this have a record: a list of them takes at most 120 MiB.</summary>
    public const int RecordsMax = 1 << 20;

    /// <summary>
    /// Records of shootdowns that are over become counts when there are so many: then they would take as much memory as the counts
    /// do, about 100 KiB.
    /// </summary>
    public const int FoldCount = 1 << 10;

    private readonly bool _isListed = isListed;
    private readonly List<ShootdownRecord> _records = [];
    private LatencyHistogram[] _folded = [];
    private int _foldCount = FoldCount;
    private int _first = 1;
    private int _recorded;
    private long _last;
    private long _begun;

    /// <summary>The records that are still there, by number; refill misses are not in them.</summary>
    public IReadOnlyList<ShootdownRecord> Records => _records;

    /// <summary>What is known of the shootdowns.</summary>
    public ShootdownTally Tally => new(_first, _recorded, _records, _folded);

    /// <summary>Shootdowns of which no record was made.</summary>
    public long LeftOut => _begun - _recorded;

    /// <summary>Whether <see cref="Fold"/> is due.</summary>
    internal bool IsFull => !_isListed && _records.Count >= _foldCount;

    /// <summary>A shootdown begins.</summary>
    internal void Begin(SpaceId space, ShootdownRequest shootdown)
    {
        _last = shootdown.Id;
        _begun++;
        if (shootdown.Id < RecordsMax)
        {
            _recorded++;
            _records.Add(new ShootdownRecord
            {
                BegunAt = shootdown.BegunAt,
                Space = space,
                Id = (int)shootdown.Id,
                Initiator = shootdown.Initiator,
                DeadPages = shootdown.DeadPages,
                Dead = shootdown.Dead,
                Operation = shootdown.OperationId,
                Wait = -1,
            });
        }
    }

    /// <summary>A shootdown has come further.</summary>
    internal void Update(ShootdownRequest shootdown)
    {
        if (TryFind(shootdown.Id, out int at))
        {
            ref ShootdownRecord record = ref CollectionsMarshal.AsSpan(_records)[at];
            record = record with
            {
                Targets = shootdown.Targets,
                Interrupts = shootdown.Interrupts,
                SpuriousInterrupts = shootdown.SpuriousTargets,
                Wait = shootdown.Wait,
                Staleness = shootdown.Staleness,
                HandlerCycles = shootdown.HandlerCycles,
            };
        }
    }

    /// <summary>The run is over, and some core may still use what died in a shootdown.</summary>
    internal void End(ShootdownRequest shootdown, Cycles end)
    {
        if (TryFind(shootdown.Id, out int at))
        {
            ref ShootdownRecord record = ref CollectionsMarshal.AsSpan(_records)[at];
            record = record with { Staleness = Cycles.Max(shootdown.Staleness, end - shootdown.BegunAt) };
        }
    }

    /// <summary>Counts the records of shootdowns that are over, and gives them up.</summary>
    /// <param name="isOpen">Whether a number is that of a shootdown that is not over.</param>
    internal void Fold(Func<long, bool> isOpen)
    {
        if (_folded.Length == 0)
        {
            _folded = [.. ShootdownFigure.All.Select(_ => new LatencyHistogram())];
        }

        int open = 0;
        for (int i = 0; i < _records.Count; i++)
        {
            if (isOpen(_records[i].Id))
            {
                _records[open++] = _records[i];
            }
            else
            {
                ShootdownFigure.Count(_records[i], _folded);
            }
        }

        _records.RemoveRange(open, _records.Count - open);

        // Where very many are open at a time, looking through them all must stay rare.
        _foldCount = Math.Max(FoldCount, 2 * open);
    }

    /// <summary>Forgets all shootdowns that have begun; counting begins.</summary>
    internal void Reset()
    {
        _records.Clear();
        _folded = [];
        _foldCount = FoldCount;
        _recorded = 0;
        _begun = 0;
        _first = (int)Math.Min(RecordsMax, _last + 1);
    }

    private bool TryFind(long id, out int at)
    {
        at = id >= _first && id < RecordsMax ? PlaceOf((int)id) : -1;
        return at >= 0;
    }

    /// <summary>Where the record of a shootdown stands; negative if it is not there any more.</summary>
    private int PlaceOf(int id)
    {
        if (_folded.Length == 0)
        {
            return id - _first;
        }

        int low = 0;
        int high = _records.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int found = _records[middle].Id;
            if (found == id)
            {
                return middle;
            }

            (low, high) = found < id ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }
}
