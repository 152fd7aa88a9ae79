using System.Globalization;
using VmSim.Core.Engine;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Actors.Configuration;

/// <summary>Makes processes that run a synthetic program.</summary>
internal static class SyntheticPrograms
{
    private static readonly string[] OwnKeys = ["name", "program", "count", "virtual"];

    public static ProcessSpec Load(SettingsTree item, string path, int count, SettingsBinder binder, ScenarioSpec scenario)
    {
        string program = item.Value("program") ?? throw new ScenarioException($"{item.Origin}: {path}.program: a name is needed");
        ProgramKind kind = ProgramKinds.All.Require(program, $"{item.Origin}: {path}.program", scenario.PlugIns);
        SyntheticProgram settings = (SyntheticProgram)binder.Bind(kind.CreateDefaults(), item, path, OwnKeys);
        string name = item.Value("name") ?? program;
        ulong seed = scenario.Seed;
        int cores = scenario.Machine.Cores;
        PageTableFormat format = WorldParts.FormatOf(scenario);
        LayoutEntropy? entropy = scenario.Noise.Aslr ? LayoutEntropy.Of(format) : null;
        List<KeyValuePair<string, string>> written =
        [
            new("name", name),
            new("program", program),
            new("count", count.ToString(CultureInfo.InvariantCulture)),
        ];
        foreach (SettingMember member in SettingMember.Of(settings.GetType()))
        {
            if (member.Setting is { } setting)
            {
                string value = SettingValues.Format(member.Property.GetValue(settings), setting);
                written.Add(new(member.Key, value.Trim('"')));
            }
        }

        return new ProcessSpec
        {
            Name = name,
            Program = copy =>
            {
                ProgramImage image = Build(settings, new ProgramContext(name, copy, seed, cores), format, path);
                return entropy is null ? image : MovedProgram.Drawn(image, ProcessLoader.SeedOf(seed, path, copy), copy, entropy);
            },
            Count = count,
            Settings = written,
        };
    }

    private static ProgramImage Build(SyntheticProgram settings, ProgramContext context, PageTableFormat format, string path)
    {
        try
        {
            return MovedProgram.Fitted(settings.Build(context), format);
        }
        catch (ArgumentException reason)
        {
            throw new ScenarioException($"{path}: {reason.Message.Split(" (Parameter")[0]}", reason);
        }
    }
}
