using System.Diagnostics;
using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>
/// Pages that mappings share: a file in the page cache, or shared memory without a file. A page that is in memory has a frame, on
/// which the object holds one reference.
/// </summary>
public sealed class MemoryObject
{
    private readonly Dictionary<ulong, CachedPage> _pages = [];

    /// <summary>Makes an object without a frame.</summary>
    /// <param name="name">A name for reports: a file's path.</param>
    /// <param name="bytes">Length; accesses to pages past it are bus errors.</param>
    /// <param name="kind"><see cref="FrameKind.File"/> or <see cref="FrameKind.SharedMemory"/>.</param>
    /// <param name="warm">
    /// Whether a file's pages are in memory from the start; always so for shared memory, whose pages begin as zeros.
    /// </param>
    public MemoryObject(string name, ulong bytes, FrameKind kind, bool warm = true)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (kind is not (FrameKind.File or FrameKind.SharedMemory))
        {
            throw new ArgumentOutOfRangeException(nameof(kind), kind, "an object holds file pages or shared memory");
        }

        Name = name;
        Bytes = bytes;
        Kind = kind;
        IsWarm = warm || kind == FrameKind.SharedMemory;
    }

    /// <summary>The name for reports: a file's path.</summary>
    public string Name { get; }

    /// <summary>Length of the file or object in bytes; pages beyond it cannot be used.</summary>
    public ulong Bytes { get; internal set; }

    /// <summary>What its frames hold.</summary>
    public FrameKind Kind { get; }

    /// <summary>Whether a page without a frame needs no device to get one.</summary>
    public bool IsWarm { get; }

    /// <summary>
    /// Whether a store to a clean page faults, so that it is noticed and can be written back. It does for files and not for shared memory
    /// (Linux: vma_wants_writenotify, mm/vma.c).
    /// </summary>
    public bool TracksDirtyPages => Kind == FrameKind.File;

    /// <summary>Pages that have a frame.</summary>
    public long CachedPages => _pages.Count;

    /// <summary>Pages whose stores have not been written back.</summary>
    public long DirtyPages { get; private set; }

    /// <summary>4 KiB pages of areas that map the object, counted once for every mapping.</summary>
    public long MappedPages { get; internal set; }

    /// <summary>Number by which the contents of its pages are known (<see cref="FrameContents"/>), from 1; 0 before anyone asks.</summary>
    internal int Number { get; set; }

    /// <summary>Pages that count as promised as long as anybody maps the object (shmem_acct_size, mm/shmem.c).</summary>
    internal long PromisedPages { get; set; }

    /// <summary>Pages of the folios in which the object lies in the cache: a power of two.</summary>
    internal ulong FolioPages { get; init; } = 1;

    /// <summary>Whether a page cache holds the object, so that its frames stay without a mapping.</summary>
    internal bool IsCached { get; init; }

    /// <summary>The frames in the order of their pages.</summary>
    public IReadOnlyList<PhysAddr> Frames => [.. _pages.OrderBy(page => page.Key).Select(page => page.Value.Frame)];

    /// <summary>Whether the page lies within the object's length.</summary>
    public bool HasPage(ulong page) => page < (Bytes >> PageSizes.BaseShift) + ((Bytes & (PageSizes.BaseBytes - 1)) == 0 ? 0UL : 1UL);

    /// <summary>Whether a mapping of the page needs no device: it has a frame or can have one at once.</summary>
    public bool IsInMemory(ulong page) => IsWarm || _pages.ContainsKey(page);

    /// <summary>The page's frame, if it has one.</summary>
    public bool TryGetFrame(ulong page, out PhysAddr frame)
    {
        bool found = _pages.TryGetValue(page, out CachedPage cached);
        frame = cached.Frame;
        return found;
    }

    /// <summary>Whether the page has stores that have not been written back.</summary>
    public bool IsDirty(ulong page) => _pages.TryGetValue(page, out CachedPage cached) && cached.Dirty;

    /// <summary>
    /// The folio of a page. The pages behind the last whole folio lie in smaller ones, each as large as still fits, as a write of the
    /// file's end makes them (fgf_set_order, include/linux/pagemap.h; measured on Linux 6.18: 45 pages are 32, 8, 4 and 1).
    /// </summary>
    internal (ulong Start, ulong Pages) FolioOf(ulong page)
    {
        ulong size = FolioPages;
        ulong start = page & ~(size - 1);
        if (size == 1 || !HasPage(page))
        {
            return (page, 1);
        }

        for (; !HasPage(start + size - 1) || page >= start + size; size >>= 1)
        {
            start += HasPage(start + size - 1) ? size : 0;
        }

        return (start, size);
    }

    /// <summary>Gives a page a frame; the object takes over the allocation's reference.</summary>
    internal void Insert(ulong page, PhysAddr frame) => _pages.Add(page, new CachedPage(frame, false));

    /// <summary>Takes a page's frame away; the reference is the caller's now.</summary>
    internal PhysAddr Remove(ulong page)
    {
        SetDirty(page, false);
        bool found = _pages.Remove(page, out CachedPage cached);
        Debug.Assert(found, "only a page with a frame can lose it");
        return cached.Frame;
    }

    /// <summary>Says whether a page's stores have been written back.</summary>
    /// <returns>Whether that is news.</returns>
    internal bool SetDirty(ulong page, bool dirty)
    {
        if (!_pages.TryGetValue(page, out CachedPage cached) || cached.Dirty == dirty)
        {
            return false;
        }

        _pages[page] = cached with { Dirty = dirty };
        DirtyPages += dirty ? 1 : -1;
        return true;
    }

    /// <summary>Pages from <paramref name="first"/> on that have a frame, ascending.</summary>
    internal IReadOnlyList<ulong> PagesFrom(ulong first) => [.. _pages.Keys.Where(page => page >= first).Order()];

    private readonly record struct CachedPage(PhysAddr Frame, bool Dirty);
}
