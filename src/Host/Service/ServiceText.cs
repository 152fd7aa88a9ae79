using System.Globalization;

namespace VmSim.Host.Service;

/// <summary>Words of the service for people and programs.</summary>
internal static class ServiceText
{
    /// <summary>The name of a state.</summary>
    public static string Of(JobState state) => state.ToString().ToLowerInvariant();

    /// <summary>The state of a name; null if there is none.</summary>
    public static JobState? StateOf(string? name) =>
        Enum.GetValues<JobState>().Cast<JobState?>().FirstOrDefault(state => Of(state!.Value) == name);

    /// <summary>The nodes that have or had a job last, with commas between them; empty for the service's own machine.</summary>
    public static string NodesOf(string node, IReadOnlyList<string> members) => members.Count > 0 ? string.Join(", ", members) : node;

    /// <summary>What to say of a result that was removed.</summary>
    public static string Removed(long milliseconds) =>
        $"its result was removed on {Time(milliseconds).Split(' ')[0]}; submit it again to have it made";

    /// <summary>A time as people read it: 2026-01-31 12:00:00, UTC; a dash for none.</summary>
    public static string Time(long milliseconds) => milliseconds == 0
        ? "-"
        : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
