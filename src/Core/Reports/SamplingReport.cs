namespace VmSim.Core.Reports;

/// <summary>What a run with sampled accesses says of its figures.</summary>
/// <param name="Units">Samples that were taken, of all threads.</param>
/// <param name="Detailed">Accesses that were simulated one by one.</param>
/// <param name="Skipped">Accesses that were not.</param>
/// <param name="Intervals">The figures that are estimates, and how far they can be off.</param>
public sealed record SamplingReport(long Units, long Detailed, long Skipped, IReadOnlyList<SampledFigure> Intervals);

/// <summary>A figure that is an estimate.</summary>
/// <param name="Name">Its name: of a total, or of a class of cycles of all cores with <c>Cycles</c> behind it.</param>
/// <param name="Estimate">Its value.</param>
/// <param name="HalfWidth">
/// How far the value of a run that simulates every access lies away at most, at a confidence of 95 %; null if there are too few samples to
/// say, and of a figure that samples do not tell.
/// </param>
public sealed record SampledFigure(string Name, long Estimate, long? HalfWidth)
{
    /// <summary>Whether a value lies in the interval; true if there is none.</summary>
    public bool Holds(long value) => HalfWidth is not { } half || Math.Abs(value - Estimate) <= half;
}
