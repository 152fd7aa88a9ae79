using System.Globalization;
using System.Text;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Causes as stacks: process, the frames of the call site from the outermost, the call, and what it was for. A stack's weight is the cycles
/// that it cost its own threads and cores that were told.
/// </summary>
internal static class FoldedStacks
{
    /// <summary>Writes one line a stack, frames apart by semicolons and the weight behind a blank.</summary>
    public static void Write(RunReport report, Stream stream)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        foreach ((string[] frames, long weight) in Of(report))
        {
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"{string.Join(';', frames)} {weight}\n"));
        }
    }

    /// <summary>The stacks, each once, by name.</summary>
    public static IReadOnlyList<(string[] Frames, long Weight)> Of(RunReport report)
    {
        CauseNamesOf names = new(report);
        return [.. report.Causes
            .Select(cause => (Frames: FramesOf(names, cause), cause.Lost))
            .GroupBy(stack => string.Join(';', stack.Frames), StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => (group.First().Frames, Saturated(group.Sum(stack => (double)Math.Max(0, stack.Lost)))))
            .Where(stack => stack.Item2 > 0)];
    }

    private static string[] FramesOf(CauseNamesOf names, CauseReport cause)
    {
        IEnumerable<string> site = (cause.Row.Site?.Frames ?? []).Reverse();
        string call = cause.Row.Call;
        string last = site.LastOrDefault() ?? "";
        bool isEntered = CallSite.FunctionOf(last).Trim('_') == call.Split('(')[0];
        string content = cause.Row.Object.Length > 0 ? cause.Row.Object : "(none)";
        IEnumerable<string> frames = [names.Process(cause.AddressSpace), .. isEntered ? site.SkipLast(1) : site, call, content];
        return [.. frames.Select(frame => PlainWriter.Line(frame).Replace(CallSite.Separator, ','))];
    }

    private static long Saturated(double sum) => sum >= long.MaxValue ? long.MaxValue : (long)sum;
}
