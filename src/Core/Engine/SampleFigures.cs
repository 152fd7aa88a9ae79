namespace VmSim.Core.Engine;

/// <summary>What the samples of one thread came to, for the interval in which the true figures lie.</summary>
public sealed class SampleFigures
{
    /// <summary>How many metrics there are.</summary>
    public const int Metrics = (int)SampledMetric.Cycles + 1;

    private const int Heads = 7;

    /// <summary>Samples that were taken.</summary>
    public long Units { get; set; }

    /// <summary>Accesses that were simulated one by one.</summary>
    public long Detailed { get; set; }

    /// <summary>Accesses that were not.</summary>
    public long Skipped { get; set; }

    /// <summary>Accesses that samples stand for, themselves not counted in: those that were skipped, and those of warm-ups.</summary>
    public long Represented { get; set; }

    /// <summary>The sum, over the samples, of the squared number of accesses that each stands for.</summary>
    public double SquaredWeights { get; set; }

    /// <summary>Cycles of <see cref="SampledMetric.UserCycles"/> that were booked too much or too little when the run ended.</summary>
    public long UserCyclesLeft { get; set; }

    /// <summary>The same of <see cref="SampledMetric.WalkCycles"/>.</summary>
    public long WalkCyclesLeft { get; set; }

    /// <summary>By metric: the sum over the samples of the metric per access.</summary>
    public double[] Sum { get; } = new double[Metrics];

    /// <summary>By metric: the sum of the squares of that.</summary>
    public double[] SumOfSquares { get; } = new double[Metrics];

    /// <summary>By metric: the sum over the samples of what the same number of accesses before the sample came to, per access.</summary>
    public double[] SumBefore { get; } = new double[Metrics];

    /// <summary>Takes a sample.</summary>
    /// <param name="unit">Its accesses.</param>
    /// <param name="before">Those before it.</param>
    internal void Add(in SampleCounts unit, in SampleCounts before)
    {
        Units++;
        for (int i = 0; i < Sum.Length; i++)
        {
            double rate = (double)unit[(SampledMetric)i] / unit.Accesses;
            Sum[i] += rate;
            SumOfSquares[i] += rate * rate;
            SumBefore[i] += before.Accesses > 0 ? (double)before[(SampledMetric)i] / before.Accesses : rate;
        }
    }

    /// <summary>The variance of a metric per access between samples; 0 for fewer than two.</summary>
    public double Variance(SampledMetric metric)
    {
        int i = (int)metric;
        return Units < 2 ? 0 : Math.Max(0, (SumOfSquares[i] - (Sum[i] * Sum[i] / Units)) / (Units - 1));
    }

    /// <summary>How much of a metric was booked too much or too little when the run ended.</summary>
    public long LeftOf(SampledMetric metric) => metric switch
    {
        SampledMetric.UserCycles => UserCyclesLeft,
        SampledMetric.WalkCycles => WalkCyclesLeft,
        SampledMetric.Cycles => UserCyclesLeft + WalkCyclesLeft,
        _ => 0,
    };

    /// <summary>Everything as plain numbers, for another node.</summary>
    public long[] Export() =>
    [
        Units,
        Detailed,
        Skipped,
        Represented,
        UserCyclesLeft,
        WalkCyclesLeft,
        BitConverter.DoubleToInt64Bits(SquaredWeights),
        .. Sum.Select(BitConverter.DoubleToInt64Bits),
        .. SumOfSquares.Select(BitConverter.DoubleToInt64Bits),
        .. SumBefore.Select(BitConverter.DoubleToInt64Bits),
    ];

    /// <summary>Takes over what <see cref="Export"/> gave.</summary>
    /// <exception cref="InvalidDataException">There are too few or too many numbers.</exception>
    public void Import(ReadOnlySpan<long> numbers)
    {
        if (numbers.Length != Heads + (3 * Metrics))
        {
            throw new InvalidDataException($"samples: {numbers.Length} numbers found; {Heads + (3 * Metrics)} are needed");
        }

        (Units, Detailed, Skipped, Represented) = (numbers[0], numbers[1], numbers[2], numbers[3]);
        (UserCyclesLeft, WalkCyclesLeft) = (numbers[4], numbers[5]);
        SquaredWeights = BitConverter.Int64BitsToDouble(numbers[6]);
        for (int i = 0; i < Metrics; i++)
        {
            Sum[i] = BitConverter.Int64BitsToDouble(numbers[Heads + i]);
            SumOfSquares[i] = BitConverter.Int64BitsToDouble(numbers[Heads + Metrics + i]);
            SumBefore[i] = BitConverter.Int64BitsToDouble(numbers[Heads + (2 * Metrics) + i]);
        }
    }
}
