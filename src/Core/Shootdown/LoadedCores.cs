using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// The cores that an address space knows to have it loaded, and which of them idle with it (Linux: mm_cpumask and
/// cpu_tlbstate_shared.is_lazy, arch/x86/mm/tlb.c): whom a shootdown concerns. The list that protocols choose their targets from.
/// </summary>
/// <param name="cores">Cores of the machine.</param>
/// <param name="keepsLeft">
/// Whether a core stays in the list when another space takes the place of this one, until an interrupt finds it there (Linux since 6.14,
/// commit 209954cbc7d0).
/// </param>
public sealed class LoadedCores(int cores, bool keepsLeft = false)
{
    private readonly CoreMask _loaded = new(cores);
    private readonly CoreMask _lazy = new(cores);

    /// <summary>Cores of the list that have another space loaded, or none.</summary>
    private readonly CoreMask _left = new(cores);

    /// <summary>Whether a core is in the list.</summary>
    public bool Contains(CoreId core) => _loaded.Contains(core.Value);

    /// <summary>Whether a core has the space loaded and does not idle with it.</summary>
    public bool IsActive(CoreId core) => _loaded.Contains(core.Value) && !_lazy.Contains(core.Value) && !_left.Contains(core.Value);

    /// <summary>Cores that have the space loaded and do not idle with it.</summary>
    public int Active => _loaded.Count - _lazy.Count - _left.Count;

    /// <summary>A core loads the space, to run a thread of it.</summary>
    public void Load(CoreId core)
    {
        _loaded.Add(core.Value);
        _lazy.Remove(core.Value);
        _left.Remove(core.Value);
    }

    /// <summary>The space has left a core.</summary>
    public void Leave(CoreId core)
    {
        _lazy.Remove(core.Value);
        if (!keepsLeft)
        {
            _loaded.Remove(core.Value);
        }
        else if (_loaded.Contains(core.Value))
        {
            _left.Add(core.Value);
        }
    }

    /// <summary>A core that was interrupted for the space has another one loaded: it leaves the list, unless it has come back.</summary>
    public void Trim(CoreId core)
    {
        if (_left.Contains(core.Value))
        {
            _left.Remove(core.Value);
            _loaded.Remove(core.Value);
        }
    }

    /// <summary>A core idles with the space loaded.</summary>
    /// <returns>False if the space has left the core meanwhile.</returns>
    public bool Idle(CoreId core)
    {
        bool loaded = _loaded.Contains(core.Value) && !_left.Contains(core.Value);
        if (loaded)
        {
            _lazy.Add(core.Value);
        }

        return loaded;
    }

    /// <summary>Whether any core but one is in the list.</summary>
    public bool HasOthers(CoreId initiator)
    {
        int first = _loaded.Next(0);
        return first >= 0 && (first != initiator.Value || _loaded.Next(first + 1) >= 0);
    }

    /// <summary>The cores of the list but for one, by rising number.</summary>
    /// <param name="initiator">The one that is left out.</param>
    /// <param name="lazyToo">Whether cores that idle with the space are among them.</param>
    /// <param name="leftToo">Whether cores that the space has left are among them.</param>
    public IEnumerable<CoreId> Others(CoreId initiator, bool lazyToo, bool leftToo = false)
    {
        for (int core = _loaded.Next(0); core >= 0; core = _loaded.Next(core + 1))
        {
            if (core != initiator.Value && (lazyToo || !_lazy.Contains(core)) && (leftToo || !_left.Contains(core)))
            {
                yield return new CoreId(core);
            }
        }
    }

    /// <summary>
    /// What each core drops for a shootdown that begins. Says whether reclaim has collected it, which it does while any other core is in
    /// the list (Linux: should_defer_flush, mm/rmap.c; arch_tlbbatch_flush flushes all).
    /// </summary>
    public InvalidationScope ScopeOf(KernelProfile kernel, ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        shootdown.IsBatched = shootdown.IsReclaim && HasOthers(shootdown.Initiator);
        return SharedRules.ScopeOf(kernel, shootdown);
    }

    /// <summary>
    /// Interrupts the cores that have the space loaded, idle ones only if table pages are freed and no hypervisor does it for them (Linux:
    /// flush_tlb_multi, arch/x86/mm/tlb.c); the shootdown finishes at once if there are none.
    /// </summary>
    /// <param name="context">The space.</param>
    /// <param name="shootdown">What died.</param>
    /// <param name="scope">What each is to drop.</param>
    /// <param name="leftToo">Whether cores that the space has left are interrupted too.</param>
    public void Interrupt(ISpaceShootdownContext context, ShootdownRequest shootdown, InvalidationScope scope, bool leftToo = false)
    {
        Tell(context, shootdown, scope, leftToo);
        SharedRules.FinishWhenAcknowledged(context, shootdown);
    }

    /// <summary>Interrupts the same cores, and leaves it to the caller to finish the shootdown.</summary>
    /// <param name="context">The space.</param>
    /// <param name="shootdown">What died.</param>
    /// <param name="scope">What each is to drop.</param>
    /// <param name="leftToo">Whether cores that the space has left are interrupted too.</param>
    public void Tell(ISpaceShootdownContext context, ShootdownRequest shootdown, InvalidationScope scope, bool leftToo = false)
    {
        bool lazyToo = shootdown.TablesFreed && !context.Kernel.ParavirtualFlush;
        foreach (CoreId core in Others(shootdown.Initiator, lazyToo, leftToo))
        {
            context.InvalidateByInterrupt(shootdown, core, scope);
        }
    }
}
