using VmSim.Core.Scenarios;
using VmSim.Core.Workloads;

namespace VmSim.Actors.Configuration;

/// <summary>Writes the list of all settings as Markdown; <c>docs/settings.md</c> is this text.</summary>
public static class SettingsReference
{
    /// <summary>Writes the list.</summary>
    public static void Write(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Write("""
            # Settings

            Every setting of a scenario, with what is allowed and the default that holds if neither scenario nor profile says otherwise.
            Give them in a scenario file (HOCON), or with `--set key=value`.
            Cycles can also be given as time (`250ns`, `2us`), bytes with units (`64 KiB`).

            A scenario also names its profiles, `machine-profile` and `kernel-profile`, and its processes:

            ```
            processes = [
              {
                trace = "config/traces/ls.vmt.gz"
                count = 4
              },
              {
                name = loops
                program = map-touch-unmap
                threads = 8
              }
            ]
            ```

            ## Scenario

            | key | meaning | allowed | default |
            |---|---|---|---|

            """);
        WriteMembers(new ScenarioSpec(), "", output);
        output.Write(
            "\n## Traces\n\nSettings of a process with a `trace`; they stand beside it.\n\n| key | meaning | allowed | default "
                + "|\n|---|---|---|---|\n");
        WriteMembers(new TraceReplay(), "", output);
        output.Write(
            "\n## Cluster\n\nHow a run is spread over nodes, given in config/cluster.conf or with `--set`.\nNone of these changes "
                + "what a run finds.\n\n| key | meaning | allowed | default |\n|---|---|---|---|\n");
        WriteMembers(new ClusterSettings(), ClusterSettings.Prefix, output);
        output.Write("\n## Programs\n\n`program` names one of these; the settings stand beside it.\n");
        foreach (ProgramKind kind in ProgramKinds.All)
        {
            output.Write($"\n### {kind.Name}\n\n{kind.Summary}\n\n| key | meaning | allowed | default |\n|---|---|---|---|\n");
            WriteMembers(kind.CreateDefaults(), "", output);
        }
    }

    private static void WriteMembers(object record, string path, TextWriter output)
    {
        foreach (SettingsBinder.Member member in SettingsBinder.MembersOf(record.GetType()))
        {
            object? value = member.Property.GetValue(record);
            string key = path + member.Key;
            if (member.Setting is not { } setting)
            {
                WriteMembers(value!, key + ".", output);
                continue;
            }

            string allowed = SettingValues.Allowed(member.Property.PropertyType, setting).Replace("|", "\\|", StringComparison.Ordinal);
            output.Write(
                $"| `{key}` | {setting.Summary.Replace("|", "\\|", StringComparison.Ordinal)} | {allowed} | "
                    + $"{SettingValues.Format(value, setting)} |\n");
        }
    }
}
