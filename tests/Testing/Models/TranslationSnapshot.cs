using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;

namespace VmSim.Testing.Models;

/// <summary>The present translations of a space at one time, page by page, to judge what an operation says about dead ones.</summary>
internal sealed class TranslationSnapshot
{
    private readonly List<Translation> _pages = [];

    public TranslationSnapshot(PageTable table, AddrRange<VirtAddr> window)
    {
        foreach (MappedLeaf leaf in table.Leaves(window.Start, window.Size))
        {
            for (ulong page = 0; leaf.Entry.Present && page < leaf.Entry.Size.BasePages(); page++)
            {
                _pages.Add(new Translation(leaf.Address.PageNumber + page, leaf.Entry.Frame.PageNumber + page, leaf.Entry.Flags));
            }
        }
    }

    /// <summary>The frame that a page's translation led to, if it had one.</summary>
    public PhysAddr? FrameOf(ulong page)
    {
        int index = _pages.FindIndex(each => each.Page == page);
        return index < 0 ? null : PhysAddr.OfPage(_pages[index].Frame);
    }

    /// <summary>
    /// Every page whose old translation would mislead a TLB must lie in the covering range; nothing is dead when nothing changed.
    /// </summary>
    public void CheckAgainst(TranslationSnapshot now, DeadTranslations? dead, bool tablesFreed)
    {
        bool changed = false;
        int next = 0;
        foreach (Translation old in _pages)
        {
            while (next < now._pages.Count && now._pages[next].Page < old.Page)
            {
                next++;
            }

            Translation after = next < now._pages.Count && now._pages[next].Page == old.Page ? now._pages[next] : default;
            changed |= after != old;
            if ((after.Frame != old.Frame || (old.Flags & ~after.Flags) != 0)
                && (dead is not { } died || !died.Range.Contains(VirtAddr.OfPage(old.Page))))
            {
                Assert.Fail($"page {old.Page:x} lost its translation outside {dead}");
            }
        }

        Assert.True(
            changed || tablesFreed || dead is null || dead.Value.Range.Stride == PageSize.Size4K, "nothing changed, yet something died");
        Assert.True(dead is null || dead.Value.Count > 0 || tablesFreed, "dead translations without any");
    }

    private readonly record struct Translation(ulong Page, ulong Frame, PageFlags Flags);
}
