namespace VmSim.Core.Traces;

/// <summary>
/// What reading a trace may cost besides its records. A few bytes of a trace can ask for much: one record of the kernel's reading touches
/// half a million pages, and the order of threads that start each other in a chain takes memory with the square of their number. What is
/// far from what programs do is refused, so that the input's length bounds time and memory.
/// </summary>
public sealed class ReadingBudget
{
    /// <summary>The most threads of a process. Finding who waits for whom takes time with the square of their number.</summary>
    private const int MaxThreads = 16_384;

    /// <summary>The most forked processes of a trace with its children, as many as a scenario may have copies of a process.</summary>
    private const int MaxProcesses = 65_536;

    /// <summary>Pages that the kernel may use beside <see cref="KernelPagesOfRecord"/>: 1 TiB.</summary>
    private const long KernelPagesMin = 1L << 28;

    /// <summary>Pages that the kernel may use for each record: buffers of 16 MiB.</summary>
    private const long KernelPagesOfRecord = 4_096;

    /// <summary>First uses of pages by the kernel that are kept beside <see cref="KernelUsesOfRecord"/>: buffers of 16 GiB.</summary>
    private const long KernelUsesMin = 1L << 22;

    /// <summary>First uses of pages by the kernel for each record: buffers of 256 KiB.</summary>
    private const long KernelUsesOfRecord = 64;

    /// <summary>Entries of clocks beside <see cref="EntriesOfRecord"/>: 128 MiB.</summary>
    private const long EntriesMin = 1L << 24;

    /// <summary>Entries of clocks for each record: as many waits as 256 threads need if each waits for all.</summary>
    private const long EntriesOfRecord = 256;

    /// <summary>Entries of clocks for the order of pages beside <see cref="PageEntriesOfRecord"/>: 32 MiB.</summary>
    private const long PageEntriesMin = 1L << 22;

    /// <summary>Entries of clocks for the order of pages for each record: 64 bytes.</summary>
    private const long PageEntriesOfRecord = 8;

    private long _pageEntries;
    private long _sleepEntries;
    private long _kernelPages;
    private long _kernelUses;
    private long _entries;

    /// <summary>Records read so far.</summary>
    public long Records { get; set; }

    /// <summary>Sees to it that a process may have one thread more.</summary>
    /// <param name="count">Those that it has.</param>
    /// <param name="source">The trace.</param>
    /// <exception cref="TraceFormatException">It may not.</exception>
    public static void RequireThread(int count, IVmtSource source)
    {
        if (count == MaxThreads)
        {
            throw source.Bad($"more than {MaxThreads:N0} threads", "a process of at most as many");
        }
    }

    /// <summary>Sees to it that a trace with its children may have so many processes.</summary>
    /// <param name="count">Those that were forked.</param>
    /// <param name="source">The trace.</param>
    /// <exception cref="TraceFormatException">It may not.</exception>
    public static void RequireProcess(int count, IVmtSource source)
    {
        if (count > MaxProcesses)
        {
            throw source.Bad($"more than {MaxProcesses:N0} forks, those of children counted in", "at most as many");
        }
    }

    /// <summary>Whether the kernel may use so many pages more.</summary>
    public bool AllowsKernelPages(ulong pages)
    {
        _kernelPages += (long)pages;
        return _kernelPages <= KernelPagesMin + (KernelPagesOfRecord * Records);
    }

    /// <summary>Whether the kernel may use another page for the first time in a thread.</summary>
    public bool AllowsKernelUse() => ++_kernelUses <= KernelUsesMin + (KernelUsesOfRecord * Records);

    /// <summary>Sees to it that clocks do not grow without bounds.</summary>
    /// <param name="entries">Entries more.</param>
    /// <exception cref="TraceFormatException">They may not.</exception>
    public void TakeEntries(int entries)
    {
        _entries += entries;
        if (_entries > EntriesMin + (EntriesOfRecord * Records))
        {
            throw new TraceFormatException(
                $"the order between threads takes more than {_entries:N0} entries after {Records:N0} records: "
                + "threads start each other in long chains, or wait for each other more than programs do");
        }
    }

    /// <summary>Whether the order of pages may have entries of clocks that do not count for <see cref="TakeEntries"/>.</summary>
    /// <param name="entries">Entries that <see cref="TakeEntries"/> is about to be asked for, at most.</param>
    public bool AllowsPageOrder(int entries)
    {
        if (_pageEntries + entries > PageEntriesMin + (PageEntriesOfRecord * Records))
        {
            return false;
        }

        _pageEntries += entries;
        _entries -= entries;
        return true;
    }

    /// <summary>Whether the order of sleeps may have entries of clocks more; as many as that of calls may.</summary>
    /// <param name="entries">Entries more.</param>
    public bool AllowsSleepOrder(int entries)
    {
        _sleepEntries += entries;
        return _sleepEntries <= EntriesMin + (EntriesOfRecord * Records);
    }
}
