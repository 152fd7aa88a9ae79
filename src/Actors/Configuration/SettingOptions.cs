using System.Globalization;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>Lays an option key=value over a scenario. A key may lead to a process, by its number or its name.</summary>
internal static class SettingOptions
{
    private const string Processes = "processes";

    /// <summary>The scenario with the option's value.</summary>
    /// <param name="scenario">The scenario as its file has it.</param>
    /// <param name="set">key=value.</param>
    /// <exception cref="ScenarioException">It is none, or leads to a process that is not there.</exception>
    public static SettingsTree Apply(SettingsTree scenario, string set)
    {
        string origin = $"--set {set}";
        int equals = set.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            throw new ScenarioException($"{origin}: key=value is needed, such as machine.cores=16");
        }

        SettingsTree over = SettingsTree.Parse($"{Dotted(set[..equals].Trim())} = {set[(equals + 1)..].Trim()}", origin);
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
