using System.Globalization;

namespace VmSim.Core.Machine;

/// <summary>A release of Linux: from which on a rule holds.</summary>
/// <param name="Major">The number before the point.</param>
/// <param name="Minor">The number behind it.</param>
public readonly record struct KernelRelease(int Major, int Minor) : IComparable<KernelRelease>
{
    /// <summary>The releases that a profile may name: those with long-term support since 5.10 (kernel.org).</summary>
    public const string Names = "5.10|5.15|6.1|6.6|6.12|6.18";

    /// <summary>
    /// The initiator interrupts others first and invalidates while they answer; before, it invalidated first (commit 4ce94eabac16,
    /// "x86/mm/tlb: Flush remote and local TLBs concurrently").
    /// </summary>
    public static KernelRelease ConcurrentFlush { get; } = new(5, 13);

    /// <summary>
    /// A core stays in a space's list of cores when it switches to another (commits 209954cbc7d0, "x86/mm/tlb: Update mm_cpumask lazily",
    /// and 6db2526c1d69, "x86/mm/tlb: Only trim the mm_cpumask once a second").
    /// </summary>
    public static KernelRelease LazyCoreMask { get; } = new(6, 14);

    /// <summary>
    /// MADV_DONTNEED and MADV_FREE within one area take that area's lock instead of mmap_lock (get_lock_mode and try_vma_read_lock,
    /// mm/madvise.c).
    /// </summary>
    public static KernelRelease AreaLocksOfAdvice { get; } = new(6, 17);

    /// <summary>The releases of <see cref="Names"/>, the oldest first.</summary>
    public static IReadOnlyList<KernelRelease> All { get; } = [.. Names.Split('|').Select(Parse)];

    /// <summary>Reads a release as people write it: two numbers with a point between.</summary>
    /// <exception cref="FormatException">The text is not that.</exception>
    public static KernelRelease Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int point = text.IndexOf('.', StringComparison.Ordinal);
        return point > 0
            && int.TryParse(text.AsSpan(0, point), NumberStyles.None, CultureInfo.InvariantCulture, out int major)
            && int.TryParse(text.AsSpan(point + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int minor)
            ? new KernelRelease(major, minor)
            : throw new FormatException($"\"{text}\" is no release of Linux such as 6.18");
    }

    /// <summary>Whether one is older than the other.</summary>
    public static bool operator <(KernelRelease left, KernelRelease right) => left.CompareTo(right) < 0;

    /// <summary>Whether one is older than the other, or the same.</summary>
    public static bool operator <=(KernelRelease left, KernelRelease right) => left.CompareTo(right) <= 0;

    /// <summary>Whether one is newer than the other.</summary>
    public static bool operator >(KernelRelease left, KernelRelease right) => left.CompareTo(right) > 0;

    /// <summary>Whether one is newer than the other, or the same.</summary>
    public static bool operator >=(KernelRelease left, KernelRelease right) => left.CompareTo(right) >= 0;

    /// <inheritdoc/>
    public int CompareTo(KernelRelease other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}");
}
