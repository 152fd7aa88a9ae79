using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>Writes every setting of a scenario, defaults included, as a scenario that gives the same run.</summary>
public static class EffectiveConfiguration
{
    /// <summary>Writes a scenario.</summary>
    public static void Write(ScenarioSpec scenario, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(output);
        output.Write("# Every setting of the run. Running this file gives the same report.\n");
        WriteBlock(scenario, "", output);
        output.Write("processes = [\n");
        for (int i = 0; i < scenario.Processes.Count; i++)
        {
            output.Write("  {\n");
            foreach ((string key, string value) in scenario.Processes[i].Settings)
            {
                output.Write($"    {key} = {SettingValues.Format(value, Plain)}\n");
            }

            output.Write(i + 1 < scenario.Processes.Count ? "  },\n" : "  }\n");
        }

        output.Write("]\n");
    }

    private static SettingAttribute Plain { get; } = new("A plain value.");

    private static void WriteBlock(object record, string indent, TextWriter output)
    {
        foreach (SettingsBinder.Member member in SettingsBinder.MembersOf(record.GetType()))
        {
            object? value = member.Property.GetValue(record);
            if (member.Setting is { } setting)
            {
                output.Write($"{indent}{member.Key} = {SettingValues.Format(value, setting)}\n");
                continue;
            }

            output.Write($"{indent}{member.Key} {{\n");
            WriteBlock(value!, indent + "  ", output);
            output.Write($"{indent}}}\n");
        }
    }
}
