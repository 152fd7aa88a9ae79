using VmSim.Core.Addresses;

namespace VmSim.Core.Checking;

/// <summary>The rules that the checker watches.</summary>
public enum CheckRule
{
    /// <summary>After an operation that removed a translation returned, no access uses it.</summary>
    DeadTranslation,

    /// <summary>After an operation that tightened rights returned, no access uses the wider ones.</summary>
    WiderRights,

    /// <summary>An access uses only translations that the page table has or had.</summary>
    UnknownTranslation,

    /// <summary>Memory is not given back while a TLB can reach it through a translation that died.</summary>
    EarlyRelease,

    /// <summary>A table page is not given back while a paging-structure cache points to it.</summary>
    EarlyTableRelease,

    /// <summary>Every acknowledgement belongs to an invalidation that was sent, and comes once.</summary>
    StrayAcknowledgement,

    /// <summary>No area overlaps another, and every translation lies in an area that allows its rights.</summary>
    TableDisagrees,

    /// <summary>Frames are conserved: those allocated and not freed are those in use.</summary>
    FramesLost,

    /// <summary>A page holds what its program put there, and who touches it finds that. Looked at where values are compared.</summary>
    WrongValue,
}

/// <summary>A broken rule, with the events that show it.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Time">When it was broken.</param>
/// <param name="Space">The address space.</param>
/// <param name="Message">One sentence.</param>
/// <param name="Trace">The events that lead to it, in order of time.</param>
public sealed record Violation(CheckRule Rule, Cycles Time, SpaceId Space, string Message, IReadOnlyList<string> Trace)
{
    /// <summary>Violations as they are told: earliest first, whoever found them.</summary>
    internal static IEnumerable<Violation> InOrder(IEnumerable<IEnumerable<Violation>> found) => found.SelectMany(violations => violations)
        .OrderBy(violation => violation.Time).ThenBy(violation => violation.Rule)
        .ThenBy(violation => violation.Message, StringComparer.Ordinal);

    /// <summary>The violation as lines for a report.</summary>
    public IEnumerable<string> Lines() => [$"{Rule} at cycle {Time}: {Message}", .. Trace.Select(line => "    " + line)];
}
