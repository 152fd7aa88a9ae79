using System.Globalization;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>A thread of a trace while it is being read.</summary>
internal sealed class TraceThread
{
    private long? _end;

    /// <summary>Makes a thread that has done nothing.</summary>
    /// <param name="index">Its number in the program.</param>
    public TraceThread(int index)
    {
        Index = index;
        Place = new LinkedListNode<TraceThread>(this);
    }

    /// <summary>Its number in the program, in the order in which threads were made.</summary>
    public int Index { get; }

    /// <summary>Its number in the trace; -1 when it was never seen.</summary>
    public int Number { get; set; } = -1;

    /// <summary>Its place among the threads by their last records.</summary>
    public LinkedListNode<TraceThread> Place { get; }

    /// <summary>The number in the trace of its last record.</summary>
    public long LastRecord { get; set; }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _end is not null;

    /// <summary>Whether it runs from the start of its process, and no other thread starts it.</summary>
    public bool StartsRunnable { get; set; }

    /// <summary>How many of its operations are done by the time that it ends: those before the first that ends it.</summary>
    public long Done => _end ?? Operations.Count;

    /// <summary>Its operations so far.</summary>
    public PackedOperations Operations { get; } = new();

    /// <summary>The system calls that they name.</summary>
    public List<SystemCall> Calls { get; } = [];

    /// <summary>From where its next call is made; null if nobody says so.</summary>
    public CallSite? NextSite { get; set; }

    /// <summary>Ends it.</summary>
    public void Exit()
    {
        _end ??= Operations.Count;
        Operations.Add(Operation.ControlWord(ControlKind.Exit));
    }

    /// <summary>Makes the program of the thread, with the waits and signals that keep the order between threads.</summary>
    public ThreadProgram Build(string program, IReadOnlyList<OrderInsertion> insertions, TraceLoadOptions options)
    {
        PackedOperations operations = Operations.Weave(insertions);
        long compute = options.Compute;
        return new ThreadProgram
        {
            Name = Index == 0 ? program : $"{program}/{Index}",
            Open = compute == 0 ? operations.Open : () => new ComputeStream(operations.Open(), compute),
            SystemCalls = Calls,
            StartsRunnable = StartsRunnable || Index == 0,
            Core = options.Cores.Count == 0 ? null : options.Cores[Index % options.Cores.Count],
        };
    }
}

/// <summary>What a program's trace and those of its forked children have in common.</summary>
internal sealed class TraceFamily
{
    private readonly Dictionary<string, int> _byPath = [];
    private readonly List<ProgramFile> _files = [];
    private readonly SortedDictionary<string, long> _kept = new(StringComparer.Ordinal);

    /// <summary>The files that any of them maps.</summary>
    public IReadOnlyList<ProgramFile> Files => _files;

    /// <summary>What was missing or left out.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Processes that were forked so far.</summary>
    public int Processes { get; set; }

    /// <summary>Counts a call that is kept in the trace and not simulated.</summary>
    public void Keep(string name) => _kept[name] = _kept.GetValueOrDefault(name) + 1;

    /// <summary>Says what was kept and not simulated.</summary>
    public void Finish(string file)
    {
        if (_kept.Count > 0)
        {
            string calls = string.Join(
                ", ", _kept.Select(call => string.Create(CultureInfo.InvariantCulture, $"{call.Value:N0} {call.Key}")));
            Warnings.Add($"{file}: kept, not simulated: {calls}; memory comes from any node.");
        }
    }

    /// <summary>The most sets of the filters through which the traces were recorded, all powers of two; 1 for none.</summary>
    public int FilterSets { get; private set; } = 1;

    /// <summary>What has come of it all.</summary>
    public LoadedTrace Loaded(ProgramImage image, long accesses, long records) => new()
    {
        Image = image,
        Accesses = accesses,
        Records = records,
        FilterSets = FilterSets,
        Warnings = Warnings,
    };

    /// <summary>Takes a comment: what the recorded kernel did is told beside what the simulated one does.</summary>
    public void TakeComment(string file, string comment)
    {
        FilterSets = Math.Max(FilterSets, VmtRules.FilterSets(comment));
        if (comment.StartsWith(TraceComments.KernelFlushes, StringComparison.Ordinal))
        {
            Warnings.Add($"{file}: the recorded kernel flushed TLBs, {comment[TraceComments.KernelFlushes.Length..]}.");
        }
    }

    /// <summary>The index of the file with a path.</summary>
    public int AddFile(string path)
    {
        if (!_byPath.TryGetValue(path, out int index))
        {
            index = _files.Count;
            _files.Add(new ProgramFile(path));
            _byPath.Add(path, index);
        }

        return index;
    }
}
