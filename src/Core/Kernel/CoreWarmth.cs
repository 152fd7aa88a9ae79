using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Memory;

namespace VmSim.Core.Kernel;

/// <summary>
/// What the caches of a core remember of the kernel's work, as far as it changes costs: pages that the core freed lately, which are in its
/// data caches when it takes them again, and whether it has invalidated a range since its last fault or call. INVLPG also drops all
/// paging-structure caches (Intel SDM vol. 3, 4.10.4.1), and the kernel's next steps walk again.
/// </summary>
internal sealed class CoreWarmth
{
    /// <summary>Batches of free pages that a core keeps (zone_highsize, mm/page_alloc.c: at least four).</summary>
    private const int KeptBatches = 4;

    private readonly Dictionary<int, State> _states = [];

    private sealed class State
    {
        public long WarmPages { get; set; }

        public bool IsCallCold { get; set; }

        public bool IsFaultCold { get; set; }
    }

    /// <summary>What a fault costs more; notes the range that it will invalidate.</summary>
    public long OfFault(KernelOperation operation, in FaultResult fault, KernelProfile kernel)
    {
        if (!fault.Succeeded)
        {
            return 0;
        }

        State state = Of(operation.Core);
        long cycles = state.IsFaultCold ? kernel.FaultAfterRangeCycles : 0;
        state.IsFaultCold = false;
        if (fault.Kind.TakesNewPage())
        {
            cycles += state.WarmPages == 0 ? kernel.ColdPageCycles : 0;
            state.WarmPages = Math.Max(0, state.WarmPages - 1);
        }

        Note(state, operation, kernel);
        return cycles;
    }

    /// <summary>What a call costs more; notes the range that it will invalidate.</summary>
    public long OfCall(KernelOperation operation, KernelProfile kernel)
    {
        State state = Of(operation.Core);
        bool wasCold = state.IsCallCold;
        state.IsCallCold &= !operation.Exclusive;
        bool ranged = Note(state, operation, kernel);
        return operation.Exclusive ? (wasCold ? kernel.CallAfterRangeCycles : 0) + (ranged ? kernel.RestAfterRangeCycles : 0) : 0;
    }

    /// <summary>A core frees pages and keeps as many as its list of free pages holds.</summary>
    public void Free(CoreId core, long pages, KernelProfile kernel)
    {
        if (pages > 0)
        {
            State state = Of(core);
            state.WarmPages = Math.Min(state.WarmPages + pages, KeptBatches * kernel.FreePageBatch);
        }
    }

    private static bool Note(State state, KernelOperation operation, KernelProfile kernel)
    {
        bool ranged = operation.Dead is { } dead && IsRanged(dead, kernel);
        if (operation.Forced is { } forced)
        {
            foreach (DeadTranslations each in forced)
            {
                ranged |= IsRanged(each, kernel);
            }
        }

        state.IsCallCold |= ranged;
        state.IsFaultCold |= ranged;
        return ranged;
    }

    private static bool IsRanged(in DeadTranslations dead, KernelProfile kernel) => dead.Range.Pages <= (ulong)kernel.FlushCeilingPages;

    private State Of(CoreId core)
    {
        if (!_states.TryGetValue(core.Value, out State? state))
        {
            _states.Add(core.Value, state = new State());
        }

        return state;
    }
}
