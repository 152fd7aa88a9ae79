using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.Host.Sweeps;

/// <summary>Reads a sweep from a file, which is HOCON and has a key <c>scenario</c>, as no scenario has.</summary>
internal static class SweepFile
{
    private const string Scenario = "scenario";
    private const string ScenarioEnding = ".conf";

    private static readonly string[] Keys =
    [
        Scenario, "name", "set", "vary", "zip", "cores", "protocols", "repeat", "seeds", "metrics", "baseline", "expect", "fit-sockets",
        "bisect", "lists",
    ];

    /// <summary>Reads a sweep; the plan of one run for a scenario or a trace.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ScenarioException">The file cannot be read, or something in it is not allowed.</exception>
    public static SweepPlan Load(string path)
    {
        string found = ConfigFiles.Locate(path);
        bool mayBeSweep = File.Exists(found) && found.EndsWith(ScenarioEnding, StringComparison.Ordinal);
        IReadOnlyList<SettingEntry> entries = mayBeSweep ? SettingEntries.Load(found) : [];
        if (!entries.Any(entry => entry.Key == Scenario))
        {
            return new SweepPlan { Name = ScenarioLoader.LoadSettings(path, []).Name, Scenario = path };
        }

        string name = Path.GetFileNameWithoutExtension(found);
        SweepPlan plan = new() { Name = name, Scenario = Place(One(entries.First(entry => entry.Key == Scenario)), found) };
        List<SettingEntry> expected = [];
        SettingEntry? repeat = null;
        Dictionary<string, List<(string Key, IReadOnlyList<string> Values)>> zipped = new(StringComparer.Ordinal);
        foreach (SettingEntry entry in entries)
        {
            (string key, string rest) = Split(entry.Key);
            plan = key switch
            {
                Scenario => plan,
                "name" => plan with { Name = One(entry) },
                "set" => plan with { Sets = [.. plan.Sets, SweepPoint.Set(new(rest, One(entry)))] },
                "vary" => plan with { Axes = [.. plan.Axes, SweepAxis.Of(rest, Values(entry))] },
                "cores" => plan with { Axes = [.. plan.Axes, SweepAxis.Of("machine.cores", Values(entry))], FitsSockets = true },
                "protocols" => plan with { Axes = [.. plan.Axes, SweepAxis.Of("shootdown.protocol", Values(entry))] },
                "seeds" => plan with { Seeds = SweepSeeds.Of(Values(entry), entry.Origin) },
                "repeat" => Noted(plan, () => repeat = entry),
                "metrics" => plan with { Metrics = entry.Values },
                "baseline" => plan with { Baseline = [.. plan.Baseline, new(rest, One(entry))] },
                "fit-sockets" => plan with { FitsSockets = Switch(entry) },
                "bisect" => plan with { Bisects = Switch(entry) },
                "lists" => plan with { Lists = SweepFolder.ListsOf(Values(entry), $"{entry.Origin}: lists") },
                "expect" => Noted(plan, () => expected.Add(entry with { Key = rest })),
                "zip" => Noted(plan, () => Zip(zipped, rest, entry)),
                _ => throw SettingMember.Unknown($"{entry.Origin}: {key}", key, [], Keys),
            };
        }

        plan = plan with { Axes = [.. plan.Axes, .. zipped.Values.Select(columns => ZippedAxis.Of(columns, found))] };
        plan = repeat is null ? plan : plan with { Seeds = SweepSeeds.Repeat(One(repeat), plan, repeat.Origin) };
        return plan with { Expect = Expectations.Of(expected, hasPlugIns: true) };
    }

    private static SweepPlan Noted(SweepPlan plan, Action note)
    {
        note();
        return plan;
    }

    /// <summary>A group of settings that go together: the block <c>zip</c>, or each block of the list <c>zip</c>.</summary>
    private static void Zip(
        Dictionary<string, List<(string Key, IReadOnlyList<string> Values)>> groups, string rest, SettingEntry entry)
    {
        (string group, string key) = Split(rest);
        if (!int.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            (group, key) = ("", rest);
        }

        if (!groups.TryGetValue(group, out List<(string Key, IReadOnlyList<string> Values)>? columns))
        {
            groups[group] = columns = [];
        }

        columns.Add((key, Values(entry)));
    }

    /// <summary>The key of a sweep, and the setting below it, whose dots may stand in quotes.</summary>
    private static (string Key, string Below) Split(string key) => key.IndexOf('.', StringComparison.Ordinal) is >= 0 and int dot
        ? (key[..dot], key[(dot + 1)..].Replace("\"", "", StringComparison.Ordinal))
        : (key, "");

    /// <summary>A list, whose values may be ranges, or a text that is a list.</summary>
    private static IReadOnlyList<string> Values(SettingEntry entry)
    {
        string where = $"{entry.Origin}: {entry.Key}";
        return entry.IsList
            ? [.. entry.Values.SelectMany(value => ValueList.Parse(value.Contains(',') ? $"\"{value}\"" : value, where))]
            : ValueList.Parse(entry.Values[0], where);
    }

    private static string One(SettingEntry entry) =>
        entry.IsList ? throw new ScenarioException($"{entry.Origin}: {entry.Key}: a list found; one value is needed") : entry.Values[0];

    private static bool Switch(SettingEntry entry) => One(entry) switch
    {
        "on" => true,
        "off" => false,
        string other => throw new ScenarioException($"{entry.Origin}: {entry.Key}: \"{other}\" found; allowed: on or off"),
    };

    /// <summary>A scenario beside the sweep's file, or one that is found as on the command line.</summary>
    private static string Place(string scenario, string file)
    {
        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, scenario);
        return File.Exists(beside) ? beside : scenario;
    }
}
