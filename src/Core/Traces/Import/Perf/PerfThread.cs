namespace VmSim.Core.Traces.Import.Perf;

/// <summary>A thread of a recording.</summary>
/// <param name="process">Its process.</param>
/// <param name="number">Its number in the trace.</param>
internal sealed class PerfThread(PerfProcess process, int number)
{
    private readonly SortedDictionary<int, long> _cores = [];

    /// <summary>Its process.</summary>
    public PerfProcess Process => process;

    /// <summary>Its number in the trace.</summary>
    public int Number => number;

    /// <summary>The call it is in; null if it is in none.</summary>
    public PerfCall? Call { get; set; }

    /// <summary>When it went to sleep, in nanoseconds; -1 while it does not sleep.</summary>
    public long SleepsSince { get; set; } = -1;

    /// <summary>
    /// Since when it has had no core and slept in no call, in nanoseconds; 0 from when it was made, which is not known, and -1 while it has
    /// one.
    /// </summary>
    public long OffCoreSince { get; set; }

    /// <summary>The thread of its process that woke it last; null for none.</summary>
    public PerfThread? Waker { get; set; }

    /// <summary>Whether the last that is known of it is a fault.</summary>
    public bool IsInFault { get; set; }

    /// <summary>Notes that it ran on a core; -1 for none known.</summary>
    public void RanOn(int core)
    {
        if (core >= 0)
        {
            _cores[core] = _cores.GetValueOrDefault(core) + 1;
        }
    }

    /// <summary>The trace's comment on its cores, the one with most events first; null if none is known.</summary>
    public string? CoresComment => _cores.Count == 0
        ? null
        : $"# thread {number} ran on cores "
            + string.Join(' ', _cores.OrderByDescending(core => core.Value).Take(64).Select(core => $"{core.Key}:{core.Value}"));
}

/// <summary>A call that has begun and not ended.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Form">How it is read; null for calls that have nothing to do with memory.</param>
internal sealed record PerfCall(string Name, PerfCallForm? Form)
{
    private const ulong ThreadFlag = 0x1_0000;

    /// <summary>Its arguments.</summary>
    public ulong[] Arguments { get; } = new ulong[6];

    /// <summary>Whether its arguments were read.</summary>
    public bool IsRead { get; init; }

    /// <summary>The path that it names, or that perf names for what it maps.</summary>
    public string? Path { get; set; }

    /// <summary>From where it was made, the innermost frame first; empty where that was not recorded.</summary>
    public List<string> Frames { get; } = [];

    /// <summary>Whether it stands in the trace already, before its end.</summary>
    public bool IsWritten { get; set; }

    /// <summary>Whether it makes a thread; null if that cannot be told.</summary>
    public bool? MakesThread => Form?.Number switch
    {
        56 when IsRead => (Arguments[0] & ThreadFlag) != 0,
        57 or 58 => false,
        _ => null,
    };
}
