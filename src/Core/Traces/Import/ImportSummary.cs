namespace VmSim.Core.Traces.Import;

/// <summary>What an importer found and what it could not use.</summary>
public sealed class ImportSummary
{
    private const int Examples = 5;
    private readonly List<string> _examples = [];

    /// <summary>Lines or records read.</summary>
    public long Lines { get; set; }

    /// <summary>References that fetch an instruction.</summary>
    public long Fetches { get; set; }

    /// <summary>Data references: loads, stores and modifies.</summary>
    public long DataReferences { get; set; }

    /// <summary>Threads that appear in the log.</summary>
    public int Threads { get; set; }

    /// <summary>Successful calls of each kind that changed mappings, threads or processes, by name.</summary>
    public SortedDictionary<string, long> Calls { get; } = new(StringComparer.Ordinal);

    /// <summary>Processes forked, in order.</summary>
    public List<ulong> Children { get; } = [];

    /// <summary>Lines that could not be understood and were left out.</summary>
    public long Dropped { get; private set; }

    /// <summary>The first few lines left out, each with its number.</summary>
    public IReadOnlyList<string> DroppedExamples => _examples;

    /// <summary>Notes on what the log cannot tell.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Counts a call that changed mappings, threads or processes.</summary>
    public void Count(string call) => Calls[call] = Calls.GetValueOrDefault(call) + 1;

    /// <summary>Counts a line that was left out.</summary>
    public void Drop(long line, string text)
    {
        Dropped++;
        if (_examples.Count < Examples)
        {
            _examples.Add($"line {line}: {text}");
        }
    }
}
