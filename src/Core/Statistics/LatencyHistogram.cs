using System.Numerics;

namespace VmSim.Core.Statistics;

/// <summary>
/// A histogram of latencies in cycles: exact below 64, then 32 buckets to each doubling (at most 3.2 % wide). So merging and percentiles do
/// not depend on the order of samples. The maximum is exact.
/// </summary>
public sealed class LatencyHistogram
{
    private const int ExactValues = 64;
    private const int SubBuckets = 32;
    private const int SubShift = 5;
    private readonly long[] _buckets = new long[ExactValues + ((63 - 6) * SubBuckets)];

    /// <summary>How many latencies were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>Greatest sample; 0 when there is none.</summary>
    public long Max { get; private set; }

    /// <summary>Sum of all samples.</summary>
    public long Sum { get; private set; }

    /// <summary>Records one sample of 0 or more cycles.</summary>
    public void Record(long cycles) => Record(cycles, 1);

    /// <summary>Records equal samples of 0 or more cycles.</summary>
    /// <param name="cycles">Each of them.</param>
    /// <param name="samples">How many.</param>
    public void Record(long cycles, long samples)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cycles);
        ArgumentOutOfRangeException.ThrowIfNegative(samples);
        _buckets[BucketOf(cycles)] += samples;
        Count += samples;
        Sum += cycles * samples;
        Max = samples > 0 ? Math.Max(Max, cycles) : Max;
    }

    /// <summary>Adds all samples of another histogram.</summary>
    public void Add(LatencyHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (int i = 0; i < _buckets.Length; i++)
        {
            _buckets[i] += other._buckets[i];
        }

        Count += other.Count;
        Sum += other.Sum;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>The samples as numbers: count, sum, greatest, then bucket and count of each bucket that holds any.</summary>
    public long[] Export() =>
        [Count, Sum, Max, .. _buckets.Index().Where(bucket => bucket.Item > 0).SelectMany(bucket => new[] { bucket.Index, bucket.Item })];

    /// <summary>Adds the samples that <see cref="Export"/> gave.</summary>
    /// <exception cref="InvalidDataException">They are not what it gives.</exception>
    public void Import(ReadOnlySpan<long> samples)
    {
        if (samples.Length < 3 || samples.Length % 2 == 0)
        {
            throw new InvalidDataException($"histogram: {samples.Length} numbers found");
        }

        Count += samples[0];
        Sum += samples[1];
        Max = Math.Max(Max, samples[2]);
        for (int i = 3; i < samples.Length; i += 2)
        {
            if (samples[i] < 0 || samples[i] >= _buckets.Length)
            {
                throw new InvalidDataException($"histogram: bucket {samples[i]} found, there are {_buckets.Length}");
            }

            _buckets[samples[i]] += samples[i + 1];
        }
    }

    /// <summary>Takes all latencies out, as at the end of the warm-up.</summary>
    public void Reset()
    {
        Array.Clear(_buckets);
        Count = 0;
        Sum = 0;
        Max = 0;
    }

    /// <summary>
    /// The least value at or below which <paramref name="percent"/> of the samples lie, up to the bucket's width; 0 when there is no
    /// sample.
    /// </summary>
    /// <param name="percent">0 to 100.</param>
    public long Percentile(double percent)
    {
        if (Count == 0)
        {
            return 0;
        }

        long rank = Math.Max(1, (long)Math.Ceiling(Count * percent / 100.0));
        long seen = 0;
        for (int i = 0; i < _buckets.Length; i++)
        {
            seen += _buckets[i];
            if (seen >= rank)
            {
                return Math.Min(HighestOf(i), Max);
            }
        }

        return Max;
    }

    /// <summary>Count, sum and the percentiles that reports show.</summary>
    public Distribution Describe() => new(Count, Sum, Percentile(50), Percentile(90), Percentile(99), Max);

    private static int BucketOf(long value)
    {
        if (value < ExactValues)
        {
            return (int)value;
        }

        int log = BitOperations.Log2((ulong)value);
        int sub = (int)(value >> (log - SubShift)) & (SubBuckets - 1);
        return ExactValues + ((log - 6) * SubBuckets) + sub;
    }

    private static long HighestOf(int bucket)
    {
        if (bucket < ExactValues)
        {
            return bucket;
        }

        int log = ((bucket - ExactValues) / SubBuckets) + 6;
        long sub = (bucket - ExactValues) % SubBuckets;
        return ((SubBuckets + sub + 1) << (log - SubShift)) - 1;
    }
}
