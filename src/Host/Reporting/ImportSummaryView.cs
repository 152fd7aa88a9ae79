using VmSim.Core.Traces.Import;

namespace VmSim.Host.Reporting;

/// <summary>Says what an importer found and what it left out.</summary>
internal static class ImportSummaryView
{
    /// <summary>Says what was found and what was left out.</summary>
    public static void Show(ImportSummary summary, string target, TextWriter error, bool forks = true)
    {
        string calls = summary.Calls.Count == 0
            ? "no calls"
            : string.Join(", ", summary.Calls.Select(call => $"{call.Value:N0} {call.Key}"));
        error.WriteLine(
            $"{target}: {summary.Fetches:N0} fetches, {summary.DataReferences:N0} data references, {summary.Threads:N0} threads, {calls}");
        Tell("calls that succeeded and are not simulated", summary.NotSimulated);
        Tell("calls that failed, left out", summary.Failed);
        Tell("calls without a result, left out", summary.WithoutResult);
        if (summary.OtherCalls > 0)
        {
            error.WriteLine($"calls that have nothing to do with memory: {summary.OtherCalls:N0}");
        }

        if (forks && summary.Children.Count > 0)
        {
            error.WriteLine(
                $"forked processes: {string.Join(", ", summary.Children)}; put their traces beside this one as NAME.child.PID.vmt");
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

        void Tell(string what, IEnumerable<KeyValuePair<string, long>> counts)
        {
            string text = string.Join(", ", counts.Select(count => $"{count.Value:N0} {count.Key}"));
            if (text.Length > 0)
            {
                error.WriteLine($"{what}: {text}");
            }
        }
    }
}
