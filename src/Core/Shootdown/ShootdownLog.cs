using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Shootdown;

/// <summary>
/// Records of the shootdowns of one address space since counting began, in the order of their numbers, which is the order in which they
/// began.
/// </summary>
public sealed class ShootdownLog
{
    /// <summary>Records kept for a space are those of shootdowns with lower numbers than this: at most 80 MiB.</summary>
    public const int RecordsMax = 1 << 20;

    private readonly List<ShootdownRecord> _records = [];
    private int _first = 1;
    private long _last;
    private long _begun;

    /// <summary>The records; refill misses are not in them.</summary>
    public IReadOnlyList<ShootdownRecord> Records => _records;

    /// <summary>Shootdowns of which no record was kept.</summary>
    public long LeftOut => _begun - _records.Count;

    /// <summary>A shootdown begins.</summary>
    internal void Begin(SpaceId space, ShootdownRequest shootdown)
    {
        _last = shootdown.Id;
        _begun++;
        if (shootdown.Id < RecordsMax)
        {
            _records.Add(new ShootdownRecord
            {
                BegunAt = shootdown.BegunAt,
                Space = space,
                Id = (int)shootdown.Id,
                Initiator = shootdown.Initiator,
                DeadPages = shootdown.DeadPages,
                Dead = shootdown.Dead,
                Wait = -1,
            });
        }
    }

    /// <summary>A shootdown has come further.</summary>
    internal void Update(ShootdownRequest shootdown)
    {
        if (shootdown.Id >= _first && shootdown.Id < RecordsMax)
        {
            ref ShootdownRecord record = ref CollectionsMarshal.AsSpan(_records)[(int)shootdown.Id - _first];
            record = record with
            {
                Targets = shootdown.Targets,
                Interrupts = shootdown.Interrupts,
                SpuriousInterrupts = shootdown.SpuriousTargets,
                Wait = shootdown.Wait,
                HandlerCycles = shootdown.HandlerCycles,
            };
        }
    }

    /// <summary>Forgets all shootdowns that have begun; counting begins.</summary>
    internal void Reset()
    {
        _records.Clear();
        _begun = 0;
        _first = (int)Math.Min(RecordsMax, _last + 1);
    }
}
