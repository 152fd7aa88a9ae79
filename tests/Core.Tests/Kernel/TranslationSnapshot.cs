using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Kernel;

/// <summary>The present translations of a space at one time, page by page, to judge what an operation says about dead ones.</summary>
internal sealed class TranslationSnapshot
{
    private readonly Dictionary<ulong, (PhysAddr Frame, PageFlags Flags)> _pages = [];

    public TranslationSnapshot(PageTable table)
    {
        foreach ((VirtAddr address, EntryInfo leaf) in ModelWorld.LeavesOf(table).Where(leaf => leaf.Leaf.Present))
        {
            for (ulong page = 0; page < leaf.Size.BasePages(); page++)
            {
                _pages.Add(address.PageNumber + page, (leaf.Frame + (page << 12), leaf.Flags));
            }
        }
    }

    /// <summary>The frame that a page's translation led to, if it had one.</summary>
    public PhysAddr? FrameOf(ulong page) => _pages.TryGetValue(page, out (PhysAddr Frame, PageFlags Flags) found) ? found.Frame : null;

    /// <summary>Every page whose old translation would mislead a TLB must lie in the covering range; nothing is dead when nothing changed.</summary>
    public void CheckAgainst(TranslationSnapshot now, DeadTranslations? dead, bool tablesFreed)
    {
        bool changed = false;
        foreach ((ulong page, (PhysAddr Frame, PageFlags Flags) old) in _pages)
        {
            bool present = now._pages.TryGetValue(page, out (PhysAddr Frame, PageFlags Flags) after);
            changed |= !present || after != old;
            if (!present || after.Frame != old.Frame || (old.Flags & ~after.Flags) != 0)
            {
                if (dead is not { } range || !Contains(range, VirtAddr.OfPage(page)))
                {
                    Assert.Fail($"page {page:x} lost its translation outside {dead}");
                }
            }
        }

        Assert.True(changed || tablesFreed || dead is null || dead.Value.PageSize == PageSize.Size4K, "nothing changed, yet something died");
        Assert.True(dead is null || dead.Value.Pages > 0 || tablesFreed, "dead translations without any");
    }

    private static bool Contains(DeadTranslations dead, VirtAddr address) => dead.IsWholeSpace || (address >= dead.Start && address < dead.End);
}
