using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Checking;

/// <summary>Collects the few events that show a violation, and puts them in order of time.</summary>
internal sealed class TraceLines
{
    private readonly List<(long Time, string Text)> _lines = [];

    /// <summary>The lines, by time; events of one time stay in the order in which they were added.</summary>
    public IReadOnlyList<string> Lines =>
        [.. _lines.OrderBy(line => line.Time)
            .Select(line => string.Create(CultureInfo.InvariantCulture, $"cycle {line.Time,12}  {line.Text}"))];

    /// <summary>Adds the line of an event.</summary>
    public TraceLines Add(long time, string text)
    {
        _lines.Add((time, text));
        return this;
    }

    /// <summary>When a core put a translation into its TLB; nothing if nobody knows.</summary>
    public TraceLines AddFill(CoreId core, ulong page, ulong frame, long filledAt) => filledAt < 0
        ? this
        : Add(filledAt, $"core {core}'s TLB takes in page {VirtAddr.OfPage(page)} -> frame 0x{frame:x}");

    /// <summary>The operation and what it killed.</summary>
    public TraceLines AddDeath(DeadPage dead) => AddStart(
        dead.Operation,
        dead.Remaining == PageFlags.None
            ? $"page {VirtAddr.OfPage(dead.Page)} loses frame 0x{dead.Frame:x}"
            : $"page {VirtAddr.OfPage(dead.Page)} loses the right to {Words(dead.Rights & ~dead.Remaining)}");

    /// <summary>An operation that found nothing to do where another had been before it.</summary>
    public TraceLines AddStart(OperationTrace operation) =>
        Add(operation.Start, $"core {operation.Core}, thread {operation.Thread}: {operation.What} starts");

    /// <summary>The operation, what it did, and when walks see that.</summary>
    public TraceLines AddStart(OperationTrace operation, string effect) => Add(
        operation.Start,
        $"core {operation.Core}, thread {operation.Thread}: {operation.What} starts; {effect}, which every walk sees from cycle "
            + $"{operation.VisibleAt}");

    /// <summary>What one core was told of an operation, and when it answered.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="core">The core.</param>
    /// <param name="now">The end of the story, in cycles: nothing later is told.</param>
    public TraceLines AddTold(OperationTrace operation, CoreId core, long now)
    {
        SentInvalidation? told = operation.Invalidations.Find(sent => sent.Core == core);
        if (told is null)
        {
            string lacks = core == operation.Core ? "is not told to invalidate its own TLB" : "is sent no interrupt";
            return Add(Math.Min(now, Math.Min(operation.VisibleAt, operation.ReturnedAt)), $"core {core} {lacks}");
        }

        AddSent(told, "", now);
        return told.AcknowledgedAt < 0 || told.AcknowledgedAt > now
            ? this
            : Add(told.AcknowledgedAt, $"core {core}'s acknowledgement is there");
    }

    /// <summary>What a core was sent.</summary>
    /// <param name="told">What.</param>
    /// <param name="what">For which shootdown, with a blank before it; empty where the story has one alone.</param>
    /// <param name="now">The end of the story, in cycles.</param>
    public TraceLines AddSent(SentInvalidation told, string what, long now)
    {
        string arrives = told.Due > now ? "will arrive" : "arrives";
        return Add(told.Sent, told.Way switch
        {
            InvalidationWay.Local => $"core {told.Core} is told to invalidate its own TLB at cycle {told.Due}",
            InvalidationWay.Message => $"core {told.Core} is told to invalidate{what} by a message, which {arrives} at cycle {told.Due}",
            _ => $"core {told.Core} is sent an interrupt{what}, which {arrives} at cycle {told.Due}",
        });
    }

    /// <summary>The operation's return, if it has returned.</summary>
    public TraceLines AddReturn(OperationTrace operation, long now) => operation.ReturnedAt > now
        ? this
        : Add(operation.ReturnedAt, $"core {operation.Core}, thread {operation.Thread}: {operation.What} returns");

    /// <summary>Rights as a person reads them: "read and write".</summary>
    public static string Words(PageFlags rights) => rights switch
    {
        PageFlags.Read => "read",
        PageFlags.Write => "write",
        PageFlags.Execute => "execute",
        _ =>
            string.Join(
                " and ", new[] { PageFlags.Read, PageFlags.Write, PageFlags.Execute }.Where(right => (rights & right) != 0).Select(Words)),
    };
}
