using System.Numerics;
using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Memory;

namespace VmSim.Host.Maps;

/// <summary>What the folios of one file are.</summary>
/// <param name="Bytes">
/// The size in which most of the file's cached pages lie; 4 KiB if no folio is larger than what a fault maps anyway.
/// </param>
/// <param name="Pages">Pages in folios of this size.</param>
/// <param name="CachedPages">Pages of the file in the page cache.</param>
internal sealed record FileFolios(ulong Bytes, long Pages, long CachedPages);

/// <summary>
/// Finds the folios in which a file lies in this machine's page cache: maps it, has the kernel fault one page (MADV_POPULATE_READ), and
/// reads from /proc/self/pagemap which pages came with it. A fault maps folios whole since Linux 6.18; before, and for folios of up to
/// 64 KiB, it maps the window of fault-around, and the file counts as one of single pages. What is not in the cache is left alone.
/// </summary>
internal static unsafe partial class FolioProbe
{
    /// <summary>The most of a file that is looked at, in pages: 1 GiB.</summary>
    private const long MaxPages = 1 << 18;

    /// <summary>Pages that fault-around maps (fault_around_bytes, mm/memory.c).</summary>
    private const long WindowPages = 16;

    private const long MaxFolioPages = (long)(FolioSizes.MaxBytes >> PageSizes.BaseShift);
    private const nuint TableBytes = 2 << 20;
    private const int Read = 1;
    private const int Private = 2;
    private const int Fixed = 0x10;
    private const int Anonymous = 0x20;
    private const int PopulateRead = 22;
    private const ulong Present = 1UL << 63;

    /// <summary>Looks at a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Its folios; null if no page of it is in the cache.</returns>
    /// <exception cref="IOException">It cannot be read or mapped, or the kernel does not tell.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static FileFolios? Look(string path)
    {
        using FileStream file = File.OpenRead(path);
        long pages = Math.Min((file.Length + (long)PageSizes.BaseBytes - 1) >> PageSizes.BaseShift, MaxPages);
        if (pages == 0)
        {
            return null;
        }

        nuint bytes = (nuint)pages << PageSizes.BaseShift;
        byte* room = Map(null, bytes + TableBytes, 0, Private | Anonymous, -1, 0);
        if (room == (byte*)-1)
        {
            throw new IOException($"{path}: no address space to map it");
        }

        try
        {
            // At a border of a page-table page, so that no folio lies across one.
            byte* start = (byte*)(((nuint)room + TableBytes - 1) & ~(TableBytes - 1));
            return Map(start, bytes, Read, Private | Fixed, (int)file.SafeFileHandle.DangerousGetHandle(), 0) == start
                ? Look(path, start, pages)
                : throw new IOException($"{path}: it cannot be mapped (error {Marshal.GetLastPInvokeError()})");
        }
        finally
        {
            _ = Unmap(room, bytes + TableBytes);
        }
    }

    private static FileFolios? Look(string path, byte* start, long pages)
    {
        byte[] cached = new byte[pages];
        if (InCore(start, (nuint)pages << PageSizes.BaseShift, cached) != 0)
        {
            throw new IOException($"{path}: mincore fails (error {Marshal.GetLastPInvokeError()})");
        }

        using FileStream map = new("/proc/self/pagemap", FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        SortedDictionary<long, long> pagesBySize = [];
        long page = 0;
        while (page < pages)
        {
            if ((cached[page] & 1) == 0)
            {
                page++;
                continue;
            }

            if (Advise(start + (page << PageSizes.BaseShift), (nuint)PageSizes.BaseBytes, PopulateRead) != 0)
            {
                throw new IOException(
                    $"{path}: the kernel refuses MADV_POPULATE_READ (error {Marshal.GetLastPInvokeError()}); it is of Linux 5.14");
            }

            long mapped = Math.Max(1, CountPresent(map, start, page, pages));
            long size = mapped <= WindowPages ? 1 : Math.Min(1L << BitOperations.Log2((ulong)mapped), MaxFolioPages);
            pagesBySize[size] = pagesBySize.GetValueOrDefault(size) + mapped;
            page += mapped;
        }

        if (pagesBySize.Count == 0)
        {
            return null;
        }

        (long most, long inThem) = pagesBySize.MaxBy(size => size.Value);
        return new FileFolios((ulong)most << PageSizes.BaseShift, inThem, pagesBySize.Values.Sum());
    }

    /// <summary>
    /// How many pages are mapped from a page on, as /proc/self/pagemap says: 8 bytes each, the highest bit for a mapped one.
    /// </summary>
    private static long CountPresent(FileStream map, byte* start, long page, long pages)
    {
        Span<ulong> entries = stackalloc ulong[512];
        entries = entries[..(int)Math.Min(entries.Length, pages - page)];
        map.Position = (((long)start >> PageSizes.BaseShift) + page) * sizeof(ulong);
        int bytes = map.ReadAtLeast(MemoryMarshal.AsBytes(entries), entries.Length * sizeof(ulong), throwOnEndOfStream: false);
        int read = bytes / sizeof(ulong);
        int count = 0;
        while (count < read && (entries[count] & Present) != 0)
        {
            count++;
        }

        return count;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* Map(byte* start, nuint bytes, int rights, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(byte* start, nuint bytes);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Advise(byte* start, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    private static partial int InCore(byte* start, nuint bytes, byte[] cached);
}
