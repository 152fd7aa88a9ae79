using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>What a job may take at most; what is null is not bounded. A job over one of them has failed, and is not made again.</summary>
/// <param name="MemoryBytes">Bytes of its process that are in memory (VmRSS, proc(5)), at least <see cref="MemoryLeast"/>.</param>
/// <param name="Seconds">Wall time of one attempt, in seconds, at least 1.</param>
/// <param name="VirtualSeconds">Virtual time that the run reaches, in seconds, above 0.</param>
internal sealed record JobBounds(long? MemoryBytes = null, double? Seconds = null, double? VirtualSeconds = null)
{
    /// <summary>Less than any run needs: a process that has begun to read its scenario has more.</summary>
    public const long MemoryLeast = 1L << 20;

    /// <summary>No virtual time is longer: a run counts cycles in 63 bits, which at 1 GHz is 292 years.</summary>
    public const double SecondsMost = 1e10;

    /// <summary>Nothing is bounded.</summary>
    public static readonly JobBounds None = new();

    /// <summary>Both these bounds and others.</summary>
    public JobBounds And(JobBounds others) => new(
        Least(MemoryBytes, others.MemoryBytes), Least(Seconds, others.Seconds), Least(VirtualSeconds, others.VirtualSeconds));

    /// <summary>What is wrong with them in a submission; null if nothing is.</summary>
    /// <param name="caps">What the service allows any job.</param>
    public string? Problem(JobBounds caps)
    {
        if (MemoryBytes is < MemoryLeast || Seconds is not (null or (>= 1 and <= SecondsMost))
            || VirtualSeconds is not (null or (> 0 and <= SecondsMost)))
        {
            return $"bounds: at least {MemoryLeast} bytes, 1 to {SecondsMost:0} s of wall time, and above 0 to as many of virtual time "
                + "are allowed";
        }

        return MemoryBytes > caps.MemoryBytes || Seconds > caps.Seconds || VirtualSeconds > caps.VirtualSeconds
            ? $"bounds: {this} found; this service allows a job at most {caps}"
            : null;
    }

    /// <summary>What is wrong with needs in a submission; null if nothing is.</summary>
    public string? NeedsProblem() =>
        MemoryBytes is < 0 || Seconds is not (null or (>= 0 and <= SecondsMost))
        || VirtualSeconds is not (null or (>= 0 and <= SecondsMost))
            ? $"needs: at least 0 bytes, and 0 to {SecondsMost:0} s of wall time and of virtual time, are allowed"
            : null;

    /// <summary>What of needs lies beyond these bounds, in words; empty if nothing does.</summary>
    public string Hint(JobBounds needs)
    {
        List<string> words = [];
        if (needs.MemoryBytes > MemoryBytes)
        {
            words.Add($"{Quantities.Bytes(needs.MemoryBytes.Value)} of memory are needed, {Quantities.Bytes(MemoryBytes.Value)} allowed");
        }

        if (needs.Seconds > Seconds)
        {
            words.Add($"{Quantities.Seconds(needs.Seconds.Value)} of wall time are needed, {Quantities.Seconds(Seconds.Value)} allowed");
        }

        if (needs.VirtualSeconds > VirtualSeconds)
        {
            words.Add(
                $"the run goes on until {Quantities.Seconds(needs.VirtualSeconds.Value)} of virtual time, "
                    + $"{Quantities.Seconds(VirtualSeconds.Value)} are allowed");
        }

        return string.Join("; ", words);
    }

    /// <summary>Says that a job is over its bound of memory.</summary>
    public static string OverMemory(long bytes, long most) =>
        $"over its limit of memory: {Quantities.Bytes(bytes)} found, {Quantities.Bytes(most)} allowed";

    /// <summary>Says that a job is over its bound of wall time.</summary>
    public static string OverTime(double most) => $"over its limit of wall time: {Quantities.Seconds(most)} allowed";

    /// <summary>Says that a job is over its bound of virtual time.</summary>
    public static string OverVirtualTime(double most) => $"over its limit of virtual time: {Quantities.Seconds(most)} allowed";

    /// <summary>In words.</summary>
    public override string ToString()
    {
        List<string> words = [];
        if (MemoryBytes is { } bytes)
        {
            words.Add($"{Quantities.Bytes(bytes)} of memory");
        }

        if (Seconds is { } seconds)
        {
            words.Add($"{Quantities.Seconds(seconds)} of wall time");
        }

        if (VirtualSeconds is { } reached)
        {
            words.Add($"{Quantities.Seconds(reached)} of virtual time");
        }

        return words.Count > 0 ? string.Join(", ", words) : "no limits";
    }

    private static T? Least<T>(T? one, T? other)
        where T : struct, IComparable<T> =>
        one is { } first && other is { } second ? (first.CompareTo(second) <= 0 ? first : second) : one ?? other;
}
