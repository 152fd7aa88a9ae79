using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>Reads what a scenario expects of its report: <c>expect { minorFaults = 1590..1610 }</c>.</summary>
public static class Expectations
{
    /// <summary>The key of the block.</summary>
    public const string Key = "expect";

    /// <summary>Reads the block of a settings file.</summary>
    /// <param name="entries">What the block has, each entry's key without the block's.</param>
    /// <param name="hasPlugIns">Whether plug-ins may bring figures that are known once the run has ended.</param>
    /// <exception cref="ScenarioException">A figure is unknown, or its bounds are none.</exception>
    public static IReadOnlyList<Expectation> Of(IEnumerable<SettingEntry> entries, bool hasPlugIns)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return [.. entries.Select(entry => Read(entry, hasPlugIns))];
    }

    /// <summary>Reads the block of a scenario.</summary>
    internal static IReadOnlyList<Expectation> Load(SettingsTree scenario, bool hasPlugIns) =>
        scenario.Keys!.TryGetValue(Key, out SettingsTree? block)
            ? block.Keys is not null
                ? Of(SettingEntries.Of(block), hasPlugIns)
                : throw new ScenarioException($"{block.Origin}: {Key}: a block {{ ... }} is needed, {block.Kind} found")
            : [];

    private static Expectation Read(SettingEntry entry, bool hasPlugIns)
    {
        string where = $"{entry.Origin}: {Key}.{entry.Key}";
        if (!hasPlugIns && !ReportMetrics.BuiltIn.Any(known => known.Name == entry.Key))
        {
            throw ReportMetrics.Unknown(where, entry.Key, ReportMetrics.BuiltIn.Select(known => known.Name));
        }

        string text = entry.IsList ? "a list" : entry.Values[0];
        return (entry.IsList ? null : Expectation.TryParse(entry.Key, text))
            ?? throw new ScenarioException($"{where}: \"{text}\" found; {Expectation.Allowed} is allowed");
    }
}
