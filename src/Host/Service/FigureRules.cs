using System.Numerics;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Statistics;

namespace VmSim.Host.Service;

/// <summary>
/// What a job's live figures must be like, whether its process says them or a node: the process reads what others have sent.
/// </summary>
internal static class FigureRules
{
    /// <summary>
    /// Jobs of which a node is asked for figures in one answer: with as many, its beat stays far below the size of a request.
    /// </summary>
    public const int JobsMax = 32;

    /// <summary>
    /// The greatest number: all up to it are whole numbers to any reader of JSON, and as many as there are intervals add up.
    /// </summary>
    public const long NumberMax = 1L << 53;

    /// <summary>Characters of a line about who waits.</summary>
    public const int LineMax = 200;

    private const double GhzMax = 1_000;
    private const int DomainsMax = 1 << 24;

    private static readonly HashSet<string> Known = new(
        CoreIntervals.All.Select(known => known.Name).Concat(SpaceIntervals.All.Select(known => known.Name)), StringComparer.Ordinal);

    /// <summary>What is wrong with figures; null if nothing is. Lists may hold nulls, whatever their types say.</summary>
    public static string? Problem(JobFigures figures) =>
        figures.Ghz is not (> 0 and <= GhzMax) || !IsNumber(figures.ReachedCycles)
            ? $"figures.ghz, reachedCycles: above 0 to {GhzMax}, and 0 to {NumberMax}, are allowed"
            : SeriesProblem(figures) ?? InterruptsProblem(figures) ?? EngineProblem(figures) ?? WaitsProblem(figures);

    /// <summary>A number as it may be sent.</summary>
    public static long Sendable(long number) => Math.Clamp(number, 0, NumberMax);

    /// <summary>A line as it may be sent: without what controls a terminal, and cut where it is too long.</summary>
    public static string Sendable(string line)
    {
        string sendable = NodeRules.Sendable(line);
        return sendable.Length <= LineMax ? sendable : $"{sendable[..(LineMax - 3)]}...";
    }

    private static string? SeriesProblem(JobFigures figures)
    {
        if (figures.IntervalCycles is < 1L << IntervalSeries.FirstShift or > 1L << IntervalSeries.LastShift
            || !BitOperations.IsPow2(figures.IntervalCycles))
        {
            return $"figures.intervalCycles: a power of two from 2^{IntervalSeries.FirstShift} to 2^{IntervalSeries.LastShift} is needed";
        }

        HashSet<string> names = new(StringComparer.Ordinal);
        return figures.Series is null || figures.Series.Count > Known.Count
            || figures.Series.Any(series => series?.Name is null || !Known.Contains(series.Name) || !names.Add(series.Name)
                || series.Values is null || series.Values.Count != figures.Series[0].Values.Count
                || series.Values.Count > IntervalSeries.IntervalsMax || !series.Values.All(IsNumber))
            ? $"figures.series: each of {string.Join(", ", Known)} at most once, with as many values as the others, at most "
                + $"{IntervalSeries.IntervalsMax} from 0 to {NumberMax}, is allowed"
            : null;
    }

    private static string? InterruptsProblem(JobFigures figures) =>
        figures.CoresPerBlock is < 1 or > ushort.MaxValue || figures.Interrupts is null
        || figures.Interrupts.Count > InterruptMatrix.BlocksMax
        || figures.Interrupts.Any(row => row is null || row.Count != figures.Interrupts.Count || !row.All(IsNumber))
            ? $"figures.coresPerBlock, interrupts: 1 to {ushort.MaxValue}, and at most {InterruptMatrix.BlocksMax} rows of as many numbers "
                + $"from 0 to {NumberMax}, are allowed"
            : null;

    private static string? EngineProblem(JobFigures figures) =>
        figures.WindowCycles < 1 || figures.WindowBoundCycles < figures.WindowCycles
        || figures.WindowBoundCycles > NumberMax || !IsLine(figures.WindowBoundReason)
        || figures.Threads is < 1 or > Lanes.Max || figures.Lanes < 1 || figures.Lanes > figures.Threads
        || figures.Domains is < 1 or > DomainsMax || figures.DomainsSeen < 0 || figures.DomainsSeen > figures.Domains
            ? $"figures: a window from 1 to its bound, at most {NumberMax}, with a reason of at most {LineMax} characters, 1 to "
                + $"{Lanes.Max} threads with no more lanes, and 1 to {DomainsMax} domains of which no more are seen, are allowed"
            : null;

    private static string? WaitsProblem(JobFigures figures) =>
        figures.Waits is null || figures.Waits.Count > RunGlimpse.WaitsMax || !figures.Waits.All(IsLine)
            ? $"figures.waits: at most {RunGlimpse.WaitsMax} lines of {LineMax} characters, none of which controls a terminal, are allowed"
            : null;

    private static bool IsNumber(long number) => number is >= 0 and <= NumberMax;

    private static bool IsLine(string? line) => line is not null && line.Length <= LineMax && !NodeRules.HasControls(line);
}
