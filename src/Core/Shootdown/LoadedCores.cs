using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// The cores that an address space knows to have it loaded, and which of them idle with it (Linux: mm_cpumask and
/// cpu_tlbstate_shared.is_lazy, arch/x86/mm/tlb.c): whom a shootdown concerns. The list that protocols choose their targets from.
/// </summary>
/// <param name="cores">Cores of the machine.</param>
public sealed class LoadedCores(int cores)
{
    private readonly CoreMask _loaded = new(cores);
    private readonly CoreMask _lazy = new(cores);

    /// <summary>A core loads the space, to run a thread of it.</summary>
    public void Load(CoreId core)
    {
        _loaded.Add(core.Value);
        _lazy.Remove(core.Value);
    }

    /// <summary>The space has left a core.</summary>
    public void Leave(CoreId core)
    {
        _loaded.Remove(core.Value);
        _lazy.Remove(core.Value);
    }

    /// <summary>A core idles with the space loaded.</summary>
    /// <returns>False if the space has left the core meanwhile.</returns>
    public bool Idle(CoreId core)
    {
        bool loaded = _loaded.Contains(core.Value);
        if (loaded)
        {
            _lazy.Add(core.Value);
        }

        return loaded;
    }

    /// <summary>The cores that have the space loaded but for one, by rising number.</summary>
    /// <param name="initiator">The one that is left out.</param>
    /// <param name="lazyToo">Whether cores that idle with the space are among them.</param>
    public IEnumerable<CoreId> Others(CoreId initiator, bool lazyToo)
    {
        for (int core = _loaded.Next(0); core >= 0; core = _loaded.Next(core + 1))
        {
            if (core != initiator.Value && (lazyToo || !_lazy.Contains(core)))
            {
                yield return new CoreId(core);
            }
        }
    }

    /// <summary>
    /// What each core drops for a shootdown: the range that died, or the whole space above the kernel's ceiling, and for what reclaim has
    /// collected, which it does while any other core has the space loaded (Linux: should_defer_flush, mm/rmap.c; arch_tlbbatch_flush
    /// flushes all).
    /// </summary>
    public InvalidationScope ScopeOf(KernelProfile kernel, ShootdownRequest shootdown)
    {
        InvalidationScope scope = SharedRules.ScopeOf(kernel, shootdown);
        return shootdown.IsReclaim && Others(shootdown.Initiator, lazyToo: true).Any() ? scope with { IsWholeSpace = true } : scope;
    }

    /// <summary>
    /// Interrupts the cores that have the space loaded, idle ones only if table pages are freed (Linux: flush_tlb_multi,
    /// arch/x86/mm/tlb.c); the shootdown finishes at once if there are none.
    /// </summary>
    /// <param name="context">The space.</param>
    /// <param name="shootdown">What died.</param>
    /// <param name="scope">What each is to drop.</param>
    public void Interrupt(ISpaceShootdownContext context, ShootdownRequest shootdown, InvalidationScope scope)
    {
        foreach (CoreId core in Others(shootdown.Initiator, lazyToo: shootdown.TablesFreed))
        {
            context.InvalidateByInterrupt(shootdown, core, scope);
        }

        SharedRules.FinishWhenAcknowledged(context, shootdown);
    }
}
