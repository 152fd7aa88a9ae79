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

    /// <summary>What a scope takes a core to drop, by INVPCID where spaces have pairs of tags and the kernel has it.</summary>
    public static long CyclesOf(KernelProfile kernel, InvalidationScope scope)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        return scope.IsWholeSpace
            ? kernel.InvalidateAllCycles
            : kernel.InvalidateRangeCycles + ((long)scope.Entries * PageCyclesOf(kernel));
    }

    /// <summary>What a page takes a core to drop, by INVPCID where spaces have pairs of tags and the kernel has it.</summary>
    public static long PageCyclesOf(KernelProfile kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        return kernel.InvalidatePageCycles + (kernel is { PageTableIsolation: true, Invpcid: true } ? UserPageCyclesOf(kernel) : 0);
    }

    /// <summary>What a page takes a core to drop under the user's tag by INVPCID.</summary>
    internal static long UserPageCyclesOf(KernelProfile kernel) => kernel.InvalidatePageCycles + kernel.InvpcidExtraCycles;

    /// <summary>Finishes a shootdown for whose acknowledgements its operation waits, once none is missing.</summary>
    public static void FinishWhenAcknowledged(ISpaceShootdownContext context, ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        if (shootdown.PendingAcks == 0)
        {
            context.Finish(shootdown);
        }
    }

    /// <summary>Does what an invalidation says under one tag, and under the user's where spaces have pairs.</summary>
    /// <param name="context">The core.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="scope">What goes.</param>
    /// <param name="way">How pages go from the user's half of a pair.</param>
    public static InvalidationResult Invalidate(
        ICoreShootdownContext context, Asid tag, InvalidationScope scope, UserFlush way = UserFlush.ByTag)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Pairs is { } pairs)
        {
            return pairs.Invalidate(tag, scope, way);
        }

        int dropped = scope.IsWholeSpace ? context.Mmu.InvalidateAsid(tag) : context.Mmu.InvalidateRange(tag, scope.Range);
        return new InvalidationResult(CyclesOf(context.Kernel, scope), dropped, scope.IsWholeSpace);
    }

    /// <summary>
    /// A space is loaded, and what a core has under its tag may be stale: it goes, under the user's at the return where spaces have pairs.
    /// </summary>
    /// <returns>TLB entries dropped.</returns>
    public static int Flush(ICoreShootdownContext context, Asid tag)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Pairs is { } pairs ? pairs.Flush(tag) : context.Mmu.InvalidateAsid(tag);
    }
}
