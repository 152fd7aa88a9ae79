using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Workloads;

namespace VmSim.Actors.Configuration;

/// <summary>
/// Makes a scenario from files: profiles first, the scenario's own settings over them, options of the command line over both.
/// </summary>
public static class ScenarioLoader
{
    /// <summary>The longest text of a scenario in characters, what it includes counted in.</summary>
    public const int TextMax = 8 << 20;

    private const string MachineProfile = "machine-profile";
    private const string KernelProfile = "kernel-profile";
    private const string Processes = "processes";
    private const string DefaultMachine = "server-2s";
    private const string DefaultKernel = "linux-6.18";

    /// <summary>Loads a scenario, or a trace as a scenario of one process.</summary>
    /// <param name="path">
    /// A .conf file, or a trace. One that is not there and begins with "config/" is looked for in the config folder, and a bare name is
    /// that of a scenario that ships.
    /// </param>
    /// <param name="sets">Settings that come last, each key=value.</param>
    /// <exception cref="ScenarioException">Something in the files or options is not allowed.</exception>
    public static ScenarioSpec Load(string path, IReadOnlyList<string> sets)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(sets);
        SettingsTree scenario = Read(ref path);
        return Load(scenario, FilesOf(path), sets) with { Includes = scenario.Included };
    }

    /// <summary>Loads a scenario's settings, and neither its processes nor their traces.</summary>
    /// <param name="path">As for <see cref="Load(string, IReadOnlyList{string})"/>.</param>
    /// <param name="sets">Settings that come last, each key=value.</param>
    /// <exception cref="ScenarioException">Something in the files or options is not allowed.</exception>
    public static ScenarioSpec LoadSettings(string path, IReadOnlyList<string> sets)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(sets);
        SettingsTree scenario = Read(ref path);
        return Load(scenario, FilesOf(path), sets, hasProcesses: false) with { Includes = scenario.Included };
    }

    /// <summary>
    /// The settings that hold where a scenario says nothing: those of the default machine profile, and of the kernel profile it names.
    /// </summary>
    /// <exception cref="ScenarioException">A default profile is not in the config folder, or not allowed.</exception>
    public static ScenarioSpec Defaults() => Load(SettingsTree.Empty(""), new OwnFiles("."), [], hasProcesses: false);

    /// <summary>The machine of a profile.</summary>
    /// <param name="profile">Its name.</param>
    /// <param name="key">Who named it, for messages.</param>
    /// <exception cref="ScenarioException">There is none of this name, or it is not allowed.</exception>
    public static MachineSpec MachineOf(string profile, string key)
    {
        ArgumentNullException.ThrowIfNull(profile);
        string name = ProfileCatalog.Machines.Require(profile, key).Name;
        SettingsTree machine = SettingsTree.Parse($"{MachineProfile} = {SettingValues.InQuotes(name)}", key);
        return Load(machine, new OwnFiles("."), [], hasProcesses: false).Machine;
    }

    /// <summary>Loads the plug-ins of a scenario, and nothing else of it.</summary>
    /// <param name="path">As for <see cref="Load(string, IReadOnlyList{string})"/>.</param>
    /// <exception cref="ScenarioException">The file cannot be read, or one of its plug-ins cannot be loaded.</exception>
    public static PlugInSet PlugInsOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return PlugInList.Load(Read(ref path), FilesOf(path));
    }

    private static OwnFiles FilesOf(string path) => new(Path.GetDirectoryName(Path.GetFullPath(path))!);

    private static SettingsTree Read(ref string path)
    {
        if (Directory.Exists(path) && ConfigFiles.TryFind($"scenarios/{path}.conf") is null)
        {
            throw new ScenarioException($"{path}: this is a folder; a scenario (.conf) or a trace (.vmt, .vmt.gz) is needed");
        }

        path = Locate(path);
        if (!File.Exists(path))
        {
            throw new ScenarioException($"{path}: there is no such file{Hint(path)}");
        }

        if (IsProgram(path))
        {
            string name = Path.GetFileName(path);
            throw new ScenarioException(
                $"{path}: this is a program; capture it first: vmsim capture -o {name}.vmt.gz -- {path}, then vmsim run {name}.vmt.gz");
        }

        return TraceFiles.IsTrace(path)
            ? SettingsTree.Parse(
                $"name = {SettingValues.InQuotes(TraceFiles.ProgramOf(path))}\n"
                + $"processes = [\n {{\n trace = {SettingValues.InQuotes(Path.GetFullPath(path))}\n }}\n]",
                path)
            : SettingsTree.Load(path);
    }

    /// <summary>Loads a scenario from its text.</summary>
    /// <param name="text">HOCON.</param>
    /// <param name="origin">What to call it in messages.</param>
    /// <param name="directory">Where its relative paths begin.</param>
    /// <param name="sets">Settings that come last, each key=value.</param>
    /// <exception cref="ScenarioException">Something in the text or options is not allowed.</exception>
    public static ScenarioSpec Parse(string text, string origin, string directory, IReadOnlyList<string> sets) =>
        Parse(text, origin, new OwnFiles(directory), sets);

    /// <summary>Loads a scenario from its text.</summary>
    /// <param name="text">HOCON.</param>
    /// <param name="origin">What to call it in messages.</param>
    /// <param name="files">Where the files are that it names.</param>
    /// <param name="sets">Settings that come last, each key=value.</param>
    /// <exception cref="ScenarioException">Something in the text or options is not allowed.</exception>
    public static ScenarioSpec Parse(string text, string origin, IScenarioFiles files, IReadOnlyList<string> sets) =>
        Load(SettingsTree.Parse(text, origin), files, sets);

    /// <summary>Loads a scenario that has no processes: what a program is to be run on.</summary>
    /// <param name="path">As for <see cref="Load(string, IReadOnlyList{string})"/>.</param>
    /// <param name="sets">Settings that come last, each key=value.</param>
    /// <exception cref="ScenarioException">Something in the file or options is not allowed.</exception>
    public static ScenarioSpec LoadMachine(string path, IReadOnlyList<string> sets)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(sets);
        SettingsTree machine = Read(ref path);
        return machine.Keys!.TryGetValue(Processes, out SettingsTree? processes)
            ? throw new ScenarioException($"{processes.Origin}: {Processes}: found a list; a machine without processes is needed here")
            : Load(machine, FilesOf(path), sets, hasProcesses: false) with { Includes = machine.Included };
    }

    private static ScenarioSpec Load(SettingsTree scenario, IScenarioFiles files, IReadOnlyList<string> sets, bool hasProcesses = true)
    {
        scenario = SettingOptions.Apply(scenario, sets);
        ProfileKeys.Check(scenario);
        SettingsTree machine = Profile(ProfileCatalog.Machines, scenario, MachineProfile, DefaultMachine);
        SettingsTree tree = machine
            .With(Profile(ProfileCatalog.Kernels, scenario, KernelProfile, machine.Value(KernelProfile) ?? DefaultKernel))
            .With(scenario);
        double ghz = ((MachineSpec)new SettingsBinder(1).Bind(new MachineSpec(), OnlyGhz(tree), "machine")).Ghz;
        SettingsBinder binder = new(ghz);
        PlugInSet plugIns = PlugInList.Load(tree, files);
        ScenarioSpec spec = (ScenarioSpec)binder.Bind(
            new ScenarioSpec(), tree, "", MachineProfile, KernelProfile, PlugInList.Key, Expectations.Key, Processes);
        return PlugInFailedException.Guard(plugIns, () =>
        {
            ScenarioSpec whole = WorldParts.WithOwnSettings(spec with { PlugIns = plugIns });
            ScenarioRules.Check(whole);
            whole = whole with { Expect = Expectations.Load(scenario, plugIns.Count > 0) };
            return hasProcesses
                ? whole with { Processes = WithNoise(whole, ProcessLoader.Load(scenario, Processes, files, binder, whole)) }
                : whole;
        });
    }

    /// <summary>The processes with what differs from seed to seed; copies are counted over all of them.</summary>
    private static IReadOnlyList<ProcessSpec> WithNoise(ScenarioSpec spec, IReadOnlyList<ProcessSpec> processes)
    {
        (long start, int percent) = (spec.Noise.Start, spec.Noise.ComputePercent);
        if (start == 0 && percent == 0)
        {
            return processes;
        }

        List<ProcessSpec> noisy = [];
        int first = 0;
        foreach (ProcessSpec process in processes)
        {
            int before = first;
            noisy.Add(process with
            {
                Program = copy => ProgramNoise.Over(process.Program(copy), spec.Seed, before + copy, start, percent),
            });
            first += process.Count;
        }

        return noisy;
    }

    private static SettingsTree OnlyGhz(SettingsTree tree)
    {
        SettingsTree machine = SettingsTree.Empty("machine");
        bool isSet = tree.Keys!.TryGetValue("machine", out SettingsTree? block) && block.Keys is not null;
        if (isSet && block!.Keys!.TryGetValue("ghz", out SettingsTree? ghz))
        {
            machine.Keys!.Add("ghz", ghz);
        }

        return machine;
    }

    private static SettingsTree Profile(Registry<ConfigProfile> profiles, SettingsTree scenario, string key, string standard)
    {
        string path = profiles.Require(scenario.Value(key) ?? standard, key).Path;
        return SettingsTree.Load(path);
    }

    /// <summary>Whether a file begins as programs do (elf(5), EI_MAG0 to EI_MAG3). A pipe, which has no length, is left alone.</summary>
    private static bool IsProgram(string path)
    {
        const int MarkLength = 4;
        if (new FileInfo(path).Length < MarkLength)
        {
            return false;
        }

        Span<byte> mark = stackalloc byte[MarkLength];
        using FileStream stream = File.OpenRead(path);
        return stream.ReadAtLeast(mark, MarkLength, throwOnEndOfStream: false) == MarkLength && mark.SequenceEqual("\u007fELF"u8);
    }

    private static string Locate(string path)
    {
        string located = ConfigFiles.Locate(path);
        bool isName = Path.GetFileName(path) == path && !Path.HasExtension(path);
        return File.Exists(located) || !isName ? located : ProfileCatalog.Scenarios.Require(path, $"{path} is no file").Path;
    }

    private static string Hint(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        return ConfigFiles.TryFind($"scenarios/{name}.conf") is { } found
            ? $"; there is {Path.GetRelativePath(Directory.GetCurrentDirectory(), found)}"
            : "";
    }
}
