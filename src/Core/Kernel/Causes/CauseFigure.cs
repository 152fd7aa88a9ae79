using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel.Causes;

/// <summary>A figure that is counted for each cause. One line declares it for every output.</summary>
public sealed class CauseFigure
{
    private static readonly List<CauseFigure> Figures = [];

    /// <summary>Calls and faults.</summary>
    public static readonly CauseFigure Count = new(new("count", "operations", "Calls or faults.", "times"), "operations");

    /// <summary>Cycles from trap to answer.</summary>
    public static readonly CauseFigure Cycles = new(
        new(
            "cycles", "cycles", "From the trap to the answer, waiting for locks, invalidations and devices included.", "caller, cycles"),
        "cycles");

    /// <summary>Cycles of those that passed before the operation could start.</summary>
    public static readonly CauseFigure LockCycles = new(
        new("lockWaitCycles", "cycles", "Of these, cycles before it could start, because others held the lock.", "lock, cycles"),
        "lock_wait_cycles");

    /// <summary>Cycles of those that passed while cores invalidated.</summary>
    public static readonly CauseFigure WaitCycles = new(
        new("waitCycles", "cycles", "Of these, cycles in which it waited for other cores to invalidate.", "wait, cycles"), "wait_cycles");

    /// <summary>Shootdowns.</summary>
    public static readonly CauseFigure Shootdowns = new(
        new("shootdowns", "shootdowns", "Shootdowns that it led to."), "shootdowns");

    /// <summary>Cores that were told.</summary>
    public static readonly CauseFigure Targets = new(new("targets", "cores", "Cores that were told, over all shootdowns."), "target_cores");

    /// <summary>Interrupts.</summary>
    public static readonly CauseFigure Interrupts = new(new("interrupts", "interrupts", "Interrupts sent.", "IPIs"), "interrupts");

    /// <summary>Interrupts for nothing.</summary>
    public static readonly CauseFigure Spurious = new(
        new("spuriousInterrupts", "interrupts", "Interrupts whose target held nothing of what it was told to drop.", "spurious IPIs"),
        "spurious_interrupts");

    /// <summary>Translations that died.</summary>
    public static readonly CauseFigure DeadPages = new(
        new("deadPages", "translations", "Translations that died or lost rights.", "dead pages"), "dead_pages");

    /// <summary>Cycles of other cores.</summary>
    public static readonly CauseFigure HandlerCycles = new(
        new("handlerCycles", "cycles", "Cycles of the handlers of the cores that were told.", "others, cycles"), "handler_cycles");

    /// <summary>Walks that brought back what was lost to it.</summary>
    public static readonly CauseFigure RefillWalks = new(
        new("refillMisses", "walks", "Walks that brought back live translations which cores had lost to it.", "refill walks"),
        "refill_miss_walks");

    private CauseFigure(CounterInfo info, string column)
    {
        Info = info;
        Column = column;
        Index = Figures.Count;
        Figures.Add(this);
    }

    /// <summary>All figures, in the order of outputs.</summary>
    public static IReadOnlyList<CauseFigure> All => Figures;

    /// <summary>What outputs say of it.</summary>
    public CounterInfo Info { get; }

    /// <summary>Its column in a table; the last word is the unit.</summary>
    public string Column { get; }

    /// <summary>Its place in <see cref="All"/>.</summary>
    public int Index { get; }
}
