using System.Globalization;
using VmSim.Host.Maps;

namespace VmSim.Host.Reporting;

/// <summary>Says where a trace and the kernel's word on areas part.</summary>
internal static class MapsVerdictView
{
    private const int MaxShown = 10;

    /// <summary>Says what was compared and what differs.</summary>
    public static void Show(MapsVerdict verdict, TextWriter output)
    {
        foreach (MapsCheck check in verdict.Checks.Where(check => check.Differences.Count > 0 || !IsPoint(check)))
        {
            string program = check.Program.Length == 0 ? "" : $" ({Path.GetFileName(check.Program)})";
            string found = check.Differences.Count == 0 ? "as the kernel has them" : $"{check.Differences.Count} ranges differ";
            string threads = check.OtherThreads > 0 && check.Differences.Count > 0
                ? $" ({check.OtherThreads:N0} other threads ran on while the kernel was asked)"
                : "";
            output.WriteLine($"process {check.Process}{program} {check.Moment}: {check.Areas} areas, {found}{threads}");
            Show(check, output);
        }

        int points = verdict.Checks.Count(IsPoint);
        if (points + verdict.SkippedPoints > 0)
        {
            output.WriteLine(
                $"{points:N0} snapshots before calls and execs compared, {verdict.SkippedPoints:N0} of calls that the trace has not");
        }

        if (verdict.FailedCalls + verdict.FailedAccesses > 0)
        {
            output.WriteLine($"{verdict.FailedCalls:N0} calls and {verdict.FailedAccesses:N0} accesses fail in the replay");
        }

        ShowTotals(verdict, output);
        verdict.Notes.ForEach(note => output.WriteLine($"note: {note}"));
        if (verdict.Checks.Find(check => check.Differences.Count > 0) is { } first)
        {
            output.WriteLine($"the trace and the kernel part after {first.Parting}");
        }
    }

    private static void ShowTotals(MapsVerdict verdict, TextWriter output)
    {
        int processes = verdict.Checks.Select(check => check.Process).Distinct().Count();
        int areas = verdict.Checks.Sum(check => check.Compared);
        int differing = verdict.Checks.Sum(check => check.Differences.Count);
        output.WriteLine(
            $"processes: {processes:N0}; moments: {verdict.Checks.Count:N0}; areas compared: {areas:N0}; "
            + $"ranges that differ: {differing:N0}");
        ResidentCheck[] resident =
            [.. verdict.Checks.Where(check => !IsPoint(check)).Select(check => check.Resident).OfType<ResidentCheck>()];
        if (resident.Length == 0)
        {
            output.WriteLine("resident pages are not compared: the trace has no accesses");
            return;
        }

        long kernel = resident.Sum(check => (long)(check.KernelAnonymous + check.KernelOther));
        long replay = resident.Sum(check => (long)(check.ReplayAnonymous + check.ReplayOther));
        double apart = kernel == 0 ? 0 : 100.0 * Math.Abs(kernel - replay) / kernel;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"resident pages at all ends: {kernel:N0}, replayed {replay:N0}, {apart:F1} % apart"));
    }

    private static bool IsPoint(MapsCheck check) => check.Moment.StartsWith("before ", StringComparison.Ordinal);

    private static void Show(MapsCheck check, TextWriter output)
    {
        foreach (MapsDifference difference in check.Differences.Take(MaxShown))
        {
            output.WriteLine(
                $"  {difference.Start:x}-{difference.End:x}: the kernel has {difference.Kernel}, the trace {difference.Replay}");
        }

        if (check.Resident is { } resident)
        {
            string faults = resident.KernelFaults < 0
                ? ""
                : $"; minor faults {resident.KernelFaults:N0}, replayed {resident.ReplayFaults:N0}";
            output.WriteLine(
                $"  resident pages: anonymous {resident.KernelAnonymous:N0}, replayed {resident.ReplayAnonymous:N0}; "
                + $"others {resident.KernelOther:N0}, replayed {resident.ReplayOther:N0}{faults}");
        }
    }
}
