namespace VmSim.Core.Memory;

/// <summary>Mapped pages of a space by what they hold, in pages of 4 KiB (a huge page counts 512). The sum of the first three is what
/// Linux calls the resident set (RssAnon, RssFile, RssShmem of /proc/PID/status).</summary>
/// <param name="Anonymous">Pages of private memory.</param>
/// <param name="File">Pages of files in the page cache.</param>
/// <param name="SharedMemory">Pages of shared objects without a file.</param>
/// <param name="Zero">Translations to the shared page of zeros.</param>
/// <param name="Device">Translations to memory outside the pool: devices and linear mappings.</param>
public readonly record struct ResidentPages(long Anonymous, long File, long SharedMemory, long Zero, long Device)
{
    /// <summary>Pages in frames of the pool: the resident set.</summary>
    public long ResidentSet => Anonymous + File + SharedMemory;

    /// <summary>All translations, in 4 KiB pages.</summary>
    public long Mapped => ResidentSet + Zero + Device;

    /// <summary>These and some more pages of frames of a kind.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The frames are free.</exception>
    public ResidentPages Plus(FrameKind kind, long pages) => kind switch
    {
        FrameKind.Anonymous => this with { Anonymous = Anonymous + pages },
        FrameKind.File => this with { File = File + pages },
        FrameKind.SharedMemory => this with { SharedMemory = SharedMemory + pages },
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "a free frame is not mapped"),
    };
}
