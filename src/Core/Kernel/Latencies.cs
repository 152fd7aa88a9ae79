using VmSim.Core.Addresses;
using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel;

/// <summary>What the latency is measured of. One line declares a kind for recording and every output, in the order of the lines.</summary>
public sealed class LatencyKind
{
    private static readonly List<LatencyKind> Kinds = [];

    /// <summary>A minor fault.</summary>
    public static readonly LatencyKind MinorFault = new(
        "minorFault", "minor fault", "A fault resolved without a device, from the access to its retry.");

    /// <summary>A major fault.</summary>
    public static readonly LatencyKind MajorFault = new(
        "majorFault", "major fault", "A fault that reads from a device, from the access to its retry.");

    /// <summary>A shootdown with targets.</summary>
    public static readonly LatencyKind Shootdown = new(
        "shootdown", "shootdown", "A shootdown with targets, from the first interrupt sent to the last acknowledgement.");

    /// <summary>mmap.</summary>
    public static readonly LatencyKind Map = new("map", "mmap", "From the call to its return.");

    /// <summary>munmap.</summary>
    public static readonly LatencyKind Unmap = new("unmap", "munmap", "From the call to its return.");

    /// <summary>mprotect.</summary>
    public static readonly LatencyKind Protect = new("protect", "mprotect", "From the call to its return.");

    /// <summary>Every other call.</summary>
    public static readonly LatencyKind OtherCall = new(
        "otherCall", "other calls", "brk, mremap, madvise and msync, from the call to its return.");

    private LatencyKind(string name, string title, string summary)
    {
        Info = new CounterInfo(name, "cycles", summary, title);
        Index = Kinds.Count;
        Kinds.Add(this);
    }

    /// <summary>All kinds, in the order of reports.</summary>
    public static IReadOnlyList<LatencyKind> All => Kinds;

    /// <summary>What reports say of it.</summary>
    public CounterInfo Info { get; }

    /// <summary>Its place in <see cref="All"/>.</summary>
    public int Index { get; }
}

/// <summary>The latencies that one core or address space has measured.</summary>
public sealed class Latencies
{
    private readonly LatencyHistogram?[] _histograms = new LatencyHistogram?[LatencyKind.All.Count];

    /// <summary>The latencies of a kind; null when there was none.</summary>
    public LatencyHistogram? this[LatencyKind kind]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(kind);
            return _histograms[kind.Index];
        }
    }

    /// <summary>Records a latency.</summary>
    public void Record(LatencyKind kind, Cycles cycles)
    {
        ArgumentNullException.ThrowIfNull(kind);
        (_histograms[kind.Index] ??= new LatencyHistogram()).Record(cycles.Value);
    }

    /// <summary>Forgets them all.</summary>
    public void Reset() => Array.Clear(_histograms);
}
