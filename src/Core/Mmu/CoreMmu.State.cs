using VmSim.Core.State;

namespace VmSim.Core.Mmu;

/// <content>What a checkpoint finds in native memory.</content>
public sealed unsafe partial class CoreMmu
{
    /// <summary>The parts that lie in native memory, in one order.</summary>
    internal IEnumerable<INativeState> NativeStates =>
        [.. _arrays.Append(_lines).Append(_nested).OfType<INativeState>(), .. Structures().OfType<INativeState>()];
}
