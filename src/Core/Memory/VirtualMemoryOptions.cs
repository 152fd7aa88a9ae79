using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Settings;

namespace VmSim.Core.Memory;

/// <summary>When anonymous faults install huge pages (Linux: /sys/kernel/mm/transparent_hugepage/enabled).</summary>
public enum TransparentHugePages : byte
{
    /// <summary>No memory is given huge pages, whatever madvise says.</summary>
    Never,

    /// <summary>In areas with MADV_HUGEPAGE.</summary>
    Madvise,

    /// <summary>In every area without MADV_NOHUGEPAGE.</summary>
    Always,
}

/// <summary>How much memory calls may promise (Linux: vm.overcommit_memory).</summary>
public enum Overcommit : byte
{
    /// <summary>A call may ask for as much as there is in all (0).</summary>
    Heuristic,

    /// <summary>As much as they like (1).</summary>
    Always,

    /// <summary>All of them together for a share of the memory, <see cref="VirtualMemoryOptions.OvercommitRatio"/> (2).</summary>
    Never,
}

/// <summary>How a process's memory behaves where kernels differ or can be told.</summary>
public sealed record VirtualMemoryOptions
{
    /// <summary>Whether a first read of anonymous memory maps the shared zero page instead of a frame. Default true, as Linux.</summary>
    public bool ZeroPage { get; init; } = true;

    /// <summary>The window of cached pages that one file fault maps. A power of two, 4 KiB (off) to 2 MiB. Default 64 KiB
    /// (Linux: fault_around_bytes, mm/memory.c).</summary>
    public ulong FaultAroundBytes { get; init; } = 65_536;

    /// <summary>
    /// How large the folios of cached files are; a fault maps them whole. Default one page each. The cache that a runner makes from these
    /// options looks at it.
    /// </summary>
    public FolioSizes Folios { get; init; } = FolioSizes.OnePage;

    /// <summary>The window of pages that a fault on a file page outside the page cache reads from the device. A power of two, 4 KiB to
    /// 16 MiB. Default 128 KiB (Linux: VM_READAHEAD_PAGES, include/linux/mm.h).</summary>
    public ulong ReadAheadBytes { get; init; } = 131_072;

    /// <summary>
    /// Whether files are in the page cache from the start. Only the cache that a runner makes from these options looks at it.
    /// </summary>
    public bool WarmPageCache { get; init; } = true;

    /// <summary>When anonymous faults install 2 MiB pages.</summary>
    public TransparentHugePages TransparentHugePages { get; init; } = TransparentHugePages.Never;

    /// <summary>Whether equal neighbouring areas become one, as in Linux. Default true.</summary>
    public bool MergeAreas { get; init; } = true;

    /// <summary>How much memory calls may promise. Default heuristic, as Linux.</summary>
    public Overcommit Overcommit { get; init; } = Overcommit.Heuristic;

    /// <summary>
    /// Percent of the pool that may be promised with <see cref="Overcommit.Never"/>, from 0. Default 50 (vm.overcommit_ratio).
    /// </summary>
    public int OvercommitRatio { get; init; } = 50;

    /// <summary>Areas at most; a call that would leave more fails for want of memory. Default 65,530 (Linux: vm.max_map_count).</summary>
    public int MaxAreas { get; init; } = 65_530;

    /// <summary>How far the area of a stack may grow downwards by faults below it. Default 8 MiB (the usual RLIMIT_STACK).</summary>
    public ulong StackLimitBytes { get; init; } = 8UL << 20;

    /// <summary>The backend that private anonymous mappings get if they name none: a name of <see cref="Backends"/>. Default lazy. The heap
    /// is lazy too,
    /// unless this is populate.</summary>
    public string Anonymous { get; init; } = MemoryBackends.Lazy;

    /// <summary>The backends that mappings may name.</summary>
    public Registry<BackendKind> Backends { get; init; } = MemoryBackends.All;

    /// <summary>The kind of backend with a name that a mapping or <see cref="Anonymous"/> gives.</summary>
    /// <exception cref="ScenarioException">There is none.</exception>
    public BackendKind KindOf(string name) => Backends.Require(name, "mmap");

    /// <summary>Refuses values out of their range.</summary>
    /// <exception cref="ArgumentException">A window is no power of two or out of its range.</exception>
    internal void Validate()
    {
        RequireWindow(FaultAroundBytes, PageSize.Size2M.Bytes(), nameof(FaultAroundBytes));
        RequirePositive(MaxAreas, nameof(MaxAreas));
        RequireWindow(ReadAheadBytes, 16UL << 20, nameof(ReadAheadBytes));
    }

    private static void RequirePositive(int number, string name)
    {
        if (number < 1)
        {
            throw new ArgumentException($"{name} is {number}; it must be 1 or more", name);
        }
    }

    private static void RequireWindow(ulong bytes, ulong most, string name)
    {
        if (bytes < PageSizes.BaseBytes || bytes > most || !ulong.IsPow2(bytes))
        {
            throw new ArgumentException($"{name} is {bytes}; it must be a power of two from {PageSizes.BaseBytes} to {most}", name);
        }
    }
}
