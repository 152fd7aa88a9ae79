using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>Rules that several protocols share.</summary>
public static class SharedRules
{
    /// <summary>The tag of a space where tags belong to spaces; 0 when there are more spaces than tags, and every switch flushes.</summary>
    /// <param name="space">The space.</param>
    /// <param name="spaceCount">How many spaces the run has.</param>
    /// <param name="tagCount">Tags that can be given to spaces.</param>
    public static Asid TagOf(SpaceId space, int spaceCount, int tagCount) =>
        new(spaceCount > tagCount ? (ushort)0 : (ushort)(space.Value + 1));

    /// <summary>
    /// What each core drops for a shootdown: the range that died, or the whole space above the kernel's ceiling and for what reclaim has
    /// collected.
    /// </summary>
    public static InvalidationScope ScopeOf(KernelProfile kernel, ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(shootdown);
        bool isWholeSpace = shootdown.IsBatched || shootdown.Dead.Pages > (ulong)kernel.FlushCeilingPages;
        return new InvalidationScope(shootdown.Dead, isWholeSpace);
    }

    /// <summary>What a scope takes a core to drop.</summary>
    public static long CyclesOf(KernelProfile kernel, InvalidationScope scope)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        return scope.IsWholeSpace
            ? kernel.InvalidateAllCycles
            : kernel.InvalidateRangeCycles + ((long)scope.Entries * kernel.InvalidatePageCycles);
    }

    /// <summary>Finishes a shootdown for whose acknowledgements its operation waits, once none is missing.</summary>
    public static void FinishWhenAcknowledged(ISpaceShootdownContext context, ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        if (shootdown.PendingAcks == 0)
        {
            context.Finish(shootdown);
        }
    }

    /// <summary>Does what an invalidation says under one tag.</summary>
    public static InvalidationResult Invalidate(ICoreShootdownContext context, Asid tag, InvalidationScope scope)
    {
        ArgumentNullException.ThrowIfNull(context);
        int dropped = scope.IsWholeSpace ? context.Mmu.InvalidateAsid(tag) : context.Mmu.InvalidateRange(tag, scope.Range);
        return new InvalidationResult(CyclesOf(context.Kernel, scope), dropped, scope.IsWholeSpace);
    }
}
