using System.Globalization;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>Lays an option key=value over a scenario. A key may lead to a process, by its number or its name.</summary>
internal static class SettingOptions
{
    private const string Processes = "processes";

    /// <summary>The scenario with the options' values, later ones over earlier ones. What refers to a key gets its new value.</summary>
    /// <param name="scenario">The scenario as its file has it.</param>
    /// <param name="sets">Options, each key=value.</param>
    /// <exception cref="ScenarioException">One is none, or leads to a process that is not there.</exception>
    public static SettingsTree Apply(SettingsTree scenario, IReadOnlyList<string> sets)
    {
        (SettingsTree Over, string Origin)[] options = [.. sets.Select(Read)];
        if (scenario.Unresolved is { } document && options.Length > 0)
        {
            foreach ((SettingsTree over, _) in options.Where(option => IsPlain(document, option.Over)))
            {
                document = document.With(over);
            }

            scenario = new HoconReferences(document).Resolve();
        }

        foreach ((SettingsTree over, string origin) in options)
        {
            scenario = Apply(scenario, over, origin);
        }

        return scenario;
    }

    private static (SettingsTree Over, string Origin) Read(string set)
    {
        string origin = $"--set {set}";
        int equals = set.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? (SettingsTree.Parse($"{Dotted(set[..equals].Trim())} = {set[(equals + 1)..].Trim()}", origin), origin)
            : throw new ScenarioException($"{origin}: key=value is needed, such as machine.cores=16");
    }

    /// <summary>
    /// Whether an option's value can be laid over a document that has references: none stands in its way, and it leads to no process, which
    /// nothing can refer to.
    /// </summary>
    private static bool IsPlain(SettingsTree document, SettingsTree over)
    {
        if (over.Keys!.ContainsKey(Processes))
        {
            return false;
        }

        SettingsTree? at = document;
        for (SettingsTree? way = over; at is not null && way?.Keys?.Count == 1; way = way.Keys.Values.First())
        {
            if (at.Parts is not null)
            {
                return false;
            }

            at = at.Keys?.GetValueOrDefault(way.Keys.Keys.First());
        }

        return true;
    }

    private static SettingsTree Apply(SettingsTree scenario, SettingsTree over, string origin)
    {
        bool isOfProcess = over.Keys!.TryGetValue(Processes, out SettingsTree? keys) && keys.Keys is not null;
        if (!isOfProcess || !scenario.Keys!.TryGetValue(Processes, out SettingsTree? list) || list.Items is null)
        {
            return scenario.With(over);
        }

        List<SettingsTree> items = [.. list.Items];
        foreach ((string key, SettingsTree value) in keys!.Keys!)
        {
            int index = IndexOf(items, key, origin);
            items[index] = items[index].With(value);
        }

        return scenario.WithKeys(scenario.Keys.Select(item => item.Key == Processes
            ? new KeyValuePair<string, SettingsTree>(item.Key, list.WithItems(items))
            : item));
    }

    private static int IndexOf(List<SettingsTree> items, string key, string origin)
    {
        if (int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < items.Count)
        {
            return number;
        }

        List<int> named = [.. Enumerable.Range(0, items.Count).Where(i => NameOf(items[i]) == key)];
        return named.Count == 1
            ? named[0]
            : throw new ScenarioException(
                $"{origin}: {Processes}.{key}: {(named.Count == 0 ? "there is no such process" : "several processes have this name")}; "
                + $"there are {string.Join(", ", items.Take(8).Select((item, i) => $"{i} ({NameOf(item)})"))}"
                + (items.Count > 8 ? ", ..." : ""));
    }

    private static string NameOf(SettingsTree item) => item.Value("name") ?? item.Value("program")
        ?? (item.Value("trace") is { } trace ? TraceFiles.ProgramOf(trace) : item.Kind);

    /// <summary>A key with processes[0], as messages write it, for processes.0.</summary>
    private static string Dotted(string key)
    {
        const string Open = Processes + "[";
        int close = key.StartsWith(Open, StringComparison.Ordinal) ? key.IndexOf(']', StringComparison.Ordinal) : -1;
        return close < 0 ? key : $"{Processes}.{key[Open.Length..close]}{key[(close + 1)..]}";
    }
}
