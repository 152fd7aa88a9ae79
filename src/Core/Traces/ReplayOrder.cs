namespace VmSim.Core.Traces;

/// <summary>How much of a trace's order between threads a replay keeps. Each keeps what the one before it keeps.</summary>
public enum ReplayOrder
{
    /// <summary>
    /// The order of calls on overlapping ranges, of uses with the calls before and behind them, of forks, and of threads with their makers.
    /// </summary>
    Areas,

    /// <summary>
    /// Also that a page which one thread stores to before another first loads from it is stored to first, between changes of its mapping.
    /// </summary>
    Pages,

    /// <summary>The trace's own order: a thread goes on when all that stands before in the trace is done.</summary>
    Full,
}
