using VmSim.Core.Engine;
using VmSim.Core.Scenarios;
using VmSim.Host.Hosting;

namespace VmSim.Host.Service;

/// <summary>A run that somebody is about to submit, and what it will need as far as its scenario tells.</summary>
/// <param name="Text">The scenario, every setting written out.</param>
/// <param name="Memory">Memory that it needs on one node.</param>
/// <param name="SharedBytes">How many bytes of that are divided among nodes that have it together.</param>
/// <param name="UntilSeconds">Virtual time at which it ends if its programs do not end before; 0 for none.</param>
internal sealed record RunDraft(string Text, RunMemory Memory, long SharedBytes, double UntilSeconds)
{
    /// <summary>Of a scenario. What it expects of its report is not submitted.</summary>
    public static RunDraft Of(ScenarioSpec spec) => new(
        RunDigest.Effective(spec with { Expect = [] }),
        RunMemory.Of(spec, check: false),
        WorldMemory.Of(spec, check: false).Pages,
        Math.Min(spec.Until / spec.Machine.Ghz / 1e9, JobBounds.SecondsMost));

    /// <summary>What a process takes that makes the run.</summary>
    /// <param name="bytes">Bytes in all.</param>
    /// <param name="untilSeconds">Virtual time at which it ends; 0 for none.</param>
    public static JobBounds Needs(long bytes, double untilSeconds) => new(bytes, VirtualSeconds: untilSeconds > 0 ? untilSeconds : null);
}
