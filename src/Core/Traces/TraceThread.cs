using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>A thread of a trace while it is being read.</summary>
internal sealed class TraceThread(int index)
{
    /// <summary>Its number in the program, in the order in which threads were made.</summary>
    public int Index => index;

    /// <summary>Its number in the trace; -1 when it was never seen.</summary>
    public int Number { get; set; } = -1;

    /// <summary>Its operations so far.</summary>
    public PackedOperations Operations { get; } = new();

    /// <summary>The system calls that they name.</summary>
    public List<SystemCall> Calls { get; } = [];

    /// <summary>Makes the program of the thread, with the waits and signals that keep the order between threads.</summary>
    public ThreadProgram Build(string program, IReadOnlyList<OrderInsertion> insertions, TraceLoadOptions options)
    {
        PackedOperations operations = Operations.Weave(insertions);
        long compute = options.Compute;
        return new ThreadProgram
        {
            Name = index == 0 ? program : $"{program}/{index}",
            Open = compute == 0 ? operations.Open : () => new ComputeStream(operations.Open(), compute),
            SystemCalls = Calls,
            StartsRunnable = index == 0,
            Core = options.Cores.Count == 0 ? null : options.Cores[index % options.Cores.Count],
        };
    }
}

/// <summary>What a program's trace and those of its forked children have in common.</summary>
internal sealed class TraceFamily
{
    private readonly Dictionary<string, int> _byPath = [];
    private readonly List<ProgramFile> _files = [];

    /// <summary>The files that any of them maps.</summary>
    public IReadOnlyList<ProgramFile> Files => _files;

    /// <summary>What was missing or left out.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Processes that were forked so far.</summary>
    public int Processes { get; set; }

    /// <summary>Takes a comment: what the recorded kernel did is told beside what the simulated one does.</summary>
    public void TakeComment(string file, string comment)
    {
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
