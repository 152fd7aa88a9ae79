using System.CommandLine;
using System.Text;
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
        Option<string?> csv = new("--causes") { Description = "Writes all causes to this file as CSV.", HelpName = "FILE" };
        Option<string?> folded = new("--folded")
        {
            Description = "Writes the causes as folded stacks, by cycles, as tools for flame graphs read them.",
            HelpName = "FILE",
        };
        Option<string?> flames = new("--flame-graph")
        {
            Description = "Draws the causes as a flame graph, by cycles.",
            HelpName = "FILE.svg",
        };
        Option<string?> page = new("--html")
        {
            Description = "Writes the report as a page: one file with charts and tables that sort, which needs no network.",
            HelpName = "FILE.html",
        };
        Option<string[]> figures = new("--figure")
        {
            Description = $"Draws a chart of the page by itself, for a paper: {string.Join(", ", ReportCharts.Names)}. May be repeated.",
            HelpName = "NAME=FILE.svg",
        };
        Command command = new("report", "Shows the report of an earlier run.") { run, by, top, csv, folded, flames, page, figures };
        ShootdownArguments shootdown = new();
        shootdown.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(() =>
        {
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
            Write(parsed.GetValue(csv), "--causes", file, written => CauseCsv.Write(report, written));
            Write(parsed.GetValue(folded), "--folded", file, written => FoldedStacks.Write(report, written));
            Write(parsed.GetValue(flames), "--flame-graph", file, written => FlameGraph.Write(report, written));
            Write(parsed.GetValue(page), "--html", file, written => ReportPage.Write(report, SettingsBeside(file), written));
            foreach (string figure in parsed.GetValue(figures) ?? [])
            {
                (ReportChart chart, string to) = FigureOf(report, figure);
                Write(to, "--figure", file, written => written.Write(Encoding.UTF8.GetBytes(chart.Draw(null))));
            }

            if (!shootdown.Show(parsed, report, SettingsOf(file), parsed.GetValue(by) is not null, output, cancellation))
            {
                Show(report, parsed.GetValue(by), parsed.GetValue(top), Consoles.For(output));
            }

            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>What <c>--figure</c> names: a chart that the report has something for, and the file for it.</summary>
    private static (ReportChart Chart, string File) FigureOf(RunReport report, string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? text : text[..equals];
        if (!ReportCharts.Names.Contains(name) || equals < 0 || equals == text.Length - 1)
        {
            throw new UsageException(
                $"--figure: \"{text}\" found; NAME=FILE.svg is allowed, with a name of {string.Join(", ", ReportCharts.Names)}");
        }

        ReportChart chart = ReportCharts.Of(report).FirstOrDefault(chart => chart.Name == name)
            ?? throw new UsageException($"--figure {name}: the report has nothing for it");
        return (chart, text[(equals + 1)..]);
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

    private static void Write(string? path, string option, string input, Action<Stream> write)
    {
        if (path is not null)
        {
            using OutputFile file = new(path, option, input);
            write(file.Stream);
            file.Complete();
        }
    }
}
