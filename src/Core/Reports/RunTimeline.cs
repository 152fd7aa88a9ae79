using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;

namespace VmSim.Core.Reports;

/// <summary>What the cores of a run did when.</summary>
/// <param name="From">When it begins.</param>
/// <param name="End">When it ends; <see cref="Cycles.Never"/> for the end of the run.</param>
/// <param name="ShownCores">The cores that it has; null for all.</param>
/// <param name="Cores">The slices of each core, by its number; they nest, and stand by their beginnings, outer ones first.</param>
/// <param name="LeftOut">Slices that were not kept because a core had too many.</param>
public sealed record RunTimeline(
    Cycles From, Cycles End, CoreList? ShownCores, IReadOnlyList<IReadOnlyList<CoreSlice>> Cores, long LeftOut)
{
    /// <summary>Whether it has a core.</summary>
    public bool Shows(CoreId core) => ShownCores?.Contains(core) != false;

    internal static RunTimeline Of(RunLists lists, RunStatistics statistics) => new(
        lists.TimelineFrom,
        lists.TimelineEnd,
        lists.TimelineCores,
        [.. statistics.Slices.Values.Select(InOrder)],
        statistics.SlicesLeftOut);

    /// <summary>Inner slices are kept before outer ones: of two that are one and the same span, the later one is the outer one.</summary>
    private static IReadOnlyList<CoreSlice> InOrder(CoreSlice[] slices)
    {
        Array.Reverse(slices);
        return [.. slices.OrderBy(slice => slice.Begin).ThenByDescending(slice => slice.End)];
    }
}
