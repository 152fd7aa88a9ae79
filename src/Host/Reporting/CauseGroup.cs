using VmSim.Core.Kernel.Causes;
using VmSim.Core.Reports;

namespace VmSim.Host.Reporting;

/// <summary>By what causes are put together.</summary>
internal enum CauseGrouping
{
    /// <summary>The call site, or where nobody recorded it the call and what it was for.</summary>
    Site,

    /// <summary>The call with its advice, or the kind of fault.</summary>
    Call,

    /// <summary>The area.</summary>
    Area,

    /// <summary>The file or object behind the area.</summary>
    File,

    /// <summary>The thread.</summary>
    Thread,

    /// <summary>The process.</summary>
    Process,
}

/// <summary>Causes that have something in common, and what they cost together.</summary>
/// <param name="Name">What they have in common.</param>
/// <param name="Values">Sums of the figures, in the order of <see cref="CauseFigure.All"/>; they may be more than 64 bits hold.</param>
/// <param name="Threads">How many threads they are of.</param>
internal sealed record CauseGroup(string Name, IReadOnlyList<double> Values, int Threads)
{
    /// <summary>The sum of a figure.</summary>
    public double this[CauseFigure figure] => Values[figure.Index];

    /// <summary>Cycles that they cost their own threads, and cores that were told.</summary>
    public double Lost => this[CauseFigure.Cycles] + this[CauseFigure.HandlerCycles];

    /// <summary>Puts the causes of a report together, the dearest first.</summary>
    public static IReadOnlyList<CauseGroup> Of(RunReport report, CauseGrouping grouping)
    {
        CauseNamesOf names = new(report);
        return [.. report.Causes.GroupBy(NameOf, StringComparer.Ordinal)
            .Select(group => new CauseGroup(
                group.Key,
                [.. CauseFigure.All.Select(figure => group.Sum(cause => (double)cause.Row[figure]))],
                group.Select(cause => cause.Row.Thread.Value).Distinct().Count()))
            .OrderByDescending(group => group.Lost).ThenBy(group => group.Name, StringComparer.Ordinal)];

        string NameOf(CauseReport cause)
        {
            string process = names.Process(cause.AddressSpace);
            string where = names.HasSeveralProcesses ? process + ": " : "";
            return grouping switch
            {
                CauseGrouping.Site => where + SiteOf(cause.Row),
                CauseGrouping.Call => cause.Row.Call,
                CauseGrouping.Area => where + (cause.Row.Area is { } area ? $"{area} {cause.Row.Object}" : Object(cause.Row)),
                CauseGrouping.File => Object(cause.Row),
                CauseGrouping.Thread when cause.Row.Thread.Value < 0 => where + "threads that are not told apart",
                CauseGrouping.Thread => where + names.Thread(cause.Row.Thread),
                _ => process,
            };
        }
    }

    /// <summary>A cause in words: its call, and the line that it was made from or else what it was for.</summary>
    public static string SiteOf(CauseRow row)
    {
        string where = row.Site?.Place ?? "";
        return where.Length > 0 ? $"{row.Call} in {where}" : row.Object.Length > 0 ? $"{row.Call} of {row.Object}" : row.Call;
    }

    private static string Object(CauseRow row) => row.Object.Length > 0 ? row.Object : "(none)";
}
