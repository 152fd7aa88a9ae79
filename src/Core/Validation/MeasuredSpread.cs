namespace VmSim.Core.Validation;

/// <summary>What several repetitions of one measurement gave.</summary>
/// <param name="Best">The least disturbed one: the smallest time, or the largest rate.</param>
/// <param name="Median">The median of all.</param>
public readonly record struct MeasuredSpread(double Best, double Median)
{
    /// <summary>How far the median lies from the best one, without a sign.</summary>
    public double Width => Math.Abs(Median - Best);
}
