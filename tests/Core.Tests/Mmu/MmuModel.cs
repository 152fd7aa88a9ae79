using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Mmu;

/// <summary>
/// An MMU whose TLBs are plain dictionaries without limit: all that a real one may hold, and exactly what one of ample size holds.
/// </summary>
/// <param name="hasFetchSecond">Whether fetches have a second level of their own.</param>
internal sealed class MmuModel(bool hasFetchSecond)
{
    private const int GlobalTag = -1;
    private readonly Dictionary<Key, Entry> _instruction = [];
    private readonly Dictionary<Key, Entry> _data = [];
    private readonly Dictionary<Key, Entry> _second = [];
    private readonly Dictionary<Key, Entry> _fetchSecond = [];

    /// <summary>What the access gives if nothing was ever evicted.</summary>
    public (TranslationOutcome Outcome, ulong Frame, PageFlags BitsSet) Access(
        AccessKind kind, int asid, ulong address, bool user, PageTable table)
    {
        PageFlags rights = Rights(kind, user);
        PageFlags dirty = kind == AccessKind.Store ? PageFlags.Dirty : PageFlags.None;
        foreach (Dictionary<Key, Entry> array in (Dictionary<Key, Entry>[])[First(kind), Second(kind)])
        {
            foreach ((Key key, Entry entry) in Find(array, asid, address))
            {
                if ((entry.Flags & (rights | dirty)) == (rights | dirty))
                {
                    First(kind)[key] = entry;
                    return (array == Second(kind) ? TranslationOutcome.StlbHit : TranslationOutcome.L1Hit, entry.Frame, PageFlags.None);
                }

                DropPage(asid, address);
            }
        }

        return Walk(kind, asid, address, user, table);
    }

    /// <summary>What a walk gives; its translation is put in everywhere it may go.</summary>
    public (TranslationOutcome Outcome, ulong Frame, PageFlags BitsSet) Walk(
        AccessKind kind, int asid, ulong address, bool user, PageTable table)
    {
        PageFlags rights = Rights(kind, user);
        PageFlags dirty = kind == AccessKind.Store ? PageFlags.Dirty : PageFlags.None;
        EntryInfo mapped = table.Query(new VirtAddr(address));
        if (!mapped.Present || (mapped.Flags & rights) != rights)
        {
            DropPage(asid, address);
            return (mapped.Present ? TranslationOutcome.ProtectionFault : TranslationOutcome.NotPresentFault, 0, PageFlags.None);
        }

        PageFlags bits = (PageFlags.Accessed | dirty) & ~mapped.Flags;
        int tag = (mapped.Flags & PageFlags.Global) != 0 ? GlobalTag : asid;
        Key key = new(tag, mapped.Size, address >> (int)mapped.Size);
        Second(kind)[key] = new Entry(mapped.Frame.PageNumber, mapped.Flags | bits);
        First(kind)[key] = Second(kind)[key];
        return (TranslationOutcome.Walked, mapped.Frame.PageNumber, bits);
    }

    /// <summary>
    /// Whether a first-level or the second-level TLB may hold a translation with these rights that leads to a frame, or to any.
    /// </summary>
    public bool MayHit(bool second, AccessKind kind, int asid, ulong address, bool user, ulong? frame)
    {
        PageFlags needed = Rights(kind, user) | (kind == AccessKind.Store ? PageFlags.Dirty : PageFlags.None);
        return Find(second ? Second(kind) : First(kind), asid, address)
            .Any(found => (frame is null || found.Entry.Frame == frame) && (found.Entry.Flags & needed) == needed);
    }

    /// <summary>Notes that a translation moved from the second level to the first.</summary>
    public void Refill(AccessKind kind, int asid, ulong address, ulong frame)
    {
        foreach ((Key key, Entry entry) in Find(Second(kind), asid, address).Where(found => found.Entry.Frame == frame))
        {
            First(kind)[key] = entry;
        }
    }

    /// <summary>All translations that an address may use.</summary>
    public IEnumerable<(ulong Frame, PageFlags Flags)> Cached(int asid, ulong address) =>
        Arrays.SelectMany(array => Find(array, asid, address)).Select(found => (found.Entry.Frame, found.Entry.Flags));

    public int DropPage(int asid, ulong address) => DropRange(asid, address & ~0xFFFUL, 4096);

    public int DropRange(int asid, ulong start, ulong bytes) => Drop(key => (key.Tag == asid || key.Tag == GlobalTag)
        && key.Page >= start >> (int)key.Size && key.Page <= (start + bytes - 1) >> (int)key.Size);

    public int DropAsid(int asid) => Drop(key => key.Tag == asid);

    public int DropAll(bool globals) => Drop(key => globals || key.Tag != GlobalTag);

    private Dictionary<Key, Entry>[] Arrays => [_instruction, _data, _second, _fetchSecond];

    private static PageFlags Rights(AccessKind kind, bool user) => (user ? PageFlags.User : PageFlags.None) | kind switch
    {
        AccessKind.Fetch => PageFlags.Execute,
        AccessKind.Load => PageFlags.Read,
        _ => PageFlags.Write,
    };

    private static IEnumerable<(Key Key, Entry Entry)> Find(Dictionary<Key, Entry> array, int asid, ulong address)
    {
        foreach (PageSize size in (PageSize[])[PageSize.Size4K, PageSize.Size2M, PageSize.Size1G])
        {
            foreach (int tag in (int[])[asid, GlobalTag])
            {
                Key key = new(tag, size, address >> (int)size);
                if (array.TryGetValue(key, out Entry entry))
                {
                    yield return (key, entry);
                }
            }
        }
    }

    private Dictionary<Key, Entry> Second(AccessKind kind) => kind == AccessKind.Fetch && hasFetchSecond ? _fetchSecond : _second;

    private Dictionary<Key, Entry> First(AccessKind kind) => kind == AccessKind.Fetch ? _instruction : _data;

    private int Drop(Func<Key, bool> which) => Arrays.Sum(array => array.Keys.Where(which).ToList().Count(array.Remove));

    private readonly record struct Key(int Tag, PageSize Size, ulong Page);

    private readonly record struct Entry(ulong Frame, PageFlags Flags);
}
