using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>Rules that several protocols share.</summary>
public static class SharedRules
{
    /// <summary>Tags that can be given to spaces for good: a 12-bit PCID less tag 0 (Intel SDM vol. 3, 4.10.1).</summary>
    public const int TagsOfSpaces = 4095;

    private const int SizeShift = 48;
    private const ulong PagesMask = (1UL << SizeShift) - 1;

    /// <summary>Of the third argument of an invalidation: the whole space is to be flushed.</summary>
    private const ulong WholeSpace = 1UL << 63;

    /// <summary>The tag of a space where tags belong to spaces; 0 when there are more spaces than tags, and every switch flushes.</summary>
    public static ushort TagOf(SpaceId space, int spaceCount) => spaceCount > TagsOfSpaces ? (ushort)0 : (ushort)(space.Value + 1);

    /// <summary>Entries that a ranged invalidation of the shootdown names; 0 when the whole space is to be flushed.</summary>
    public static ulong RangedPages(KernelProfile kernel, ShootdownRequest shootdown)
    {
        ulong entries = shootdown.SpanPages;
        return entries > (ulong)kernel.FlushCeilingPages ? 0 : entries;
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

    /// <summary>Packs entries and stride into one argument of an invalidation.</summary>
    /// <param name="pages">Entries to drop; 0 for the whole space.</param>
    /// <param name="size">The stride.</param>
    /// <param name="spanPages">Pages of the range that covers what died, told where the whole space is flushed.</param>
    public static long Pack(ulong pages, PageSize size, ulong spanPages) =>
        (long)((pages == 0 ? spanPages | WholeSpace : pages) | ((ulong)size << SizeShift));

    /// <summary>Entries of an invalidation; 0 for the whole space.</summary>
    public static ulong PagesOf(in SimMessage message) => message.C < 0 ? 0 : (ulong)message.C & PagesMask;

    /// <summary>Pages from the first address of an invalidation on that cover what died.</summary>
    public static ulong SpanOf(in SimMessage message) => (ulong)message.C & PagesMask;

    /// <summary>Stride of an invalidation.</summary>
    public static PageSize SizeOf(in SimMessage message) => (PageSize)(((ulong)message.C & ~WholeSpace) >> SizeShift);

    /// <summary>Does what an invalidation says under one tag.</summary>
    public static InvalidationResult Invalidate(ICoreShootdownContext context, Asid tag, in SimMessage message)
    {
        ulong pages = PagesOf(message);
        if (pages == 0)
        {
            return new InvalidationResult(context.Kernel.InvalidateAllCycles, context.Mmu.InvalidateAsid(tag), Full: true);
        }

        int dropped = context.Mmu.InvalidateRange(tag, (ulong)message.B, pages, SizeOf(message));
        return new InvalidationResult((long)pages * context.Kernel.InvalidatePageCycles, dropped, Full: false);
    }
}
