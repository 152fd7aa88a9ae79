namespace VmSim.Core.Traces.Import.DrMemtrace;

/// <summary>Counts records that no access is made of, by name.</summary>
/// <remarks>
/// Numbers and names are those of clients/drcachesim/common/trace_entry.h (trace_type_t, trace_marker_type_t). Encodings, headers and what
/// only says how the file is built are not named: they hold nothing of the program's.
/// </remarks>
internal sealed class DrMemtraceTally
{
    /// <summary>The highest number of a record's type that is taken for one; there are some 50.</summary>
    public const int LastType = 127;

    private const int Markers = 256;

    private static readonly Dictionary<int, string> TypeNames = new()
    {
        [27] = "hardware prefetches",
        [18] = "instruction cache flushes",
        [20] = "data cache flushes",
        [29] = "instructions without a fetch",
    };

    private static readonly Dictionary<int, string> MarkerNames = new()
    {
        [0] = "kernel event markers",
        [1] = "kernel transfer markers",
        [3] = "core markers",
        [4] = "function markers",
        [11] = "instruction count markers",
        [13] = "restartable sequence abort markers",
        [14] = "window markers",
        [15] = "physical addresses",
        [16] = "physical addresses not available",
        [19] = "system call index markers",
        [23] = "filter endpoint markers",
        [24] = "restartable sequence markers",
        [25] = "system call markers",
        [26] = "maybe-blocking system call markers",
        [27] = "system call traces",
        [30] = "failed system call markers",
        [31] = "direct thread switch markers",
        [32] = "core wait markers",
        [33] = "core idle markers",
        [34] = "context switch traces",
        [36] = "vector length markers",
    };

    /// <summary>Markers that say how a file is built, or whose partner is counted.</summary>
    private static readonly HashSet<int> Silent = [2, 5, 6, 7, 8, 9, 10, 12, 17, 18, 20, 21, 22, 28, 29, 35];

    private readonly long[] _types = new long[LastType + 1];
    private readonly long[] _markers = new long[Markers];

    /// <summary>Counts a record by its type.</summary>
    public void Type(int type) => _types[type]++;

    /// <summary>Counts a marker.</summary>
    public void Marker(int kind) => _markers[Math.Min(kind, Markers - 1)]++;

    /// <summary>Names what was counted.</summary>
    public void AddTo(ImportSummary summary)
    {
        long prefetches = _types[2..10].Sum() + _types[32..47].Sum();
        Add("prefetches", prefetches);
        foreach ((int type, string name) in TypeNames)
        {
            Add(name, _types[type]);
        }

        for (int type = 50; type <= LastType; type++)
        {
            Add($"records of type {type}", _types[type]);
        }

        for (int kind = 0; kind < Markers; kind++)
        {
            if (!Silent.Contains(kind))
            {
                string other = kind == Markers - 1 ? "markers of their user's own" : $"markers {kind}";
                Add(MarkerNames.GetValueOrDefault(kind, other), _markers[kind]);
            }
        }

        void Add(string name, long count)
        {
            if (count > 0)
            {
                summary.Records[name] = summary.Records.GetValueOrDefault(name) + count;
            }
        }
    }
}
