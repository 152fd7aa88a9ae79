namespace VmSim.Core.Engine;

/// <summary>What is estimated of accesses that are not simulated one by one.</summary>
public enum SampledMetric
{
    /// <summary>Hits of the second-level TLB (<see cref="CoreCounters.SecondLevelHits"/>).</summary>
    SecondLevelHits,

    /// <summary>Page walks (<see cref="CoreCounters.Walks"/>).</summary>
    Walks,

    /// <summary>Entries that walks read (<see cref="CoreCounters.WalkReferences"/>).</summary>
    WalkReferences,

    /// <summary>Walks that brought back what shootdowns took (<see cref="CoreCounters.RefillMisses"/>).</summary>
    RefillMisses,

    /// <summary>Cycles of the accesses themselves (<see cref="CoreCycles.User"/>).</summary>
    UserCycles,

    /// <summary>Cycles of second-level hits and walks (<see cref="CoreCycles.Walk"/>).</summary>
    WalkCycles,

    /// <summary>Both together. It is no figure of its own: what is booked adds up to it.</summary>
    Cycles,
}

/// <summary>What some accesses of a thread came to.</summary>
internal struct SampleCounts
{
    /// <summary>How many metrics there are that are booked.</summary>
    public const int Metrics = (int)SampledMetric.WalkCycles + 1;

    /// <summary>Accesses.</summary>
    public long Accesses;

    private long _second;
    private long _walks;
    private long _references;
    private long _refills;
    private long _user;
    private long _walk;

    /// <summary>What a core has counted so far.</summary>
    public static SampleCounts Of(CoreCounters counters, CoreCycles cycles) => new()
    {
        Accesses = counters[CoreCounters.Accesses],
        _second = counters[CoreCounters.SecondLevelHits],
        _walks = counters[CoreCounters.Walks],
        _references = counters[CoreCounters.WalkReferences],
        _refills = counters[CoreCounters.RefillMisses],
        _user = cycles[CoreCycles.User],
        _walk = cycles[CoreCycles.Walk],
    };

    /// <summary>One of the metrics.</summary>
    public long this[SampledMetric metric]
    {
        readonly get => metric switch
        {
            SampledMetric.SecondLevelHits => _second,
            SampledMetric.Walks => _walks,
            SampledMetric.WalkReferences => _references,
            SampledMetric.RefillMisses => _refills,
            SampledMetric.UserCycles => _user,
            SampledMetric.WalkCycles => _walk,
            _ => _user + _walk,
        };

        set
        {
            switch (metric)
            {
                case SampledMetric.SecondLevelHits:
                    _second = value;
                    break;
                case SampledMetric.Walks:
                    _walks = value;
                    break;
                case SampledMetric.WalkReferences:
                    _references = value;
                    break;
                case SampledMetric.RefillMisses:
                    _refills = value;
                    break;
                case SampledMetric.UserCycles:
                    _user = value;
                    break;
                default:
                    _walk = value;
                    break;
            }
        }
    }

    /// <summary>What came to it since an earlier state.</summary>
    public readonly SampleCounts Since(in SampleCounts earlier) => new()
    {
        Accesses = Accesses - earlier.Accesses,
        _second = _second - earlier._second,
        _walks = _walks - earlier._walks,
        _references = _references - earlier._references,
        _refills = _refills - earlier._refills,
        _user = _user - earlier._user,
        _walk = _walk - earlier._walk,
    };

    /// <summary>Adds what others came to.</summary>
    public void Add(in SampleCounts other)
    {
        Accesses += other.Accesses;
        _second += other._second;
        _walks += other._walks;
        _references += other._references;
        _refills += other._refills;
        _user += other._user;
        _walk += other._walk;
    }
}
