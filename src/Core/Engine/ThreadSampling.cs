using System.Diagnostics;
using System.Numerics;
using VmSim.Core.Addresses;
using VmSim.Core.Scenarios;
using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

/// <summary>What is done with the accesses of a thread whose accesses are sampled.</summary>
internal enum SamplePhase : byte
{
    /// <summary>They are simulated one by one to fill the TLBs.</summary>
    WarmUp,

    /// <summary>So are these, the last of the warm-up; they tell whether it is long enough.</summary>
    Before,

    /// <summary>They are simulated one by one, and stand for those after them.</summary>
    Unit,

    /// <summary>They are gone over.</summary>
    Skip,
}

/// <summary>
/// Where a thread stands in the sampling of its accesses. A sample stands for the accesses that are gone over behind it, and for those of
/// its warm-up: per access they take as many cycles, walks and so on.
/// </summary>
/// <remarks>
/// Accesses that fault or set bits of their entries are simulated one by one in every phase, and are in no sample's figures. What skipped
/// accesses come to is booked in shares that depend on how many of them are behind the thread alone, so that it does not matter where the
/// run is cut into windows.
/// </remarks>
internal sealed partial class ThreadSampling
{
    /// <summary>Keeps the draws apart from those that others make from the same seed.</summary>
    private const ulong Salt = 0x73616D706C652D31;

    /// <summary>
    /// How often a warm-up replaces what the TLBs hold. With random replacement e^-2 of it is left after twice; calibrated, since
    /// the field says only that more is better (Wood, Hill and Kessler, SIGMETRICS 1991).
    /// </summary>
    private const long Turnovers = 2;

    /// <summary>Of how many accesses one is of a warm-up at most, where the TLBs take long to fill; calibrated.</summary>
    private const long WarmUpShare = 40;

    private readonly SamplingSpec _spec;

    /// <summary>Translations that the TLBs hold.</summary>
    private readonly long _entries;

    /// <summary>Accesses of the next warm-up.</summary>
    private long _warmUpLength;

    private SeededRandom _random;

    /// <summary>Periods whose sample was taken or is next.</summary>
    private long _nextPeriod;

    private SampleCounts _warmUp;
    private SampleCounts _before;
    private SampleCounts _unit;

    /// <summary>What the accesses before all samples so far came to.</summary>
    private SampleCounts _past;

    /// <summary>What the last unit with accesses of its own came to.</summary>
    private SampleCounts _rate;

    /// <summary>What the skipped accesses come to, all together.</summary>
    private SampleCounts _share;

    /// <summary>What is still to be booked of what was booked too little or too much.</summary>
    private SampleCounts _owed;

    /// <summary>Of the skipped accesses' cycles, what they are fewer by because others were too many.</summary>
    private SampleCounts _shortened;

    /// <summary>Accesses to skip, and how many of them are behind the thread.</summary>
    private long _skipLength;

    private long _skipped;

    /// <summary>Accesses before the last unit that it stands for.</summary>
    private long _weight;

    /// <summary>Accesses that were skipped since, while the run counted.</summary>
    private long _weightBehind;

    /// <summary>Begins a program.</summary>
    /// <param name="spec">Lengths of samples and periods.</param>
    /// <param name="seed">What the places of samples are drawn from.</param>
    /// <param name="thread">The thread; each has places of its own.</param>
    /// <param name="entries">Translations of a core's TLBs.</param>
    public ThreadSampling(SamplingSpec spec, ulong seed, ThreadId thread, long entries)
    {
        _spec = spec;
        _entries = entries;
        _warmUpLength = spec.WarmUp;
        _random = new SeededRandom(SeededRandom.Derive(SeededRandom.Mix(seed ^ Salt), 0, thread.Value));
        PhaseEnd = _spec.WarmUp - _spec.Unit;
        if (PhaseEnd == 0)
        {
            NextPhase(isWarm: false);
        }
    }

    /// <summary>What is done with the next accesses.</summary>
    public SamplePhase Phase { get; private set; }

    /// <summary>Accesses of user mode that are behind the thread.</summary>
    public long Accesses { get; private set; }

    /// <summary>Accesses that are behind the thread when the phase is over.</summary>
    public long PhaseEnd { get; private set; }

    /// <summary>Index in the thread's buffer behind the operation with which the phase ends; -1 if nobody has looked.</summary>
    public int StopAt { get; set; } = -1;

    /// <summary>What the samples came to.</summary>
    public SampleFigures Figures { get; } = new();

    /// <summary>Accesses that were simulated one by one count for the phase, or for none if they were what every phase simulates.</summary>
    public void Count(in SampleCounts made, bool isExact, bool isWarm)
    {
        Accesses += made.Accesses;
        Figures.Detailed += isWarm ? made.Accesses : 0;
        if (Phase == SamplePhase.Before)
        {
            _past.Add(made);
        }

        if (isExact)
        {
            return;
        }

        switch (Phase)
        {
            case SamplePhase.WarmUp:
                _warmUp.Add(made);
                break;
            case SamplePhase.Before:
                _warmUp.Add(made);
                _before.Add(made);
                break;
            case SamplePhase.Unit:
                _unit.Add(made);
                break;
            default:
                // one access that the page table did not let pass, and that was none of those that count for themselves
                break;
        }
    }

    /// <summary>Goes over to the next phase.</summary>
    /// <param name="isWarm">Whether the run counts already.</param>
    public void NextPhase(bool isWarm)
    {
        StopAt = -1;
        switch (Phase)
        {
            case SamplePhase.WarmUp:
                Phase = SamplePhase.Before;
                PhaseEnd = Accesses + _spec.Unit;
                break;
            case SamplePhase.Before:
                Phase = SamplePhase.Unit;
                PhaseEnd = Accesses + _spec.Unit;
                break;
            case SamplePhase.Unit:
                BeginSkip(isWarm);
                break;
            default:
                Phase = SamplePhase.WarmUp;
                PhaseEnd = Accesses + _warmUpLength - _spec.Unit;
                break;
        }
    }

    /// <summary>How many accesses begin within some time, at least 1.</summary>
    /// <param name="cycles">The time in cycles, above 0.</param>
    /// <param name="most">How many at most.</param>
    public long Within(long cycles, long most)
    {
        Debug.Assert(cycles > 0 && most > 0, "an access begins when there is time");
        long time = TimeAt(_skipped) + cycles;
        if (TimeAt(_skipped + most - 1) < time)
        {
            return most;
        }

        // The first access that would begin too late: shares are rounded down, so that the division tells it but for a few.
        long all = TimeAt(_skipLength);
        long first = Math.Clamp(Product(time, _skipLength, all), _skipped + 1, _skipped + most - 1);
        while (first > _skipped + 1 && TimeAt(first - 1) >= time)
        {
            first--;
        }

        while (TimeAt(first) < time)
        {
            first++;
        }

        return first - _skipped;
    }

    /// <summary>Cycles that the next skipped accesses take.</summary>
    public long TimeOf(long accesses) => TimeAt(_skipped + accesses) - TimeAt(_skipped);

    /// <summary>Goes over accesses.</summary>
    /// <returns>What they come to.</returns>
    public SampleCounts Skip(long accesses, bool isWarm)
    {
        SampleCounts booked = new() { Accesses = accesses };
        for (SampledMetric metric = 0; (int)metric < SampleCounts.Metrics; metric++)
        {
            booked[metric] = ShareAt(metric, _skipped + accesses) - ShareAt(metric, _skipped);
        }

        _skipped += accesses;
        Accesses += accesses;
        if (BlockLength > 0)
        {
            BlockDone += accesses;
        }

        if (isWarm)
        {
            _weightBehind += accesses;
            Figures.Skipped += accesses;
        }

        return booked;
    }

    /// <summary>Whether time is to pass that was booked too little.</summary>
    public bool IsLate => _owed[SampledMetric.UserCycles] > 0 || _owed[SampledMetric.WalkCycles] > 0;

    /// <summary>Takes what is to be booked of counts, and as much time as may pass.</summary>
    /// <param name="most">Cycles that may pass.</param>
    public SampleCounts TakeOwed(long most)
    {
        SampleCounts taken = _owed;
        taken[SampledMetric.UserCycles] = Math.Clamp(_owed[SampledMetric.UserCycles], 0, most);
        taken[SampledMetric.WalkCycles] = Math.Clamp(_owed[SampledMetric.WalkCycles], 0, most - taken[SampledMetric.UserCycles]);
        _owed = _owed.Since(taken);
        return taken;
    }

    /// <summary>What the samples came to up to now.</summary>
    public SampleFigures Finish()
    {
        Figures.UserCyclesLeft = Left(SampledMetric.UserCycles);
        Figures.WalkCyclesLeft = Left(SampledMetric.WalkCycles);
        AddWeight(_weight + _weightBehind);
        (_weight, _weightBehind) = (0, 0);
        return Figures;
    }

    private void BeginSkip(bool isWarm)
    {
        SampleCounts rateBefore = _rate;
        long skippedBefore = _skipped;
        if (_unit.Accesses > 0)
        {
            _rate = _unit;
            if (isWarm)
            {
                Figures.Add(_unit, _before);
            }
        }

        // The sample of a period begins anywhere in it, all places equally likely; the one at the beginning of the program is one more.
        _nextPeriod = Math.Max(_nextPeriod, Accesses / _spec.Period);
        _warmUpLength = WarmUpLength();
        long periods = 1 + (WarmUpShare * (_warmUpLength - _spec.WarmUp) / _spec.Period);
        long free = (periods * _spec.Period) - _warmUpLength - _spec.Unit;
        long next = Math.Max(Accesses + 1, (_nextPeriod * _spec.Period) + (long)_random.Below((ulong)Math.Max(1, free)));
        _nextPeriod += periods;
        Phase = SamplePhase.Skip;
        PhaseEnd = next;
        _skipLength = next - Accesses;
        _skipped = 0;
        AddWeight(_weight + (_weightBehind / 2));
        _weight = (isWarm ? _warmUp.Accesses : 0) + (_weightBehind / 2);
        _weightBehind = 0;
        _share = new SampleCounts { Accesses = _skipLength };
        for (SampledMetric metric = 0; _rate.Accesses > 0 && (int)metric < SampleCounts.Metrics; metric++)
        {
            _share[metric] = Product(_rate[metric], _skipLength, _rate.Accesses);

            // The accesses of the warm-up found other TLBs than they would have: they too come to what the sample says.
            long correction = Product(_rate[metric], _warmUp.Accesses, _rate.Accesses) - _warmUp[metric];
            if (rateBefore.Accesses > 0)
            {
                // A skip lies between two samples, and was booked as the first one says: half of it is now as the second one does.
                correction += (Product(_rate[metric], skippedBefore, _rate.Accesses)
                    - Product(rateBefore[metric], skippedBefore, rateBefore.Accesses)) / 2;
            }

            _owed[metric] += correction;
        }

        Shorten(SampledMetric.UserCycles);
        Shorten(SampledMetric.WalkCycles);
        _warmUp = default;
        _before = default;
        _unit = default;
    }

    /// <summary>
    /// Accesses that replace what the TLBs hold, if those that are skipped do; else what they hold is what they would, and the setting
    /// decides.
    /// </summary>
    /// <remarks>
    /// How many accesses a sample stands for must not depend on what it came to, or samples with few walks would stand for more. So this is
    /// told from the accesses before all samples so far, and by powers of two.
    /// </remarks>
    private long WarmUpLength()
    {
        long walks = _past[SampledMetric.Walks];
        bool isReplaced = walks > 0 && Product(walks, _spec.Period, _past.Accesses) >= _entries;
        long needed = isReplaced ? Product(Turnovers * _entries, _past.Accesses, walks) : 0;
        return needed <= _spec.WarmUp ? _spec.WarmUp : (long)BitOperations.RoundUpToPowerOf2((ulong)needed);
    }

    private void AddWeight(long weight)
    {
        Figures.Represented += weight;
        Figures.SquaredWeights += (double)weight * weight;
    }

    /// <summary>Time does not go back: what was booked too much shortens what comes next.</summary>
    private void Shorten(SampledMetric metric)
    {
        long taken = Math.Clamp(-_owed[metric], 0, _share[metric]);
        _share[metric] -= taken;
        _owed[metric] += taken;
        _shortened[metric] = taken;
    }

    /// <summary>Cycles that the end of the run leaves booked too much or too little.</summary>
    private long Left(SampledMetric metric) => Math.Abs(_owed[metric])
        + (_skipLength > 0 ? _shortened[metric] - Product(_shortened[metric], _skipped, _skipLength) : 0);

    private long TimeAt(long skipped) =>
        ShareAt(SampledMetric.UserCycles, skipped) + ShareAt(SampledMetric.WalkCycles, skipped);

    private long ShareAt(SampledMetric metric, long skipped) => Product(_share[metric], skipped, _skipLength);

    /// <summary>a * b / c, rounded down.</summary>
    private static long Product(long a, long b, long c)
    {
        const long Small = 1L << 31;
        if (a is >= 0 and < Small && b < Small)
        {
            return a * b / c;
        }

        Int128 product = (Int128)a * b;
        return (long)((product - (product < 0 ? c - 1 : 0)) / c);
    }
}
