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

            Every setting of a scenario, with what is allowed and what holds if a scenario says nothing.
            That is what the machine profile `server-2s` has, and the kernel profile that it names, `linux-6.18`.
            Give them in a scenario file (HOCON), or with `--set key=value`.
            Cycles can also be given as time (`250ns`, `2us`), bytes with units (`64 KiB`).
            `include "FILE"` puts another file's settings into its place; the file is looked for beside the one that names it.

            A scenario also names its machine, `machine-profile`, and its processes.
            A machine profile names the kernel profile that goes with it; `kernel-profile` in the scenario chooses another.

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

            `virtual = on` or `off` of a process says whether it runs in a virtual machine, whatever `machine.virtual` says.

            `--set processes.0.threads=64` changes the first of them, `--set processes.loops.threads=64` the one with that name.

            Classes of your own take part as [plug-ins](plug-ins.md).
            `plug-ins = [ "bin/MyPlugIns.dll" ]` lists their files, relative to the scenario.
            `"Namespace.Type, Assembly"` names a class where a protocol, page-table format, backend or program is named.
            Settings that it brings along stand beside `program`, or in a block: the key that names it with `-settings` behind it.

            ```
            plug-ins = [ "bin/MyPlugIns.dll" ]
            shootdown {
              protocol = "MyPlugIns.Broadcast, MyPlugIns"
              protocol-settings {
                broadcast-cycles = 700 cycles
              }
            }
            ```

            `vmsim list settings --plug-in FILE.dll` and `vmsim list settings --scenario FILE.conf` show them.

            """);
        foreach (SettingList list in SettingList.All)
        {
            output.Write($"\n{(list.IsPart ? "###" : "##")} {list.Title}\n\n{(list.Text.Length > 0 ? list.Text + "\n\n" : "")}");
            if (list.Rows.Count > 0)
            {
                output.Write("| key | meaning | allowed | default |\n|---|---|---|---|\n");
            }

            foreach (SettingRow row in list.Rows)
            {
                output.Write($"| `{row.Key}` | {Cell(row.Summary)} | {Cell(row.Allowed)} | {row.Default} |\n");
            }
        }
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
