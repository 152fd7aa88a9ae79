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
            output.WriteLine($"process {check.Process}{program} {check.Moment}: {check.Areas} areas, {found}");
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

        verdict.Notes.ForEach(note => output.WriteLine($"note: {note}"));
        if (verdict.Checks.Find(check => check.Differences.Count > 0) is { } first)
        {
            output.WriteLine($"the trace and the kernel part after {first.Parting}");
        }
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
