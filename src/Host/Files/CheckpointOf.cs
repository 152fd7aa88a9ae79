using System.Globalization;
using VmSim.Core.Kernel;

namespace VmSim.Host.Files;

/// <summary>What a checkpoint is of.</summary>
/// <param name="Build">The build of vmsim.</param>
/// <param name="Digest">The run's digest, its end left out.</param>
/// <param name="Lists">What the run keeps one by one.</param>
internal sealed record CheckpointOf(string Build, string Digest, RunLists Lists)
{
    /// <summary>What is kept one by one, as a word: a letter for each list, and the times of a timeline.</summary>
    public string ListsText
    {
        get
        {
            string lists = $"lists:{(Lists.Shootdowns ? "s" : "")}{(Lists.Faults ? "f" : "")}{(Lists.Calls ? "c" : "")}";
            return Lists.Timeline
                ? string.Create(
                    CultureInfo.InvariantCulture, $"{lists}t{Lists.TimelineFrom.Value}-{Lists.TimelineEnd.Value}:{Lists.TimelineCores}")
                : lists;
        }
    }
}
