using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Settings;

namespace VmSim.Host.Reporting;

/// <summary>A list that the folder of a run may have as CSV beside its report.</summary>
/// <param name="Name">What is listed: <c>shootdowns</c>, <c>faults</c> or <c>calls</c>.</param>
/// <param name="Summary">One sentence that says what is listed.</param>
/// <param name="Keep">What a run keeps, with what this list needs.</param>
/// <param name="Write">Writes the list of a report.</param>
public sealed record ListFile(
    string Name, string Summary, Func<RunLists, RunLists> Keep, Action<RunReport, Stream> Write) : INamed
{
    /// <summary>Every list.</summary>
    public static Registry<ListFile> All { get; } = new(
        "list",
        [
            new(
                "shootdowns",
                "Every shootdown, with the cores that it interrupted and its cause.",
                lists => lists with { Shootdowns = true },
                (report, stream) => ShootdownCsv.Of(report).WriteCsv(stream)),
            new(
                "faults",
                "Every fault, with its cause.",
                lists => lists with { Faults = true },
                (report, stream) => OperationList.Of(report, faults: true).WriteCsv(stream)),
            new(
                "calls",
                "Every call, fork and end of a process, with its cause.",
                lists => lists with { Calls = true },
                (report, stream) => OperationList.Of(report, faults: false).WriteCsv(stream)),
        ]);

    /// <summary>The list of shootdowns.</summary>
    public static ListFile Shootdowns => All[0];

    /// <summary>Name of the file in the folder.</summary>
    public string FileName => $"{Name}.csv";

    /// <summary>What a run keeps for some lists.</summary>
    public static RunLists Kept(IEnumerable<ListFile> lists) => lists.Aggregate(RunLists.None, (kept, list) => list.Keep(kept));
}
