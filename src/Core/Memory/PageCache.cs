using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>The files in memory, by path. Spaces with the same cache share a file's frames.</summary>
public sealed class PageCache
{
    private static readonly string[] SharedMemoryPrefixes = ["/dev/shm/", "/memfd:", "memfd:", "/SYSV", "/dev/zero"];

    private readonly Dictionary<string, MemoryObject> _byPath = [];
    private readonly List<MemoryObject> _files = [];
    private readonly FolioSizes _folios;

    /// <summary>Makes a cache without files.</summary>
    /// <param name="frames">The pool its frames come from.</param>
    /// <param name="warm">Whether a file's pages are in memory from the start, so that no fault waits for a device.</param>
    /// <param name="folios">How large the folios of files are; null for one page each.</param>
    public PageCache(FramePool frames, bool warm = true, FolioSizes? folios = null)
    {
        ArgumentNullException.ThrowIfNull(frames);
        Pool = frames;
        IsWarm = warm;
        _folios = folios ?? FolioSizes.OnePage;
    }

    /// <summary>The pool its frames come from.</summary>
    public FramePool Pool { get; }

    /// <summary>Whether a file's pages are in memory from the start.</summary>
    public bool IsWarm { get; }

    /// <summary>The files in the order in which they were first opened.</summary>
    public IReadOnlyList<MemoryObject> Files => _files;

    /// <summary>Pages of all files that have a frame.</summary>
    public long CachedPages => _files.Sum(file => file.CachedPages);

    /// <summary>Pages of all files whose stores have not been written back.</summary>
    public long DirtyPages => _files.Sum(file => file.DirtyPages);

    /// <summary>The object of a file. Paths of memory file systems (/dev/shm, memfd, System V segments, /dev/zero) are shared memory:
    /// never read from a device, never written back.</summary>
    /// <param name="file">The file; the first known length of a path counts.</param>
    public MemoryObject Open(ProgramFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!_byPath.TryGetValue(file.Path, out MemoryObject? found))
        {
            bool memory = Array.Exists(SharedMemoryPrefixes, prefix => file.Path.StartsWith(prefix, StringComparison.Ordinal));
            found = new MemoryObject(file.Path, file.Bytes, memory ? FrameKind.SharedMemory : FrameKind.File, IsWarm)
            {
                IsCached = true,
                FolioPages = memory ? 1 : _folios.BytesOf(file.Path) >> PageSizes.BaseShift,
            };
            _byPath.Add(file.Path, found);
            _files.Add(found);
        }
        else if (found.Bytes == ulong.MaxValue)
        {
            found.Bytes = file.Bytes;
        }

        return found;
    }

    /// <summary>
    /// Cuts or extends a file. Frames of pages past the new end leave the cache. <see cref="VirtualMemory.Truncate"/> comes first: a frame
    /// that a space still maps lives until that space has dropped it.
    /// </summary>
    /// <param name="file">A file of this cache.</param>
    /// <param name="bytes">The new length.</param>
    public void SetLength(MemoryObject file, ulong bytes)
    {
        ArgumentNullException.ThrowIfNull(file);
        file.Bytes = bytes;
        ulong pages = (bytes >> PageSizes.BaseShift) + ((bytes & (PageSizes.BaseBytes - 1)) == 0 ? 0UL : 1UL);
        foreach (ulong page in file.PagesFrom(pages))
        {
            Pool.Release(file.Remove(page));
        }
    }

    /// <summary>Drops every frame that only the cache holds and that has nothing to write back (echo 1 into drop_caches).</summary>
    /// <returns>Frames freed.</returns>
    public long DropClean()
    {
        long freed = 0;
        foreach (MemoryObject file in _files.Where(file => file.Kind == FrameKind.File))
        {
            foreach (ulong page in file.PagesFrom(0))
            {
                if (!file.IsDirty(page) && file.TryGetFrame(page, out PhysAddr frame) && Pool.References(frame) == 1)
                {
                    Pool.Release(file.Remove(page));
                    freed++;
                }
            }
        }

        return freed;
    }
}
