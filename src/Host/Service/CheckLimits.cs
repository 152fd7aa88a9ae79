namespace VmSim.Host.Service;

/// <summary>
/// What one check of a scenario may take. A check that takes more has its process ended, and is answered with a sentence.
/// </summary>
internal sealed record CheckLimits
{
    /// <summary>Characters of a text that is checked. The scenarios that ship have some thousand.</summary>
    public const int TextMax = 1 << 20;

    /// <summary>Bytes of a request that asks for one: JSON may write a character as six bytes.</summary>
    public const int RequestBytesMax = 6 * TextMax + 1024;

    /// <summary>Checks that wait for their turn.</summary>
    public const int WaitingMax = 8;

    /// <summary>Bytes of the process's managed heap (DOTNET_GCHeapHardLimit): a text of full length takes some 100 MiB.</summary>
    public const long HeapBytes = 512L << 20;

    /// <summary>Bytes of the process in memory.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>Processor time of one check, with the start of the process: a check takes milliseconds, the start a second.</summary>
    public TimeSpan Processor { get; init; } = new(10 * TimeSpan.TicksPerSecond);

    /// <summary>Wall time of one check, so that a process that is frozen keeps nobody waiting.</summary>
    public TimeSpan Wall { get; init; } = new(60 * TimeSpan.TicksPerSecond);

    /// <summary>How long a process without anything to check is kept.</summary>
    public TimeSpan Idle { get; init; } = new(60 * TimeSpan.TicksPerSecond);
}
