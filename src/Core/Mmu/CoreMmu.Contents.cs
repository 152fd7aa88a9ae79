using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>All that the MMU holds, for people who look at it; nothing changes.</content>
public sealed unsafe partial class CoreMmu
{
    /// <summary>What the TLBs hold, array by array, by page and tag.</summary>
    public IReadOnlyList<CachedTranslation> Translations => [.. _names.Zip(_arrays).SelectMany(item => ReadAll(item.First, item.Second))];

    /// <summary>What the paging-structure caches hold, cache by cache, by address and tag.</summary>
    public IReadOnlyList<CachedTable> Tables =>
        [.. ReadAll("pde", _pde, 0), .. ReadAll("pdpte", _pdpte, 1), .. ReadAll("pml4e", _pml4e, 2)];

    private static CachedTranslation[] ReadAll(string name, Tlb tlb)
    {
        List<CachedTranslation> found = [];
        for (int entry = 0; entry < tlb.Entries; entry++)
        {
            if (!tlb.TryRead(entry, out ulong key, out _))
            {
                continue;
            }

            int shift = IsGroup(key, tlb.GroupShift) ? tlb.GroupShift : 0;
            for (ulong index = 0; index >> shift == 0; index++)
            {
                ulong single = shift == 0 ? key : KeyInGroup(key, shift, index);
                ulong data = tlb.DataAt(entry, index);
                if (data != 0)
                {
                    found.Add(new CachedTranslation(
                        name, EntryOf(single), new PhysAddr(data >> FrameShift << PageSizes.BaseShift), (PageFlags)(data & 0xFFFF)));
                }
            }
        }

        return [.. found.OrderBy(item => item.Entry.Page.Value).ThenBy(item => item.Entry.Tag.Value)];
    }

    private static CachedTable[] ReadAll(string name, StructureCache? cache, int level)
    {
        List<CachedTable> found = [];
        for (int entry = 0; cache is not null && entry < cache.Entries; entry++)
        {
            if (cache.TryRead(entry, out ulong key, out int page))
            {
                Asid tag = new((ushort)((key & TagMask) >> TagShift));
                found.Add(new CachedTable(name, tag, new VirtAddr(key >> PageShift << ShiftOf(level + 1)), page));
            }
        }

        return [.. found.OrderBy(item => item.Start.Value).ThenBy(item => item.Tag.Value)];
    }
}
