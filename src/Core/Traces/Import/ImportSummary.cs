using VmSim.Core.Statistics;

namespace VmSim.Core.Traces.Import;

/// <summary>What an importer found and what it could not use.</summary>
public sealed class ImportSummary
{
    private const int Examples = 5;
    private const int MaxNames = 1000;
    private readonly List<string> _examples = [];
    private readonly List<(ulong, ImportSummary)> _processes = [];

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

    /// <summary>Calls that succeeded and change nothing that is simulated, by name.</summary>
    public SortedDictionary<string, long> NotSimulated { get; } = new(StringComparer.Ordinal);

    /// <summary>Calls that failed, by name and error such as "mmap ENOMEM"; they are left out.</summary>
    public SortedDictionary<string, long> Failed { get; } = new(StringComparer.Ordinal);

    /// <summary>Calls of which the log does not say how they ended, by name; they are left out.</summary>
    public SortedDictionary<string, long> WithoutResult { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Calls that a signal interrupted before they did anything, by name and answer such as "munmap ERESTARTNOINTR". The kernel begins most
    /// of them again, and they are counted again by what they answer then.
    /// </summary>
    public SortedDictionary<string, long> Interrupted { get; } = new(StringComparer.Ordinal);

    /// <summary>Sleeps of its threads.</summary>
    public long Sleeps { get; private set; }

    /// <summary>How long they were together, in nanoseconds, where that is known.</summary>
    public long SleptNanoseconds { get; private set; }

    /// <summary>Calls that have nothing to do with memory, threads or processes.</summary>
    public long OtherCalls { get; set; }

    /// <summary>Records of the log that no access and no call is made of, by name.</summary>
    public SortedDictionary<string, long> Records { get; } = new(StringComparer.Ordinal);

    /// <summary>Events that the tool says it lost.</summary>
    public long Lost { get; set; }

    /// <summary>Processes forked, in order.</summary>
    public List<ulong> Children { get; } = [];

    /// <summary>What was found of forked processes whose traces were written, in order of their first lines.</summary>
    public IReadOnlyList<(ulong Process, ImportSummary Summary)> Processes => _processes;

    /// <summary>Lines that could not be understood and were left out.</summary>
    public long Dropped { get; private set; }

    /// <summary>The first few lines left out, each with its number.</summary>
    public IReadOnlyList<string> DroppedExamples => _examples;

    /// <summary>The first line left out, and its number; null if there is none.</summary>
    public (long Line, string Text)? FirstDropped { get; private set; }

    /// <summary>Notes on what the log cannot tell.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Whether no access and no call that concerns memory was found.</summary>
    public bool IsEmpty => Fetches + DataReferences + Calls.Count + NotSimulated.Count + Failed.Count + WithoutResult.Count == 0;

    /// <summary>Begins the summary of a forked process whose trace is written beside this one.</summary>
    /// <param name="process">Its number in the log.</param>
    public ImportSummary AddProcess(ulong process)
    {
        ImportSummary summary = new ImportSummary();
        _processes.Add((process, summary));
        return summary;
    }

    /// <summary>Counts a sleep.</summary>
    public void AddSleep(ulong nanoseconds)
    {
        Sleeps++;
        SleptNanoseconds = Saturating.Add(SleptNanoseconds, (long)Math.Min(nanoseconds, long.MaxValue));
    }

    /// <summary>Counts a call that changed mappings, threads or processes.</summary>
    public void Count(string call) => Add(Calls, call);

    /// <summary>Counts a call or a record by its name.</summary>
    /// <param name="calls">The counts.</param>
    /// <param name="name">The name; beyond 1,000 of them all count as others.</param>
    public static void Add(SortedDictionary<string, long> calls, string name)
    {
        // names come from the log, so that their number is bounded here
        string key = calls.Count < MaxNames || calls.ContainsKey(name) ? name : "others";
        calls[key] = calls.GetValueOrDefault(key) + 1;
    }

    /// <summary>Counts a line that was left out, or several that are one.</summary>
    /// <param name="line">The number of the first.</param>
    /// <param name="text">What it says.</param>
    /// <param name="lines">How many there are.</param>
    public void Drop(long line, string text, int lines = 1)
    {
        Dropped += lines;
        FirstDropped ??= (line, text);
        if (_examples.Count < Examples)
        {
            _examples.Add($"line {line}: {text}");
        }
    }
}
