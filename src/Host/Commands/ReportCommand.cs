using System.CommandLine;
using Spectre.Console;
using VmSim.Core.Reports;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim report</c>: shows the report of an earlier run.</summary>
internal static class ReportCommand
{
    private const string Cores = "core";

    /// <summary>Most bytes of settings that a page shows.</summary>
    private const int SettingsMax = 1 << 20;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> run = new("run") { Description = "Folder that --out named, or a report.json." };
        Option<string?> by = new("--by")
        {
            Description = "Ranks whose calls and faults cost most, by call site, call, area, file, thread, process or core.",
            HelpName = "WHAT",
        };
        by.AcceptOnlyFromAmong([.. Enum.GetNames<CauseGrouping>().Select(name => name.ToLowerInvariant()), Cores]);
        Option<int> top = NumberOption.Create("--top", "Rows that --by shows.", 1, int.MaxValue, 20);
        ReportOutputs outputs = new();
        Command command = new("report", "Shows the report of an earlier run.") { run, by, top };
        outputs.AddTo(command);
        ShootdownArguments shootdown = new();
        shootdown.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(() =>
        {
            outputs.Require(parsed);
            string path = parsed.GetValue(run)!;
            string file = Directory.Exists(path) ? Path.Combine(path, RunFolder.ReportName) : path;
            FileKind kind = FileStatus.Of(file).Kind;
            if (kind is FileKind.Stream or FileKind.Disk)
            {
                throw new IOException($"{file}: a pipe or a device; a report is read whole, so a file is needed");
            }

            if (kind != FileKind.Regular)
            {
                throw new FileNotFoundException($"{file}: there is no such report; name a folder that `vmsim run --out` wrote");
            }

            using FileStream stream = File.OpenRead(file);
            RunReport report = ReportJson.Read(stream, file);
            outputs.Write(parsed, report, file, SettingsBeside(file));
            if (!shootdown.Show(parsed, report, SettingsOf(file), parsed.GetValue(by) is not null, output, cancellation))
            {
                Show(report, parsed.GetValue(by), parsed.GetValue(top), Consoles.For(output));
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>The effective settings in the folder of a report; null if there are none that can be read.</summary>
    private static string? SettingsBeside(string report)
    {
        FileInfo file = new(SettingsOf(report));
        return file.Exists && FileStatus.Of(file.FullName).Kind == FileKind.Regular && file.Length <= SettingsMax
            ? File.ReadAllText(file.FullName)
            : null;
    }

    private static string SettingsOf(string report) =>
        Path.Combine(Path.GetDirectoryName(Path.GetFullPath(report))!, RunFolder.EffectiveName);

    private static void Show(RunReport report, string? by, int top, IAnsiConsole console)
    {
        switch (by)
        {
            case null:
                ReportView.Show(report, console);
                break;
            case Cores:
                CauseView.ShowCores(report, top, console);
                break;
            default:
                CauseView.Show(report, Enum.Parse<CauseGrouping>(by, ignoreCase: true), top, console);
                break;
        }
    }
}
