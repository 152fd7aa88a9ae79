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
        if (scenario.PlugIns.Count > 0)
        {
            IEnumerable<string> files = scenario.PlugIns.Select(plugIn => SettingValues.Format(plugIn.Path, Plain));
            output.Write($"{PlugInList.Key} = [ {string.Join(", ", files)} ]\n");
        }

        if (scenario.Expect.Count > 0)
        {
            output.Write($"{Expectations.Key} {{\n");
            WriteAll(scenario.Expect.Select(expected => new KeyValuePair<string, string>(expected.Metric, expected.Bounds)), "  ", output);
            output.Write("}\n");
        }

        output.Write("processes = [\n");
        for (int i = 0; i < scenario.Processes.Count; i++)
        {
            output.Write("  {\n");
            WriteAll(scenario.Processes[i].Settings, "    ", output);
            output.Write(i + 1 < scenario.Processes.Count ? "  },\n" : "  }\n");
        }

        output.Write("]\n");
    }

    private static SettingAttribute Plain { get; } = new("A plain value.");

    private static void WriteBlock(object record, string indent, TextWriter output)
    {
        foreach (SettingMember member in SettingMember.Of(record.GetType()))
        {
            object? value = member.Property.GetValue(record);
            if (value is OwnSettings { Count: 0 })
            {
                continue;
            }

            if (member.Setting is { } setting)
            {
                output.Write($"{indent}{member.Key} = {SettingValues.Format(value, setting)}\n");
                continue;
            }

            output.Write($"{indent}{member.Key} {{\n");
            if (value is OwnSettings own)
            {
                WriteAll(own, indent + "  ", output);
            }
            else
            {
                WriteBlock(value!, indent + "  ", output);
            }

            output.Write($"{indent}}}\n");
        }
    }

    private static void WriteAll(IEnumerable<KeyValuePair<string, string>> settings, string indent, TextWriter output)
    {
        foreach ((string key, string value) in settings)
        {
            output.Write($"{indent}{key} = {SettingValues.Format(value, Plain)}\n");
        }
    }
}
