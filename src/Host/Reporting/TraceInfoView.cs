using System.Globalization;
using Spectre.Console;
using VmSim.Core.Traces;

namespace VmSim.Host.Reporting;

/// <summary>Shows what a trace holds: counts, reuse distances, and the working set over time.</summary>
internal static class TraceInfoView
{
    private const int ChartHeight = 8;
    private const string Bars = " ▁▂▃▄▅▆▇█";

    /// <summary>Writes tables and the working-set chart.</summary>
    /// <param name="info">The counts.</param>
    /// <param name="name">The trace's name.</param>
    /// <param name="parallelism">How many of its threads run at once; null for a trace of one thread.</param>
    /// <param name="console">Where to.</param>
    public static void Show(TraceInfo info, string name, TraceParallelism? parallelism, IAnsiConsole console)
    {
        Table facts = new Table().Border(TableBorder.None).HideHeaders().AddColumn("what").AddColumn("count");
        void Fact(string what, string value) => facts.AddRow(new Text(what), new Text(value));
        Fact("trace", name);
        Fact("header", info.Header ?? "none");
        Fact("records", Number(info.Records));
        Fact(
            "accesses",
            $"{Number(info.Accesses)}: {Number(info.Fetches)} fetches, {Number(info.Loads)} loads, {Number(info.Stores)} stores");
        Fact("kernel accesses", Number(info.KernelAccesses));
        string threads = string.Join(", ", info.Threads.Take(16).Select(thread => $"{thread.Key}: {Number(thread.Value)}"));
        Fact("threads", info.Threads.Count > 16 ? $"{threads}, ..." : threads);
        if (parallelism is { } threadsAtOnce)
        {
            Fact(
                "at once",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{threadsAtOnce.Kept:0.0} threads on average in the order of the trace, {threadsAtOnce.Free:0.0} without it"));
        }

        Fact("operations", string.Join(", ", info.Operations.Select(operation => $"{Number(operation.Value)} {operation.Key}")));
        if (info.CallSites > 0)
        {
            Fact("call sites", $"{Number(info.CallSites)}, of {Number(info.CallsWithSite)} calls");
        }

        if (info.Sleeps.Count > 0)
        {
            Fact("sleeps", Sleeps(info));
        }

        if (info.OffCore.Count > 0)
        {
            Fact("off core", Slept(info.OffCore.Count, info.OffCore.Nanoseconds));
        }

        Fact("files", Number(info.Files));
        Fact(
            "pages",
            $"{Number(info.Pages.All)}: {Number(info.Pages.Fetched)} fetched, {Number(info.Pages.Loaded)} loaded, "
            + $"{Number(info.Pages.Stored)} stored");
        console.Write(facts);
        console.WriteLine();
        ShowDistances(info, console);
        console.WriteLine();
        ShowWorkingSet(info, console);
    }

    /// <summary>How often and how long threads slept, the longest calls first.</summary>
    private static string Sleeps(TraceInfo info)
    {
        const int Shown = 8;
        string all = Slept(info.Sleeps.Values.Sum(sleep => sleep.Count), info.Sleeps.Values.Sum(sleep => (double)sleep.Nanoseconds));
        IEnumerable<string> calls = info.Sleeps
            .OrderByDescending(sleep => sleep.Value.Nanoseconds)
            .Take(Shown)
            .Select(sleep => $"{sleep.Key} {Slept(sleep.Value.Count, sleep.Value.Nanoseconds)}");
        return $"{all}: {string.Join(", ", calls)}{(info.Sleeps.Count > Shown ? ", ..." : "")}";
    }

    private static string Slept(long count, double nanoseconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} for {nanoseconds / 1e6:N3} ms");

    private static void ShowDistances(TraceInfo info, IAnsiConsole console)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("other pages since the last use");
        table.AddColumn(new TableColumn("data").RightAligned()).AddColumn(new TableColumn("instructions").RightAligned());
        for (int i = 0; i < info.DataReuse.Histogram.Length; i++)
        {
            (long data, long fetch) = (info.DataReuse.Histogram[i], info.FetchReuse.Histogram[i]);
            if (data > 0 || fetch > 0)
            {
                string range = i switch { 0 => "0", 1 => "1", _ => $"{1L << (i - 1)} to {(1L << i) - 1}" };
                table.AddRow(new Text(range), new Text(Number(data)), new Text(Number(fetch)));
            }
        }

        table.AddRow(new Text("first use"), new Text(Number(info.DataReuse.FirstUses)), new Text(Number(info.FetchReuse.FirstUses)));
        console.Write(table);
    }

    private static void ShowWorkingSet(TraceInfo info, IAnsiConsole console)
    {
        int top = info.WorkingSet.Count == 0 ? 0 : info.WorkingSet.Max();
        console.WriteLine($"working set: pages used in each {1.0 / TraceInfo.Epochs:P1} of the trace, at most {Number(top)}");
        for (int row = ChartHeight - 1; row >= 0 && top > 0; row--)
        {
            string line = string.Concat(info.WorkingSet.Select(pages =>
            {
                double filled = ((double)pages * ChartHeight / top) - row;
                return Bars[(int)Math.Clamp(Math.Ceiling(filled * (Bars.Length - 1)), 0, Bars.Length - 1)];
            }));
            console.WriteLine($"  {line.TrimEnd()}");
        }
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
