using VmSim.Core.Reports;

namespace VmSim.Actors.Simulation;

/// <summary>How a run stands.</summary>
/// <param name="Glimpse">What it has counted, and who waits.</param>
/// <param name="Domains">Its domains.</param>
/// <param name="DomainsSeen">How many of them have been read: one whose only core runs a long way opens no window meanwhile.</param>
/// <param name="WindowCycles">Length of a window in cycles.</param>
/// <param name="WindowBoundCycles">The most that it may be.</param>
/// <param name="WindowBoundReason">What bounds it, in words.</param>
/// <param name="Lanes">Host threads that simulate now.</param>
/// <param name="Threads">How many may.</param>
/// <param name="Ghz">Cycles of a nanosecond.</param>
public sealed record RunSight(
    RunGlimpse Glimpse,
    int Domains,
    int DomainsSeen,
    long WindowCycles,
    long WindowBoundCycles,
    string WindowBoundReason,
    int Lanes,
    int Threads,
    double Ghz);
