namespace VmSim.Host.Sweeps;

/// <summary>Values of one figure over seeds.</summary>
/// <param name="Count">How many.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="Deviation">Their standard deviation, with one less than their count below; 0 for one value.</param>
/// <param name="Least">The smallest.</param>
/// <param name="Most">The greatest.</param>
internal sealed record Sample(int Count, double Mean, double Deviation, double Least, double Most)
{
    /// <summary>Half the width of the interval that has the true mean in 95 of 100 cases, by Student's t; null for one value.</summary>
    public double? HalfWidth => Count < 2 ? null : StudentT.Critical95(Count - 1) * Deviation / Math.Sqrt(Count);

    /// <summary>A sample; null of no values.</summary>
    public static Sample? Of(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0)
        {
            return null;
        }

        double least = values.Min();
        double most = values.Max();

        // Equal values have a mean that is exactly theirs.
        double mean = least.Equals(most) ? least : values.Average();
        double squares = values.Sum(value => (value - mean) * (value - mean));
        return new Sample(values.Count, mean, values.Count < 2 ? 0 : Math.Sqrt(squares / (values.Count - 1)), least, most);
    }

    /// <summary>
    /// Half the width of the interval of the difference of two means, by Welch's t: their variances may differ. Null if either has one
    /// value.
    /// </summary>
    public static double? HalfWidthOfDifference(Sample first, Sample second)
    {
        if (first.Count < 2 || second.Count < 2)
        {
            return null;
        }

        double a = first.Deviation * first.Deviation / first.Count;
        double b = second.Deviation * second.Deviation / second.Count;
        double freedom = (a + b) * (a + b) / ((a * a / (first.Count - 1)) + (b * b / (second.Count - 1)));
        return a + b == 0 ? 0 : StudentT.Critical95(freedom) * Math.Sqrt(a + b);
    }
}
