using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

/// <content>Where a thread stands, for the node that it goes to.</content>
internal sealed partial class ThreadSampling
{
    private const int Heads = 14;
    private const int CountsLength = 1 + SampleCounts.Metrics;

    /// <summary>Everything but what the page table is known to be, as plain numbers, for another node.</summary>
    public long[] Export()
    {
        (ulong s0, ulong s1, ulong s2, ulong s3) = _random.State;
        return
        [
            (long)Phase, Accesses, PhaseEnd, _nextPeriod, _skipLength, _skipped, _weight, _weightBehind,
            _warmUpLength, NextLook,
            (long)s0, (long)s1, (long)s2, (long)s3,
            .. Numbers(_warmUp), .. Numbers(_before), .. Numbers(_unit), .. Numbers(_past), .. Numbers(_rate), .. Numbers(_share),
            .. Numbers(_owed), .. Numbers(_shortened),
            .. Figures.Export(),
        ];
    }

    /// <summary>Takes over what <see cref="Export"/> gave.</summary>
    public void Import(long[] numbers)
    {
        Phase = (SamplePhase)numbers[0];
        (Accesses, PhaseEnd, _nextPeriod) = (numbers[1], numbers[2], numbers[3]);
        (_skipLength, _skipped) = (numbers[4], numbers[5]);
        (_weight, _weightBehind, _warmUpLength, NextLook) = (numbers[6], numbers[7], numbers[8], numbers[9]);
        _random = SeededRandom.In((ulong)numbers[10], (ulong)numbers[11], (ulong)numbers[12], (ulong)numbers[13]);
        int at = Heads;
        _warmUp = Next();
        _before = Next();
        _unit = Next();
        _past = Next();
        _rate = Next();
        _share = Next();
        _owed = Next();
        _shortened = Next();
        Figures.Import(numbers.AsSpan(at));
        EndBlock();
        ReadyPages = 0;
        StopAt = -1;

        SampleCounts Next()
        {
            SampleCounts counts = new() { Accesses = numbers[at] };
            for (SampledMetric metric = 0; (int)metric < SampleCounts.Metrics; metric++)
            {
                counts[metric] = numbers[at + 1 + (int)metric];
            }

            at += CountsLength;
            return counts;
        }
    }

    private static IEnumerable<long> Numbers(SampleCounts counts) =>
        Enumerable.Range(0, SampleCounts.Metrics).Select(metric => counts[(SampledMetric)metric]).Prepend(counts.Accesses);
}
