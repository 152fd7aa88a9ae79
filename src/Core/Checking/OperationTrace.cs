using System.Globalization;
using VmSim.Core.Addresses;

namespace VmSim.Core.Checking;

/// <summary>What happened to one operation that removed translations or tightened their rights: the material of a violation's trace.</summary>
/// <param name="what">The call, or the fault.</param>
/// <param name="core">The core that asked.</param>
/// <param name="start">When it started, in cycles.</param>
internal sealed class OperationTrace(string what, CoreId core, long start)
{
    private readonly List<(long Time, string Event)> _events = [(start, $"core {core}: {what} starts")];
    private readonly HashSet<int> _unacknowledged = [];

    /// <summary>When it returned to its thread, in cycles; <see cref="long.MaxValue"/> while it has not.</summary>
    public long ReturnedAt { get; private set; } = long.MaxValue;

    /// <summary>Until when its dead translations may be used, in cycles; <see cref="long.MaxValue"/> while it has not returned.</summary>
    public long AllowedUntil { get; private set; } = long.MaxValue;

    /// <summary>Whether it returned before every core had invalidated, and what it freed has not come back yet.</summary>
    public bool AwaitsRelease { get; set; }

    /// <summary>What it was.</summary>
    public string What => what;

    /// <summary>Translations that died, by page.</summary>
    public List<DeadPage> Dead { get; } = [];

    public void Sent(CoreId target, long due)
    {
        _unacknowledged.Add(target.Value);
        _events.Add((due, $"core {target}: its invalidation arrives"));
    }

    /// <summary>An acknowledgement came.</summary>
    /// <returns>False if none was due from that core.</returns>
    public bool Acknowledged(CoreId from, long time)
    {
        _events.Add((time, $"core {from}: its acknowledgement arrives"));
        return _unacknowledged.Remove(from.Value);
    }

    public void Returned(long time, long allowedStaleness)
    {
        ReturnedAt = time;
        AllowedUntil = time + allowedStaleness;
        _events.Add((time, $"core {core}: {what} has returned"));
    }

    /// <summary>The events by time, with a last one.</summary>
    public IReadOnlyList<string> Describe(long time, string last) =>
        [.. _events.Append((time, last)).OrderBy(item => item.Item1).Select(item => string.Create(CultureInfo.InvariantCulture, $"cycle {item.Item1,12}  {item.Item2}"))];
}

/// <summary>A translation that died or lost rights.</summary>
/// <param name="Page">The page.</param>
/// <param name="Frame">The 4 KiB frame it led to.</param>
/// <param name="Rights">The rights it gave.</param>
/// <param name="Operation">The operation that killed it.</param>
internal readonly record struct DeadPage(ulong Page, ulong Frame, Paging.PageFlags Rights, OperationTrace Operation);
