using VmSim.Core.Engine;

namespace VmSim.Host.Reporting;

/// <summary>What the slices of a timeline are called.</summary>
internal static class TimelineNames
{
    /// <summary>What a core does.</summary>
    public static string Of(CoreSliceKind kind) => kind switch
    {
        CoreSliceKind.Thread => "user mode",
        CoreSliceKind.Switch => "switch",
        CoreSliceKind.Fault => "fault",
        CoreSliceKind.Call => "call",
        CoreSliceKind.Synchronization => "waits for a thread",
        CoreSliceKind.Order => "waits for the trace's order",
        CoreSliceKind.Exit => "exit",
        CoreSliceKind.Invalidation => "handles a shootdown",
        CoreSliceKind.Tick => "tick",
        _ => kind.ToString(),
    };
}
