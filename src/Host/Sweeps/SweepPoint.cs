using System.Globalization;
using VmSim.Core.Settings;

namespace VmSim.Host.Sweeps;

/// <summary>One run of a sweep: a row of each axis, and a seed.</summary>
/// <param name="Rows">The rows, in the order of the axes.</param>
/// <param name="Seed">The seed; null for the scenario's own.</param>
/// <param name="IsBetween">Whether it is none of the grid, but one that was run to find a crossing.</param>
internal sealed record SweepPoint(IReadOnlyList<IReadOnlyList<string>> Rows, ulong? Seed, bool IsBetween = false)
{
    /// <summary>The same for all seeds of one place, and for no two places.</summary>
    public string Place => PlaceOf(Rows);

    /// <summary>The place of some rows.</summary>
    public static string PlaceOf(IEnumerable<IReadOnlyList<string>> rows) =>
        string.Join('\u001e', rows.Select(row => string.Join('\u001f', row)));

    /// <summary>The settings that differ from run to run, seed apart.</summary>
    public IEnumerable<KeyValuePair<string, string>> Settings(IReadOnlyList<SweepAxis> axes) =>
        axes.Zip(Rows).SelectMany(pair => pair.First.Settings(pair.Second));

    /// <summary>The settings as <c>--set</c> takes them.</summary>
    public IReadOnlyList<string> Sets(SweepPlan plan)
    {
        List<string> sets = [.. plan.Sets, .. Settings(plan.Axes).Select(Set)];
        if (Seed is { } seed)
        {
            sets.Add(string.Create(CultureInfo.InvariantCulture, $"seed={seed}"));
        }

        return sets;
    }

    /// <summary>A setting as <c>--set</c> takes it: the value in quotes, so that it is one whatever is in it.</summary>
    public static string Set(KeyValuePair<string, string> setting) => $"{setting.Key}={SettingValues.InQuotes(setting.Value)}";

    /// <summary>The run in a few words.</summary>
    public string Text(IReadOnlyList<SweepAxis> axes)
    {
        IEnumerable<string> words = Settings(axes).Select(setting => $"{setting.Key}={setting.Value}");
        return string.Join(' ', Seed is { } seed ? words.Append(string.Create(CultureInfo.InvariantCulture, $"seed={seed}")) : words);
    }
}
