using System.CommandLine;
using System.Text;
using VmSim.Core.Reports;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>The files that <c>vmsim report</c> makes of a report.</summary>
internal sealed class ReportOutputs
{
    private readonly Option<string?> _csv = new("--causes") { Description = "Writes all causes to this file as CSV.", HelpName = "FILE" };
    private readonly Option<string?> _folded = new("--folded")
    {
        Description = "Writes the causes as folded stacks, by cycles, as tools for flame graphs read them.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _flames = new("--flame-graph")
    {
        Description = "Draws the causes as a flame graph, by cycles.",
        HelpName = "FILE.svg",
    };

    private readonly Option<string?> _page = new("--html")
    {
        Description = "Writes the report as a page: one file with charts and tables that sort, which needs no network.",
        HelpName = "FILE.html",
    };

    private readonly Option<string[]> _figures = new("--figure")
    {
        Description = $"Draws a chart of the page by itself, for a paper: {string.Join(", ", ReportCharts.Names)}. May be repeated.",
        HelpName = "NAME=FILE.svg|png",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_csv, _folded, _flames, _page, _figures])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Sees to it that each option names a file of its own.</summary>
    /// <exception cref="UsageException">Two name the same.</exception>
    public void Require(ParseResult parsed)
    {
        string[] files =
        [
            .. new[] { _csv, _folded, _flames, _page }.Select(parsed.GetValue).OfType<string>(),
            .. (parsed.GetValue(_figures) ?? []).Select(figure => figure[(figure.IndexOf('=', StringComparison.Ordinal) + 1)..]),
        ];
        if (files.Where(file => file.Length > 0).GroupBy(Path.GetFullPath).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new UsageException($"{twice.Key}: two options name this file; each needs one of its own");
        }
    }

    /// <summary>Writes them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="report">The report.</param>
    /// <param name="file">Its file.</param>
    /// <param name="settings">The run's effective settings; null if they are not at hand.</param>
    public void Write(ParseResult parsed, RunReport report, string file, string? settings)
    {
        Write(parsed.GetValue(_csv), "--causes", file, written => CauseCsv.Write(report, written));
        Write(parsed.GetValue(_folded), "--folded", file, written => FoldedStacks.Write(report, written));
        Write(parsed.GetValue(_flames), "--flame-graph", file, written => FlameGraph.Write(report, written));
        Write(parsed.GetValue(_page), "--html", file, written => ReportPage.Write(report, settings, written));
        foreach (string figure in parsed.GetValue(_figures) ?? [])
        {
            (ReportChart chart, string to) = FigureOf(report, figure);
            PictureFile.Require(to, "--figure");
            byte[] svg = Encoding.UTF8.GetBytes(chart.Draw(null));
            Write(to, "--figure", file, written => written.Write(PictureFile.Bytes(to, "--figure", svg)));
        }
    }

    /// <summary>What <c>--figure</c> names: a chart that the report has something for, and the file for it.</summary>
    private static (ReportChart Chart, string File) FigureOf(RunReport report, string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? text : text[..equals];
        if (!ReportCharts.Names.Contains(name) || equals < 0 || equals == text.Length - 1)
        {
            throw new UsageException(
                $"--figure: \"{text}\" found; NAME=FILE.svg is allowed, or NAME=FILE.png, with a name of "
                    + string.Join(", ", ReportCharts.Names));
        }

        ReportChart chart = ReportCharts.Of(report).FirstOrDefault(chart => chart.Name == name)
            ?? throw new UsageException($"--figure {name}: the report has nothing for it");
        return (chart, text[(equals + 1)..]);
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
