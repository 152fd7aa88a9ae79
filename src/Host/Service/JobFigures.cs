namespace VmSim.Host.Service;

/// <summary>
/// How a running job stands, for somebody who looks at it: what its run has counted over virtual time, and who waits. It is kept in memory,
/// and is gone with the job.
/// </summary>
/// <param name="Ghz">Cycles of a nanosecond.</param>
/// <param name="ReachedCycles">Up to when all of the run has come, in cycles; intervals behind may go on.</param>
/// <param name="IntervalCycles">Length of an interval in cycles, a power of two.</param>
/// <param name="Series">What was counted in each interval, as a report has it (docs/timelines.md).</param>
/// <param name="CoresPerBlock">Cores of a row of <paramref name="Interrupts"/>.</param>
/// <param name="Interrupts">
/// Interrupts for shootdowns by the initiator's block of cores and the target's; no rows if there were none.
/// </param>
/// <param name="WindowCycles">Length of a window in cycles.</param>
/// <param name="WindowBoundCycles">The most that it may be.</param>
/// <param name="WindowBoundReason">What bounds it, in words.</param>
/// <param name="Lanes">Host threads that simulate now.</param>
/// <param name="Threads">How many may.</param>
/// <param name="Domains">Domains of the run, which never wait for each other.</param>
/// <param name="DomainsSeen">Of how many of them these figures are.</param>
/// <param name="Waits">Who waits for whom, a line each.</param>
/// <param name="HasMoreWaits">Whether there are more than stand there.</param>
internal sealed record JobFigures(
    double Ghz,
    long ReachedCycles,
    long IntervalCycles,
    IReadOnlyList<FigureSeries> Series,
    int CoresPerBlock,
    IReadOnlyList<IReadOnlyList<long>> Interrupts,
    long WindowCycles,
    long WindowBoundCycles,
    string WindowBoundReason,
    int Lanes,
    int Threads,
    int Domains,
    int DomainsSeen,
    IReadOnlyList<string> Waits,
    bool HasMoreWaits)
{
    /// <summary>What was counted of something up to now; 0 for what has no series.</summary>
    public long Total(string name) => ValuesOf(name).Sum();

    /// <summary>What something came to last; 0 for what has no series.</summary>
    public long Last(string name) => ValuesOf(name).LastOrDefault();

    private IReadOnlyList<long> ValuesOf(string name) => Series.FirstOrDefault(series => series.Name == name)?.Values ?? [];
}

/// <summary>A figure over virtual time.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Values">Its values by interval.</param>
internal sealed record FigureSeries(string Name, IReadOnlyList<long> Values);
