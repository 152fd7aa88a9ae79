using System.Globalization;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Reports;
using VmSim.Core.Statistics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// A report as one HTML file that needs no network: what happened in sentences, charts, tables that sort, settings and where it comes from.
/// Nothing in it is taken as markup but what stands here; its script may run and nothing else.
/// </summary>
internal sealed class ReportPage
{
    /// <summary>Rows of the table of causes.</summary>
    private const int CausesShown = 500;

    private const int ThreadsShown = 1000;

    private readonly HtmlPage _html;
    private readonly RunReport _report;

    private ReportPage(RunReport report) => (_report, _html) = (report, new HtmlPage(report.Scenario));

    /// <summary>Writes the page.</summary>
    /// <param name="report">The report.</param>
    /// <param name="settings">The effective settings of the run; null if they are not at hand.</param>
    /// <param name="stream">Takes the page.</param>
    public static void Write(RunReport report, string? settings, Stream stream)
    {
        ReportPage page = new(report);
        page.Build(settings);
        page._html.Write(stream);
    }

    private static string Text(string text) => HtmlPage.Text(text);

    private void Build(string? settings)
    {
        Summary();
        Findings();
        int number = 1;
        foreach (ReportChart chart in ReportCharts.Of(_report))
        {
            Line($"<figure>{chart.Draw(number++)}</figure>");
        }

        Causes();
        Latencies();
        Shootdowns();
        Processes();
        Threads();
        Counters();
        Provenance(settings);
    }

    private void Summary()
    {
        double busy = 0;
        Dictionary<string, double> classes = [];
        foreach (CounterInfo cycles in CoreCycles.All)
        {
            double sum = _report.Cores.Sum(core => (double)core.CyclesOf(cycles));
            classes[cycles.Name] = sum;
            busy += sum;
        }

        double lost = busy - classes[CoreCycles.User.Info.Name];
        string time = Quantities.Time(_report.Total("cycles"), _report.Ghz);
        string processes = Quantities.Of(_report.AddressSpaces.Count, "process", "processes");
        Line(
            $"<p>{Quantities.Of(_report.Threads.Count, "thread")} of {processes} ran {time} on "
                + $"{Quantities.Of(_report.Cores.Count, "core")} under <b>{Text(_report.Protocol)}</b>: {Text(_report.Outcome)}. ");
        Line(
            $"Of the time that cores were busy, {Quantities.Percent(lost, busy)} went to virtual memory and the kernel: "
                + $"{Quantities.Percent(classes[CoreCycles.Walk.Info.Name], busy)} to TLB misses, "
                + $"{Quantities.Percent(classes[CoreCycles.Fault.Info.Name], busy)} to faults, "
                + $"{Quantities.Percent(classes[CoreCycles.Syscall.Info.Name], busy)} to calls, "
                + $"{Quantities.Percent(classes[CoreCycles.ShootdownWait.Info.Name], busy)} to waiting for other cores to invalidate and "
                + $"{Quantities.Percent(classes[CoreCycles.Interrupt.Info.Name], busy)} to handling others' invalidations and ticks.");
        if (CauseView.Sentence(CauseGroup.Of(_report, CauseGrouping.Site)) is { } sentence)
        {
            Line($"{Text(sentence)}.");
        }

        Line("</p>");
    }

    private void Findings()
    {
        foreach (string finding in _report.Findings.Take(ReportView.FindingsShown))
        {
            Line($"<p class=\"finding\">{Text(finding)}</p>");
        }

        if (_report.Findings.Count > ReportView.FindingsShown)
        {
            Line($"<p class=\"finding\">and {_report.Findings.Count - ReportView.FindingsShown} more in report.json</p>");
        }
    }

    private void Causes()
    {
        if (_report.Causes.Count == 0)
        {
            return;
        }

        CauseNamesOf names = new(_report);
        string[] whose = ["process", "thread", "call", "object", "area", "site"];
        Begin(
            "Whose calls and faults cost what",
            [.. whose, .. CauseFigure.All.Select(figure => figure.Info.Heading)],
            [.. whose.Select(_ => ""), .. CauseFigure.All.Select(figure => figure.Info.Summary)],
            column => column < whose.Length);
        foreach (CauseReport cause in _report.Causes.OrderByDescending(cause => cause.Lost).Take(CausesShown))
        {
            Row(
            [
                names.Process(cause.AddressSpace), names.Thread(cause.Row.Thread), cause.Row.Call, cause.Row.Object,
                cause.Row.Area?.ToString() ?? "", cause.Row.Site?.Place ?? "",
            ], cause.Row.Values);
        }

        End(_report.Causes.Count - CausesShown);
    }

    private void Latencies() => Distributions("Latencies, in cycles", LatencyKind.All.Select(kind => kind.Info), _report.LatencyCycles);

    private void Shootdowns() => Distributions(
        "Shootdowns", Core.Shootdown.ShootdownFigure.All.Select(figure => figure.Info), _report.Shootdowns);

    private void Distributions(string title, IEnumerable<CounterInfo> known, IReadOnlyList<KeyValuePair<string, Distribution>> items)
    {
        if (items.All(item => item.Value.Count == 0))
        {
            return;
        }

        CounterInfo[] infos = [.. known];
        Begin(title, ["", "count", "p50", "p90", "p99", "max"], []);
        foreach ((string name, Distribution d) in items.Where(item => item.Value.Count > 0))
        {
            CounterInfo? info = infos.FirstOrDefault(each => each.Name == name);
            Row([info?.Heading ?? name], [d.Count, d.P50, d.P90, d.P99, d.Max], info?.Summary ?? "");
        }

        End(0);
    }

    private void Processes()
    {
        string[] shown =
        [
            "shootdowns", "ipisSent", "spuriousIpis", "pagesShotDown", "anonymousFaults", "copyFaults", "fileFaults", "lockWaitCycles",
        ];
        Begin("Processes", ["process", .. shown], []);
        foreach (AddressSpaceReport space in _report.AddressSpaces.Take(ThreadsShown))
        {
            Row([space.Name], [.. shown.Select(name => space.Counters.FirstOrDefault(counter => counter.Key == name).Value)]);
        }

        End(_report.AddressSpaces.Count - ThreadsShown);
    }

    private void Threads()
    {
        ILookup<int, CauseReport> causes = _report.Causes.ToLookup(cause => cause.Row.Thread.Value);
        Begin(
            "Threads",
            ["thread", "last core", "started", "ended", "accesses", "faults", "cycles of calls and faults", "interrupts sent"],
            [
                "", "", "Cycle at which it began.", "Cycle at which it ended; -1 if it had not.", "", "",
                "From trap to answer, waits included.",
            ]);
        foreach (ThreadReport thread in _report.Threads.Take(ThreadsShown))
        {
            CauseReport[] own = [.. causes[thread.Id.Value]];
            Row(
                [thread.Name],
                [
                    thread.Core.Value, thread.Started.Value, thread.Ended.Value, thread.Accesses, thread.Faults,
                    own.Sum(cause => cause.Row[CauseFigure.Cycles]), own.Sum(cause => cause.Row[CauseFigure.Interrupts]),
                ]);
        }

        End(_report.Threads.Count - ThreadsShown);
    }

    private void Counters()
    {
        Dictionary<string, CounterInfo> known = [];
        foreach (CounterInfo info in _report.Catalog.Totals)
        {
            known.TryAdd(info.Name, info);
        }

        Begin("Every counter", ["counter", "sum", "unit", "meaning"], [], column => column != 1);
        foreach ((string name, long value) in _report.Totals)
        {
            CounterInfo? info = known.GetValueOrDefault(name);
            Line($"<tr><td>{Text(name)}</td>{Cell(value)}<td>{Text(info?.Unit ?? "")}</td><td>{Text(info?.Summary ?? "")}</td></tr>");
        }

        End(0);
    }

    private void Provenance(string? settings)
    {
        Line("<h2>Where it comes from</h2><div class=\"scroll\"><table><tbody>");
        Fact("scenario", _report.Scenario);
        Fact("protocol", _report.Protocol);
        Fact("machine", _report.Facts.Machine);
        Fact("kernel", _report.Facts.Kernel);
        foreach ((string name, string cost) in ReportView.Costs(_report))
        {
            Fact(name, cost);
        }

        Fact("seed", _report.Seed.ToString(CultureInfo.InvariantCulture));
        Fact("fingerprint", _report.Fingerprint);
        Fact("clock", string.Create(CultureInfo.InvariantCulture, $"{_report.Ghz} GHz"));
        if (_report.Provenance is { } provenance)
        {
            string commit = provenance.Commit.Length > 0 ? $", commit {provenance.Commit}" : "";
            Fact("vmsim", $"{provenance.Version}{commit}, build {provenance.Build}");
            Fact("digest of settings, files and build", provenance.Digest);
            foreach (RunFile file in provenance.Files)
            {
                Fact(PlainWriter.Line(file.Path), $"SHA-256 {file.Digest}");
            }
        }

        if (_report.Host is { } host)
        {
            if (host.Command.Length > 0)
            {
                Fact("command", $"{host.Command}, on {host.Started}");
            }

            Fact(
                "simulated in",
                $"{Quantities.Seconds(host.WallSeconds)} on {Quantities.Of(host.Threads, "thread")}, "
                    + Quantities.Bytes(host.PeakMemoryBytes));
        }

        Line("</tbody></table></div>");
        if (settings is not null)
        {
            Line($"<details><summary>Every setting</summary><pre>{Text(settings)}</pre></details>");
        }
    }

    private void Fact(string name, string value) => Line($"<tr><td>{Text(name)}</td><td>{Text(value)}</td></tr>");

    private void Begin(string title, IReadOnlyList<string> columns, IReadOnlyList<string> meanings, Func<int, bool>? isText = null) =>
        _html.BeginTable(title, columns, meanings, isText);

    private void Row(IReadOnlyList<string> texts, IReadOnlyList<long> values, string meaning = "")
    {
        string title = meaning.Length > 0 ? $" title=\"{Text(meaning)}\"" : "";
        Line($"<tr{title}>{string.Concat(texts.Select(text => $"<td>{Text(text)}</td>"))}{string.Concat(values.Select(Cell))}</tr>");
    }

    private static string Cell(long value) => HtmlPage.Cell(value, Quantities.Exact(value));

    private void End(int more)
    {
        _html.EndTable();
        if (more > 0)
        {
            Line($"<p>and {Quantities.Exact(more)} more in report.json</p>");
        }
    }

    private void Line(string line) => _html.Line(line);
}
