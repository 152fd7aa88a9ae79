using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Validation;

/// <summary>
/// Where a measured program has its memory: an arena with a buffer that lies in one page table, a place for mappings directly below the
/// arena, where Linux puts the next one, and a neighbour below that. The place crosses a table's border 100 pages below the arena, and
/// arena and neighbour keep both tables when a mapping goes. That is what the counts say: no interrupt reached a sleeping processor, as
/// freed tables would have, and 256 pages of shared memory took two flushes, 8 one.
/// </summary>
internal static class ProgramMemory
{
    /// <summary>Where page table and buffer begin; a multiple of 2 MiB.</summary>
    public const ulong Base = Regions.Base + (1UL << 32);

    /// <summary>Bytes of a page.</summary>
    public const ulong PageBytes = PageSizes.BaseBytes;

    /// <summary>The buffer of patterns that keep their memory.</summary>
    public const ulong Buffer = Base + PageBytes;

    /// <summary>Where mremap moves the buffer to.</summary>
    public const ulong Other = Base + (16UL << 20) + PageBytes;

    /// <summary>The C library's own pages.</summary>
    public const ulong Library = Base + (32UL << 20);

    /// <summary>Pages of <see cref="Library"/>.</summary>
    public const int LibraryPages = 8;

    /// <summary>
    /// Pages that glibc writes in a fork of a process that has or had threads, before it returns to the program; a process without threads
    /// writes one. Measured: so many more interrupts, and faults, an operation.
    /// </summary>
    public const int LibraryWritesWithThreads = 5;

    /// <summary>Where large regions are mapped whose place does not matter; a multiple of 2 MiB.</summary>
    public const ulong Large = Base + (1UL << 30);

    /// <summary>The program's break.</summary>
    public const ulong Break = 0x5555_0000_0000;

    private const ulong ArenaStart = Base - (4UL << 20) + (100 * PageBytes);
    private const ulong ArenaPages = 16_384;
    private const ulong TablePages = 512;
    private const ulong NeighbourPages = 8;

    /// <summary>Where a new mapping comes to lie: below the arena, after those before it.</summary>
    /// <param name="pages">Pages of each mapping.</param>
    /// <param name="place">How many of the same length are there already.</param>
    public static ulong Mapping(ulong pages, int place = 0) => ArenaStart - (pages * PageBytes * (ulong)(place + 1));

    /// <summary>What is mapped from the start.</summary>
    /// <param name="below">Pages that will be mapped below the arena; the neighbour lies directly below.</param>
    public static IReadOnlyList<SystemCall> Initial(ulong below)
    {
        ulong neighbour = ArenaStart - ((below + NeighbourPages) * PageBytes);
        return
        [
            ThreadScript.Mapping(ArenaStart, ArenaPages) with { MappingFlags = MappingFlags.NoReserve, Name = "arena" },
            ThreadScript.Mapping(neighbour, NeighbourPages, Protection.Read) with { Name = "neighbour" },
        ];
    }

    /// <summary>Stores that make the page tables around buffer and second place.</summary>
    public static IEnumerable<ulong> Tables() =>
        ((ulong[])[Base, Base + ((TablePages - 1) * PageBytes), Base + (6UL << 20), Other - PageBytes])
        .Select(address => ThreadScript.Store(address))
        .Concat(Touch(Library, LibraryPages));

    /// <summary>Stores to pages one after another.</summary>
    public static IEnumerable<ulong> Touch(ulong start, long pages, long stride = 1) =>
        Addresses(start, pages, stride).Select(address => ThreadScript.Store(address));

    /// <summary>Loads from pages one after another.</summary>
    public static IEnumerable<ulong> Read(ulong start, long pages, long stride = 1) =>
        Addresses(start, pages, stride).Select(address => ThreadScript.Load(address));

    private static IEnumerable<ulong> Addresses(ulong start, long pages, long stride) =>
        Enumerable.Range(0, (int)pages).Select(page => start + ((ulong)(page * stride) * PageBytes));
}
