using System.Globalization;
using VmSim.Core.Traces.Import;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>Says what an importer found and what it left out.</summary>
internal static class ImportSummaryView
{
    private const int MostChildren = 10;

    /// <summary>Says what was found and what was left out.</summary>
    public static void Show(ImportSummary summary, string target, TextWriter error, bool forks = true)
    {
        error.WriteLine($"{target}: {Contents(summary)}");
        if (forks && summary.Children.Count > 0)
        {
            error.WriteLine(
                $"forked processes: {string.Join(", ", summary.Children)}; put their traces beside this one as NAME.child.PID.vmt");
        }

        if (summary.Lost > 0)
        {
            error.WriteLine($"events that the tool lost: {summary.Lost:N0}");
        }

        ShowCalls("records counted and not simulated", summary.Records, error);
        ShowCalls("succeeded and change nothing that is simulated, left out", summary.NotSimulated, error);
        ShowCalls("failed in the log", summary.Failed, error);
        ShowCalls("without a result in the log, left out", summary.WithoutResult, error);
        ShowCalls("interrupted by signals before they did anything, left out", summary.Interrupted, error);
        if (summary.OtherCalls > 0)
        {
            error.WriteLine($"calls that do not concern memory, threads or processes: {summary.OtherCalls:N0}");
        }

        if (summary.Dropped > 0)
        {
            error.WriteLine($"left out {summary.Dropped:N0} lines that could not be used, such as");
            foreach (string example in summary.DroppedExamples)
            {
                error.WriteLine($"  {example}");
            }
        }

        foreach (string note in summary.Notes)
        {
            error.WriteLine($"note: {note}");
        }
    }

    /// <summary>Says what was found for forked processes, one line each, and all that was left out of them.</summary>
    /// <param name="children">Their traces.</param>
    /// <param name="error">Where to say it.</param>
    public static void ShowChildren(IReadOnlyList<(string Path, ImportSummary Summary)> children, TextWriter error)
    {
        foreach ((string path, ImportSummary summary) in children.Take(MostChildren))
        {
            error.WriteLine($"{path}: {Contents(summary)}");
        }

        if (children.Count > MostChildren)
        {
            error.WriteLine($"... and {children.Count - MostChildren:N0} more traces of other processes");
        }

        const string Whose = "of other processes";
        ShowCalls($"{Whose} succeeded and change nothing that is simulated, left out", Sum(children, s => s.NotSimulated), error);
        ShowCalls($"{Whose} failed in the log", Sum(children, s => s.Failed), error);
        ShowCalls($"{Whose} without a result in the log, left out", Sum(children, s => s.WithoutResult), error);
        ShowCalls($"{Whose} interrupted by signals before they did anything, left out", Sum(children, s => s.Interrupted), error);
    }

    private static string Contents(ImportSummary summary)
    {
        string calls = summary.Calls.Count == 0 ? "no calls" : List(summary.Calls);
        string threads = Quantities.Of(summary.Threads, "thread");
        string fetches = Quantities.Of(summary.Fetches, "fetch", "fetches");
        string data = Quantities.Of(summary.DataReferences, "data reference");
        string sleeps = summary.Sleeps == 0 ? "" : string.Create(
            CultureInfo.InvariantCulture, $", {Quantities.Of(summary.Sleeps, "sleep")} of {summary.SleptNanoseconds / 1e6:N3} ms");
        return (summary.Fetches + summary.DataReferences == 0 ? "" : $"{fetches}, {data}, ") + $"{threads}, {calls}{sleeps}";
    }

    private static void ShowCalls(string what, IReadOnlyDictionary<string, long> calls, TextWriter error)
    {
        if (calls.Count > 0)
        {
            error.WriteLine($"{what}: {List(calls)}");
        }
    }

    private static string List(IReadOnlyDictionary<string, long> calls) =>
        string.Join(", ", calls.OrderByDescending(call => call.Value).Select(call => $"{call.Value:N0} {call.Key}"));

    private static SortedDictionary<string, long> Sum(
        IReadOnlyList<(string Path, ImportSummary Summary)> children, Func<ImportSummary, SortedDictionary<string, long>> of)
    {
        SortedDictionary<string, long> sum = new(StringComparer.Ordinal);
        foreach ((string name, long count) in children.SelectMany(child => of(child.Summary)))
        {
            sum[name] = sum.GetValueOrDefault(name) + count;
        }

        return sum;
    }
}
