using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Host.Terminal;
using static VmSim.Host.Reporting.PerfettoWriter;

namespace VmSim.Host.Reporting;

/// <summary>
/// Writes a run's timeline as a trace for Perfetto (ui.perfetto.dev), in virtual time: a track for each core and each thread, slices for
/// what they do, an arrow from each shootdown to every handler and back, and curves.
/// </summary>
internal sealed class TimelineTrace
{
    private const long CoresTrack = 1;
    private const long CountersTrack = 2;
    private const long FirstCounter = 16;
    private const long FirstCore = 1L << 20;
    private const long FirstSpace = 2L << 20;
    private const long FirstThread = 3L << 20;

    private readonly RunReport _report;
    private readonly TimelineSpans _spans;
    private readonly CauseNamesOf _names;
    private readonly PerfettoWriter _writer;

    /// <summary>The arrow to each handler, by core and place among its slices, and whether it leads back.</summary>
    private readonly Dictionary<(int Core, int At), (ulong Flow, bool LeadsBack)> _flows = [];

    private TimelineTrace(RunReport report, Stream stream)
    {
        _report = report;
        _spans = new TimelineSpans(report);
        _names = new CauseNamesOf(report);
        _writer = new PerfettoWriter(stream);
    }

    /// <summary>Writes the timeline of a report that has one.</summary>
    public static void Write(RunReport report, Stream stream)
    {
        TimelineTrace trace = new(report, stream);
        trace.DeclareTracks();
        trace.Counters();
        foreach (OperationRecord operation in trace._spans.Operations)
        {
            trace.Operation(operation);
        }

        for (int core = 0; core < trace._spans.Timeline.Cores.Count; core++)
        {
            trace.Core(core);
        }
    }

    private void DeclareTracks()
    {
        _writer.Track(CoresTrack, 0, "Cores", 0);
        foreach (CoreReport core in _report.Cores.Where(core => _spans.Timeline.Shows(core.Id)))
        {
            _writer.Track(FirstCore + core.Id.Value, CoresTrack, $"core {core.Id}, socket {core.Socket}", core.Id.Value);
        }

        foreach (AddressSpaceReport space in _report.AddressSpaces)
        {
            _writer.Track(FirstSpace + space.Id.Value, 0, $"Process {_names.Process(space.Id)}", 1 + space.Id.Value);
        }

        foreach (ThreadReport thread in _report.Threads)
        {
            _writer.Track(
                FirstThread + thread.Id.Value, FirstSpace + thread.AddressSpace.Value, _names.Thread(thread.Id), thread.Id.Value);
        }

        _writer.Track(CountersTrack, 0, "Counts", int.MaxValue);
    }

    private void Counters()
    {
        if (_report.Intervals is not { } intervals)
        {
            return;
        }

        for (int i = 0; i < intervals.Series.Count; i++)
        {
            (string name, IReadOnlyList<long> values) = intervals.Series[i];
            long track = FirstCounter + i;
            string time = Quantities.Time(intervals.Length.Value, _report.Ghz);
            _writer.Track(track, CountersTrack, $"{name} in {time}", i, isCounter: true);
            for (int interval = 0; interval < values.Count; interval++)
            {
                long at = interval * intervals.Length.Value;
                if (at < _spans.Timeline.End.Value && at + intervals.Length.Value > _spans.Timeline.From.Value)
                {
                    _writer.Event(EventType.Counter, track).Value(values[interval]).Complete(Nanoseconds(at));
                }
            }
        }
    }

    private void Operation(OperationRecord operation)
    {
        long track = FirstThread + operation.Thread.Value;
        Cycles end = _spans.EndOf(operation);
        _writer.Event(EventType.SliceBegin, track, _spans.NameOf(operation)).With("core", operation.Core.Value);
        if (operation.Address.Value != 0)
        {
            _writer.With("address", operation.Address.ToString());
        }

        if (operation.Bytes != 0)
        {
            _writer.With("bytes", (long)operation.Bytes);
        }

        if (_spans.CauseOf(operation) is { } cause)
        {
            _writer.With("object", PlainWriter.Line(cause.Row.Object)).With("site", PlainWriter.Line(cause.Row.Site?.Text ?? ""));
        }

        _writer.Complete(Nanoseconds(operation.EnteredAt));
        if (operation.StartedAt > operation.EnteredAt)
        {
            _writer.Event(EventType.SliceBegin, track, "waits for the lock").Complete(Nanoseconds(operation.EnteredAt));
            _writer.Event(EventType.SliceEnd, track).Complete(Nanoseconds(operation.StartedAt));
        }

        foreach (ShootdownRecord shootdown in _spans.ShootdownsOf(operation))
        {
            Shootdown(shootdown, track, end);
        }

        _writer.Event(EventType.SliceEnd, track).Complete(Nanoseconds(end));
    }

    /// <summary>A shootdown, as a slice from its first message to its last acknowledgement if its operation waited for that.</summary>
    private void Shootdown(ShootdownRecord shootdown, long track, Cycles last)
    {
        Cycles begin = Cycles.Min(shootdown.BegunAt, last);
        Cycles end = shootdown.Wait > 0 ? Cycles.Min(begin + shootdown.Wait, last) : begin;
        _writer.Event(EventType.SliceBegin, track, "shootdown").With("number", shootdown.Id).With("pages", shootdown.DeadPages)
            .With("targets", shootdown.Targets).With("interrupts", shootdown.Interrupts)
            .With("interrupts that dropped nothing", shootdown.SpuriousInterrupts);
        (int Core, int At)[] handlers = [.. _spans.Handlers[(shootdown.Space.Value, shootdown.Id)]];
        foreach ((int Core, int At) handler in handlers)
        {
            ulong flow = (ulong)_flows.Count + 1;
            bool leadsBack = end > begin && _spans.Timeline.Cores[handler.Core][handler.At].Begin <= end;
            _flows.Add(handler, (flow, leadsBack));
            _writer.Flow(flow);
        }

        _writer.Complete(Nanoseconds(begin));
        _writer.Event(EventType.SliceEnd, track).Complete(Nanoseconds(end));
        (int Core, int At)[] back = [.. handlers.Where(handler => _flows[handler].LeadsBack)];
        if (back.Length > 0)
        {
            _writer.Event(EventType.Instant, track, "all have invalidated");
            foreach ((int Core, int At) handler in back)
            {
                _writer.Flow(_flows[handler].Flow, ends: true);
            }

            _writer.Complete(Nanoseconds(end));
        }
    }

    /// <summary>A core's slices, which nest: each ends before the next one that does not lie within it begins.</summary>
    private void Core(int core)
    {
        IReadOnlyList<CoreSlice> slices = _spans.Timeline.Cores[core];
        Stack<Cycles> open = [];
        for (int at = 0; at < slices.Count; at++)
        {
            CoreSlice slice = slices[at];
            while (open.TryPeek(out Cycles end) && end <= slice.Begin)
            {
                _writer.Event(EventType.SliceEnd, FirstCore + core).Complete(Nanoseconds(open.Pop()));
            }

            _writer.Event(EventType.SliceBegin, FirstCore + core, _spans.NameOf(slice));
            if (slice.Kind == CoreSliceKind.Invalidation)
            {
                _writer.With("process", _names.Process(slice.Space)).With("shootdown", slice.Shootdown);
            }

            if (_flows.TryGetValue((core, at), out (ulong Flow, bool LeadsBack) arrow))
            {
                _writer.Flow(arrow.Flow, ends: !arrow.LeadsBack);
            }

            _writer.Complete(Nanoseconds(slice.Begin));
            open.Push(slice.End);
        }

        while (open.TryPop(out Cycles end))
        {
            _writer.Event(EventType.SliceEnd, FirstCore + core).Complete(Nanoseconds(end));
        }
    }

    private long Nanoseconds(Cycles cycles) => (long)(cycles.Value / _report.Ghz);
}
