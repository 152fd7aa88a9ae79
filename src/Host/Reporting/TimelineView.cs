using System.Text;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Host.Drawing;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Draws a run's timeline: a lane for each core that did something, and arrows from each shootdown to its handlers. The colours are those
/// of Okabe and Ito, as of every chart.
/// </summary>
internal static class TimelineView
{
    /// <summary>Bars and arrows at most: more are a black surface and a file that browsers are slow with.</summary>
    public const int PartsMax = 4_000;

    /// <summary>Letters of a thread's name for which there is room beside a lane.</summary>
    private const int NameWidth = 11;

    /// <summary>A pale blue, since most of a lane has it.</summary>
    private static readonly BarKind User = new("user mode", "#b9ddf1", 0, HasText: false);
    private static readonly BarKind Switch = new("switch", "#999999", 0);
    private static readonly BarKind Fault = new("fault", "#e69f00", 3);
    private static readonly BarKind Call = new("call", "#009e73", 3);
    private static readonly BarKind Waits = new("waits for a thread", "#f0e442", 3);
    private static readonly BarKind Lock = new("waits for the lock", "#cc79a7", 7, HasText: false);
    private static readonly BarKind Shootdown = new("waits for invalidations", "#0072b2", 7, HasText: false);
    private static readonly BarKind Handler = new("handles a shootdown", "#d55e00", 5);

    /// <summary>Draws the timeline of a report that has one.</summary>
    /// <exception cref="IOException">There is too much for a picture.</exception>
    public static void Write(RunReport report, Stream stream)
    {
        TimelineSpans spans = new(report);
        int[] cores = [.. Enumerable.Range(0, spans.Timeline.Cores.Count).Where(core => spans.Timeline.Cores[core].Count > 0)];
        Dictionary<int, int> laneOf = cores.Select((core, lane) => (core, lane)).ToDictionary(pair => pair.core, pair => pair.lane);
        List<TimelineBar> bars = [];
        List<TimelineArrow> arrows = [];
        foreach (int core in cores)
        {
            bars.AddRange(spans.Timeline.Cores[core].Select(slice => BarOf(slice, laneOf[core], spans.NameOf(slice))));
        }

        foreach (OperationRecord operation in spans.Operations.Where(operation => laneOf.ContainsKey(operation.Core.Value)))
        {
            AddOperation(spans, operation, laneOf, bars, arrows);
        }

        if (bars.Count + arrows.Count > PartsMax)
        {
            throw new IOException(
                $"--timeline: {Quantities.Exact(bars.Count + arrows.Count)} bars and arrows found; a picture has {PartsMax:N0} at most; "
                    + "choose a shorter time by --timeline-from and --timeline-for, or a name that ends in .pftrace");
        }

        double from = Microseconds(report, spans.Timeline.From.Value);
        double end = Microseconds(report, Math.Min(spans.End, spans.Timeline.End.Value));
        TimelinePicture picture = new(
            $"{PlainWriter.Line(report.Scenario)} under {PlainWriter.Line(report.Protocol)}",
            "virtual time in us",
            from,
            Math.Max(end, from + 0.001),
            [.. cores.Select(core => NameOf(core, spans))],
            [.. bars.Where(bar => bar.End >= spans.Timeline.From.Value && bar.Begin < spans.Timeline.End.Value)
                .Select(bar => bar with { Begin = Microseconds(report, bar.Begin), End = Microseconds(report, bar.End) })
                .OrderBy(bar => bar.Kind == Handler).ThenBy(bar => bar.Kind.Inset)],
            [.. arrows.Select(arrow => arrow with
            {
                Leaves = Microseconds(report, arrow.Leaves),
                Arrives = Microseconds(report, arrow.Arrives),
            }).Where(arrow => arrow.Leaves >= from && arrow.Arrives <= end)]);
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        picture.Write(writer);
    }

    /// <summary>The name of a lane: the core's, and that of its thread if it has but one.</summary>
    private static string NameOf(int core, TimelineSpans spans)
    {
        string[] threads =
        [
            .. spans.Timeline.Cores[core].Where(slice => slice.Kind == CoreSliceKind.Thread)
                .Select(slice => spans.NameOf(slice)).Distinct(),
        ];
        return threads is [{ Length: <= NameWidth } thread] ? $"core {core}: {thread}" : $"core {core}";
    }

    private static TimelineBar BarOf(in CoreSlice slice, int lane, string name) => new(
        lane,
        slice.Begin.Value,
        slice.End.Value,
        slice.Kind switch
        {
            CoreSliceKind.Thread => User,
            CoreSliceKind.Switch => Switch,
            CoreSliceKind.Fault => Fault,
            CoreSliceKind.Synchronization or CoreSliceKind.Order => Waits,
            CoreSliceKind.Invalidation or CoreSliceKind.Tick => Handler,
            _ => Call,
        },
        name);

    /// <summary>Draws what an operation waited for on its core, and the arrows of its shootdowns; the core itself has its trap.</summary>
    private static void AddOperation(
        TimelineSpans spans, OperationRecord operation, Dictionary<int, int> laneOf, List<TimelineBar> bars, List<TimelineArrow> arrows)
    {
        int lane = laneOf[operation.Core.Value];
        if (operation.StartedAt > operation.EnteredAt)
        {
            bars.Add(new TimelineBar(lane, operation.EnteredAt.Value, operation.StartedAt.Value, Lock, Lock.Name));
        }

        foreach (ShootdownRecord shootdown in spans.ShootdownsOf(operation))
        {
            if (shootdown.Wait > 0)
            {
                bars.Add(new TimelineBar(
                    lane, shootdown.BegunAt.Value, (shootdown.BegunAt + shootdown.Wait).Value, Shootdown, spans.NameOf(operation)));
            }

            foreach ((int core, int at) in spans.Handlers[(shootdown.Space.Value, shootdown.Id)])
            {
                arrows.Add(new TimelineArrow(lane, laneOf[core], shootdown.BegunAt.Value, spans.Timeline.Cores[core][at].Begin.Value));
            }
        }
    }

    private static double Microseconds(RunReport report, double cycles) => cycles / report.Ghz / 1e3;
}
