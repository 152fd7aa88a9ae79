using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

/// <summary>A figure of each shootdown, whose distribution is reported.</summary>
/// <param name="Info">What reports say of it.</param>
/// <param name="Column">Its column in a table with a line for each shootdown; the last word is the unit.</param>
/// <param name="Read">Reads its value from a record; below 0 where there is none.</param>
public sealed record ShootdownFigure(CounterInfo Info, string Column, Func<ShootdownRecord, long> Read)
{
    /// <summary>Refill misses, which come long after their shootdown is over.</summary>
    public static ShootdownFigure RefillMisses { get; } = new(
        new("refillMisses", "walks", "Walks that brought back live translations which cores had lost to it.", "refill misses"),
        "refill_miss_walks",
        s => s.RefillMisses);

    /// <summary>How long what died could still be used.</summary>
    public static ShootdownFigure Staleness { get; } = new(
        new(
            "staleness",
            "cycles",
            "From the first message until each core that may hold what died had invalidated it, or the run ended; 0 without such a core.",
            "staleness, cycles"),
        "staleness_cycles",
        s => s.Staleness.Value);

    /// <summary>All figures, in the order of reports. One line declares a figure for every output.</summary>
    public static IReadOnlyList<ShootdownFigure> All { get; } =
    [
        new(new("targets", "cores", "Cores that were told."), "target_cores", s => s.Targets),
        new(new("interrupts", "interrupts", "Interrupts sent.", "IPIs"), "interrupts", s => s.Interrupts),
        new(
            new("spuriousInterrupts", "interrupts", "Interrupts whose target held nothing of what it was told to drop.", "spurious IPIs"),
            "spurious_interrupts",
            s => s.SpuriousInterrupts),
        new(new("deadPages", "translations", "Translations that died or lost rights.", "dead pages"), "dead_pages", s => s.DeadPages),
        new(
            new(
                "spanPages",
                "pages",
                "Pages in the range that covers the dead translations; without shootdowns of the whole space.",
                "pages in range"),
            "span_pages",
            s => s.Dead.IsWholeSpace ? -1 : (long)s.Dead.Pages),
        new(
            new("wait", "cycles", "From the first message to the last acknowledgement, of shootdowns with targets.", "wait, cycles"),
            "wait_cycles",
            s => s.Wait.Value),
        Staleness,
        new(
            new("handlerCycles", "cycles", "Cycles of the targets' handlers.", "handlers, cycles"),
            "handler_cycles",
            s => s.HandlerCycles.Value),
        RefillMisses,
    ];

    /// <summary>Counts the figures of a record, but for refill misses, in a histogram each.</summary>
    internal static void Count(in ShootdownRecord record, LatencyHistogram[] histograms)
    {
        for (int i = 0; i < All.Count; i++)
        {
            if (!ReferenceEquals(All[i], RefillMisses) && All[i].Read(record) is >= 0 and long value)
            {
                histograms[i].Record(value);
            }
        }
    }
}
