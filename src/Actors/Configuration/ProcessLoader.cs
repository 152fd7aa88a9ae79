using System.Globalization;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Traces;
using VmSim.Core.Workloads;

namespace VmSim.Actors.Configuration;

/// <summary>Makes the processes of a scenario: replayed traces and synthetic programs.</summary>
internal static class ProcessLoader
{
    private const string Trace = "trace";
    private const string Program = "program";
    private const string Name = "name";
    private const string Count = "count";
    private const string Virtual = "virtual";

    public static IReadOnlyList<ProcessSpec> Load(
        SettingsTree tree, string key, IScenarioFiles files, SettingsBinder binder, ScenarioSpec scenario)
    {
        if (!tree.Keys!.TryGetValue(key, out SettingsTree? list))
        {
            throw new ScenarioException($"{tree.Origin}: {key}: missing; a list of processes is needed, each with a trace or a program");
        }

        if (list.Items is null || list.Items.Count == 0)
        {
            throw new ScenarioException(
                $"{list.Origin}: {key}: a list [ {{ ... }} ] of one or more processes is needed, {list.Kind} found");
        }

        List<ProcessSpec> processes = [];
        for (int i = 0; i < list.Items.Count; i++)
        {
            processes.Add(LoadOne(list.Items[i], $"{key}[{i}]", files, binder, scenario));
        }

        return processes;
    }

    private static ProcessSpec LoadOne(SettingsTree item, string path, IScenarioFiles files, SettingsBinder binder, ScenarioSpec scenario)
    {
        if (item.Keys is null)
        {
            throw new ScenarioException($"{item.Origin}: {path}: a block {{ ... }} is needed, {item.Kind} found");
        }

        bool trace = item.Keys.ContainsKey(Trace);
        if (trace == item.Keys.ContainsKey(Program))
        {
            throw new ScenarioException($"{item.Origin}: {path}: exactly one of {Trace} and {Program} is needed");
        }

        int count = CountOf(item, path);
        ProcessSpec process = trace
            ? LoadTrace(item, path, files, count, binder, scenario)
            : SyntheticPrograms.Load(item, path, count, binder, scenario);
        return VirtualOf(item, path) is { } isVirtual
            ? process with { Virtual = isVirtual, Settings = [.. process.Settings, new(Virtual, isVirtual ? "on" : "off")] }
            : process;
    }

    /// <summary>Whether the process runs in a virtual machine; null if it does not say so.</summary>
    private static bool? VirtualOf(SettingsTree item, string path)
    {
        SettingAttribute allowed = new("Whether the process runs in a virtual machine.");
        if (!item.Keys!.TryGetValue(Virtual, out SettingsTree? value))
        {
            return null;
        }

        return value.Text is { } text && SettingValues.TryParse(text, typeof(bool), allowed, 1, out object? isVirtual)
            ? (bool)isVirtual!
            : throw new ScenarioException(
                $"{value.Origin}: {path}.{Virtual}: {value.Kind} found; allowed: {SettingValues.Allowed(typeof(bool), allowed)}");
    }

    /// <summary>How many copies of the process run.</summary>
    private static int CountOf(SettingsTree item, string path)
    {
        SettingAttribute allowed = new("Copies of the process.") { Min = 1, Max = 65_536 };
        if (!item.Keys!.TryGetValue(Count, out SettingsTree? value))
        {
            return 1;
        }

        if (value.Text is { } text && SettingValues.TryParse(text, typeof(int), allowed, 1, out object? count))
        {
            return (int)count!;
        }

        throw new ScenarioException(
            $"{value.Origin}: {path}.{Count}: {value.Kind} found; allowed: {SettingValues.Allowed(typeof(int), allowed)}");
    }

    private static ProcessSpec LoadTrace(
        SettingsTree item, string path, IScenarioFiles files, int count, SettingsBinder binder, ScenarioSpec scenario)
    {
        TraceReplay replay = (TraceReplay)binder.Bind(new TraceReplay(), item, path, Trace, Name, Count, Virtual);
        string file = item.Value(Trace) ?? throw new ScenarioException($"{item.Origin}: {path}.{Trace}: a file name is needed");
        FoundTrace place = files.FindTrace(file);
        string found = place.Path;
        List<string> read = [found];
        LoadedTrace trace = TraceFiles.Load(
            found,
            replay.Compute,
            replay.CoreIds($"{item.Origin}: {path}.cores", scenario.Machine.Cores),
            replay.Salvage,
            name => Note(place.Beside(name), read),
            OrderOf(scenario.Replay.Order),
            scenario.Machine.Ghz,
            place.Name);
        List<string> warnings = [.. trace.Warnings];
        string name = item.Value(Name) ?? TraceFiles.ProgramOf(file);
        List<KeyValuePair<string, string>> written =
            [new(Name, name), new(Trace, found), new(Count, count.ToString(CultureInfo.InvariantCulture))];
        foreach (SettingMember member in SettingMember.Of(typeof(TraceReplay)))
        {
            if (member.Setting is { } setting)
            {
                written.Add(new(member.Key, SettingValues.Format(member.Property.GetValue(replay), setting).Trim('"')));
            }
        }

        TraceLayout? layout = replay.Aslr || scenario.Noise.Aslr
            ? new TraceLayout(trace.Image, LayoutEntropy.Of(WorldParts.FormatOf(scenario)), trace.FilterSets)
            : null;
        if (layout is { KeptPages: > 0 })
        {
            warnings.Add(
                $"{found}: aslr: {layout.KeptPages} pages stay at their recorded addresses: "
                + "a program file with fixed addresses, or no addresses of user space");
        }

        return new ProcessSpec
        {
            Name = name,
            Program = copy =>
            {
                ProgramImage image = layout is null ? trace.Image : layout.Randomize(SeedOf(scenario.Seed, path, copy));
                return replay.InitialMaps ? image : image with { InitialMappings = [] };
            },
            Count = count,
            Settings = written,
            Warnings = warnings,
            Files = read,
        };
    }

    private static ReplayOrder OrderOf(string name) => name switch
    {
        "areas" => ReplayOrder.Areas,
        "full" => ReplayOrder.Full,
        _ => ReplayOrder.Pages,
    };

    /// <summary>A seed for each copy of each process (FNV-1a over the process's place in the scenario and the copy's number).</summary>
    public static ulong SeedOf(ulong seed, string path, int copy)
    {
        ulong hash = 0xCBF2_9CE4_8422_2325 ^ seed;
        foreach (char character in string.Create(CultureInfo.InvariantCulture, $"{path}:{copy}"))
        {
            hash = (hash ^ character) * 0x100_0000_01B3;
        }

        return hash;
    }

    private static string? Note(string? path, List<string> read)
    {
        if (path is not null)
        {
            read.Add(path);
        }

        return path;
    }
}
