using VmSim.Core.Settings;

namespace VmSim.Core.Validation;

/// <summary>What is counted of a whole program that was recorded.</summary>
public sealed class RangeFigure : INamed
{
    private RangeFigure(string name, string summary)
    {
        Name = name;
        Summary = summary;
    }

    /// <summary>
    /// Flush events but for those of switches to another process: each core's own flushes, invalidations that another core asked for, and
    /// flushes while other cores were in the space's list (trace event tlb:tlb_flush, reasons 1 to 5, include/trace/events/tlb.h).
    /// </summary>
    public static RangeFigure Flushes { get; } = new("flushes", "TLB flush events, those of switches to another process left out");

    /// <summary>Page faults (PERF_COUNT_SW_PAGE_FAULTS).</summary>
    public static RangeFigure Faults { get; } = new("faults", "page faults");

    /// <summary>All figures.</summary>
    public static Registry<RangeFigure> All { get; } = new("figure", [Flushes, Faults]);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Summary { get; }
}

/// <summary>What several runs of a program counted on a real machine.</summary>
/// <param name="Program">The program's name.</param>
/// <param name="Figure">What was counted.</param>
/// <param name="Least">The least of all runs.</param>
/// <param name="Most">The most of all runs, not below the least.</param>
/// <param name="Bound">How far outside of the range the simulated count may lie, in percent of the nearer end; 0 or more.</param>
/// <param name="Source">Where it was measured, as the table's head explains.</param>
public sealed record MeasuredRange(string Program, RangeFigure Figure, double Least, double Most, double Bound, string Source);

/// <summary>A measured range beside the simulated count.</summary>
/// <param name="Measured">The range.</param>
/// <param name="Simulated">What the simulator counted of the recorded run.</param>
public sealed record ComparedRange(MeasuredRange Measured, double Simulated)
{
    /// <summary>0 in the range; outside, how far the simulated count lies from the nearer end, in percent of that.</summary>
    public double ErrorPercent => 100 * (Simulated - Math.Clamp(Simulated, Measured.Least, Measured.Most))
        / Math.Clamp(Simulated, Math.Max(1, Measured.Least), Math.Max(1, Measured.Most));

    /// <summary>Whether the bound holds.</summary>
    public bool Holds => Math.Abs(ErrorPercent) <= Measured.Bound;
}
