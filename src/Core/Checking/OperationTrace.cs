using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Paging;
using VmSim.Core.Workloads;

namespace VmSim.Core.Checking;

/// <summary>What an operation is, put into words only when a violation is described.</summary>
internal readonly record struct OperationText
{
    private readonly SystemCallKind? _call;
    private readonly FaultKind? _fault;
    private readonly AccessKind _access;
    private readonly VirtAddr _address;

    private OperationText(SystemCallKind? call, FaultKind? fault, AccessKind access, VirtAddr address)
    {
        _call = call;
        _fault = fault;
        _access = access;
        _address = address;
    }

    /// <summary>A fork.</summary>
    public static OperationText Fork => default;

    /// <summary>A system call at an address.</summary>
    public static OperationText Call(SystemCallKind call, VirtAddr address) => new(call, null, default, address);

    /// <summary>A fault of an access at an address, and how it was resolved.</summary>
    public static OperationText Fault(AccessKind access, VirtAddr address, FaultKind fault) => new(null, fault, access, address);

    /// <inheritdoc/>
    public override string ToString()
    {
        if (_fault is { } fault)
        {
            return $"{_access.ToString().ToLowerInvariant()} fault at {_address} ({fault})";
        }

        return _call is { } call ? $"{call.ToString().ToLowerInvariant()} call at {_address}" : "fork";
    }
}

/// <summary>What happened to one operation that removed translations or tightened their rights: the material of a violation's trace.</summary>
/// <param name="what">The call, or the fault.</param>
/// <param name="core">The core that asked.</param>
/// <param name="start">When it started, in cycles.</param>
internal sealed class OperationTrace(OperationText what, CoreId core, long start)
{
    private readonly List<(long Time, EventKind Kind, CoreId Core)> _events = [];

    /// <summary>Cores whose acknowledgement is due, one bit each.</summary>
    private ulong[] _unacknowledged = [];

    private enum EventKind : byte
    {
        Starts,
        InvalidationArrives,
        AcknowledgementArrives,
        Returns,
    }

    /// <summary>When it started, in cycles.</summary>
    public long StartedAt => start;

    /// <summary>When it returned to its thread, in cycles; <see cref="long.MaxValue"/> while it has not.</summary>
    public long ReturnedAt { get; private set; } = long.MaxValue;

    /// <summary>Until when its dead translations may be used, in cycles; <see cref="long.MaxValue"/> while it has not returned.</summary>
    public long AllowedUntil { get; private set; } = long.MaxValue;

    /// <summary>Whether it returned before every core had invalidated, and what it freed has not come back yet.</summary>
    public bool AwaitsRelease { get; set; }

    /// <summary>What it was.</summary>
    public OperationText What => what;

    /// <summary>Translations that died, by page.</summary>
    public List<DeadPage> Dead { get; } = [];

    public void Sent(CoreId target, long due)
    {
        int word = target.Value >> 6;
        if (word >= _unacknowledged.Length)
        {
            Array.Resize(ref _unacknowledged, word + 1);
        }

        _unacknowledged[word] |= 1UL << (target.Value & 63);
        _events.Add((due, EventKind.InvalidationArrives, target));
    }

    /// <summary>An acknowledgement came.</summary>
    /// <returns>False if none was due from that core.</returns>
    public bool Acknowledged(CoreId from, long time)
    {
        _events.Add((time, EventKind.AcknowledgementArrives, from));
        int word = from.Value >> 6;
        ulong bit = 1UL << (from.Value & 63);
        bool due = word < _unacknowledged.Length && (_unacknowledged[word] & bit) != 0;
        if (due)
        {
            _unacknowledged[word] &= ~bit;
        }

        return due;
    }

    public void Returned(long time, long allowedStaleness)
    {
        ReturnedAt = time;
        AllowedUntil = time + allowedStaleness;
        _events.Add((time, EventKind.Returns, core));
    }

    /// <summary>The events by time, with a last one.</summary>
    public IReadOnlyList<string> Describe(long time, string last) =>
        [.. _events.Prepend((start, EventKind.Starts, core)).Select(item => (item.Item1, TextOf(item.Item2, item.Item3))).Append((time, last)).OrderBy(item => item.Item1)
            .Select(item => string.Create(CultureInfo.InvariantCulture, $"cycle {item.Item1,12}  {item.Item2}"))];

    private string TextOf(EventKind kind, CoreId where) => kind switch
    {
        EventKind.Starts => $"core {where}: {what} starts",
        EventKind.InvalidationArrives => $"core {where}: its invalidation arrives",
        EventKind.AcknowledgementArrives => $"core {where}: its acknowledgement arrives",
        _ => $"core {where}: {what} has returned",
    };
}

/// <summary>A translation that died or lost rights.</summary>
/// <param name="page">The page.</param>
/// <param name="was">Frame and rights that it gave.</param>
/// <param name="operation">The operation that killed it.</param>
/// <param name="made">When the operation started that had made it, in cycles; 0 if no translation of the page to the frame had died before.</param>
internal sealed class DeadPage(ulong page, PageCopy was, OperationTrace operation, long made)
{
    public ulong Page => page;

    public ulong Frame => was.Frame;

    public PageFlags Rights => was.Rights;

    public OperationTrace Operation => operation;

    public long MadeAt => made;

    /// <summary>When the operation started that mapped the page to the frame again, in cycles; <see cref="long.MaxValue"/> if none has.</summary>
    public long MadeAgainAt { get; set; } = long.MaxValue;

    /// <summary>An earlier death of a translation of the same page to the same frame.</summary>
    public DeadPage? Earlier { get; set; }
}
