namespace VmSim.Core.Traces.Import.Strace;

/// <summary>The processes and threads of a log: who made whom, who is alive, and whom a line without a number belongs to.</summary>
internal sealed partial class StraceFamily
{
    private const int MaxTasks = 1 << 20;
    private readonly Dictionary<long, StraceTask> _tasks = [];
    private readonly HashSet<long> _attached = [];
    private readonly HashSet<long> _modes32 = [];
    private readonly ImportOptions _options;
    private readonly ImportSummary _summary;
    private readonly Dictionary<long, StraceTask> _endedEarly = [];
    private readonly SortedSet<long> _adopted = [];
    private readonly SortedSet<long> _silent = [];

    /// <summary>Begins with a process that the log has not named yet.</summary>
    /// <param name="sink">Where the first process's trace goes.</param>
    /// <param name="summary">What was found of it.</param>
    /// <param name="options">How the log is imported.</param>
    /// <param name="process">Its number if the log's name tells it; -1 otherwise.</param>
    public StraceFamily(IVmtSink sink, ImportSummary summary, ImportOptions options, long process)
    {
        _options = options;
        _summary = summary;
        Root = new StraceProcess(Begin(sink, summary, options, options.Name, parent: null), summary, parent: null);
        First = Root.AddTask(process);
        _tasks.Add(process, First);
    }

    /// <summary>The first process.</summary>
    public StraceProcess Root { get; }

    /// <summary>Its first thread.</summary>
    public StraceTask First { get; }

    /// <summary>Lines of processes whose traces are not wanted.</summary>
    public long LeftOutLines { get; set; }

    /// <summary>Mappings that no call made, in all traces.</summary>
    public long Assumed { get; private set; }

    /// <summary>Threads whose maker is not in the log.</summary>
    public IReadOnlyCollection<long> Adopted => _adopted;

    /// <summary>Threads and processes that were made and have no line in the log.</summary>
    public IReadOnlyCollection<long> Silent => _silent;

    /// <summary>Whether a number is that of a thread that has not ended.</summary>
    public bool Knows(long process) => process < 0 || _tasks.ContainsKey(process);

    /// <summary>The thread that a line belongs to.</summary>
    /// <param name="process">The number that the line begins with; -1 for none.</param>
    /// <param name="text">The line behind it.</param>
    /// <returns>Null if who made it is to be told by a later line.</returns>
    public StraceTask? Find(long process, ReadOnlySpan<byte> text)
    {
        if (process < 0)
        {
            return Unnamed();
        }

        if (_tasks.TryGetValue(process, out StraceTask? task))
        {
            task.HasLines = true;
            return task;
        }

        if (First.Id < 0 && !_attached.Contains(process) && (!First.HasLines || First.Pending is not { IsClone: true } || IsResumed(text)))
        {
            Rename(First, process);
            First.HasLines = true;
            return First;
        }

        return FindEarly(process);
    }

    /// <summary>The thread with a number that no clone in the log returned: strace was attached later, or left the call out.</summary>
    public StraceTask Adopt(long process)
    {
        StraceTask task = AddThread(First, process);
        _adopted.Add(process);
        task.HasLines = true;
        return task;
    }

    /// <summary>Takes what strace said of itself.</summary>
    public void Tell(StraceMessage message, bool is32Bit)
    {
        switch (message.Kind)
        {
            case StraceMessageKind.Attached:
                _attached.Add(message.Process);
                break;
            case StraceMessageKind.Detached when _tasks.TryGetValue(message.Process, out StraceTask? task):
                End(task);
                break;
            case StraceMessageKind.Mode:
                if (_tasks.TryGetValue(message.Process, out StraceTask? changed) || First.Id < 0)
                {
                    (changed ?? First).Process.Machine = is32Bit ? StraceMachine.X86 : StraceMachine.X64;
                }
                else if (is32Bit && _modes32.Count < MaxTasks)
                {
                    _modes32.Add(message.Process);
                }

                break;
            default:
                break;
        }
    }

    /// <summary>A clone or fork has returned its child's number.</summary>
    /// <returns>The child; null if the log does not say what it is.</returns>
    public StraceTask? Return(StraceTask task, long child, StraceChild kind)
    {
        if (_tasks.TryGetValue(child, out StraceTask? made) && made.HasExited)
        {
            // its number is used again, and the log does not print ends
            End(made);
            made = null;
        }

        made ??= _endedEarly.Remove(child, out StraceTask? ended) ? ended : Make(task, child, kind);
        if (made is null)
        {
            return null;
        }

        foreach (StraceTask maker in _tasks.Values)
        {
            maker.EarlyChild = maker.EarlyChild == child ? -1 : maker.EarlyChild;
        }

        StraceTask space = task.Space;
        bool isThread = made.Process == space.Process;
        VmtRecord record = isThread ? VmtRecord.Clone((ulong)child) : VmtRecord.Fork((ulong)child);
        space.Process.Order?.Add(new StraceStep(space.Thread, record, isThread ? "clone" : "fork"));
        if (!isThread)
        {
            space.Process.Summary.Children.Add((ulong)child);
        }

        return made;
    }

    /// <summary>A child whose maker has not returned yet.</summary>
    /// <returns>Null if the log does not say what it is.</returns>
    public StraceTask? Make(StraceTask task, long child, StraceChild kind)
    {
        if (_tasks.Count >= MaxTasks)
        {
            return null;
        }

        switch (kind)
        {
            case StraceChild.Thread:
                return AddThread(task, child);
            case StraceChild.Borrower:
                StraceTask borrower = AddThread(task, child);
                borrower.IsBorrower = true;
                return borrower;
            case StraceChild.Unknown:
                return null;
            default:
                StraceTask made = AddProcess(task.Space.Process, task.Process, child);
                made.Process.Lender = kind == StraceChild.Guest ? task : null;
                return made;
        }
    }

    /// <summary>A child of a kind that the log does not tell: its lines are left out.</summary>
    public void LeaveOut(long child)
    {
        StraceProcess process = new StraceProcess(null, new ImportSummary(), Root);
        _tasks[child] = process.AddTask(child);
    }

    private static bool IsResumed(ReadOnlySpan<byte> text) => text.StartsWith("<... "u8);

    private static StraceWriter Begin(IVmtSink sink, ImportSummary summary, ImportOptions options, string name, StraceWriter? parent)
    {
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets);
        emitter.Header(name);
        return parent is null ? new StraceWriter(emitter) : new StraceWriter(emitter, parent);
    }

    /// <summary>
    /// The thread of a line without a number in a log of standard error: strace prints numbers while it follows more than one.
    /// </summary>
    private StraceTask Unnamed()
    {
        StraceTask found = First;
        if (!_tasks.ContainsValue(First))
        {
            foreach (StraceTask task in _tasks.Values)
            {
                found = task.HasLines || _attached.Contains(task.Id) ? task : found;
            }
        }

        found.HasLines = true;
        return found;
    }

    /// <summary>A thread that runs before its clone has returned, if there is but one that it can be.</summary>
    private StraceTask? FindEarly(long process)
    {
        StraceTask? maker = null;
        StraceChild kind = StraceChild.Unknown;
        foreach (StraceTask task in _tasks.Values)
        {
            if (task.Pending is not { IsClone: true } || task.EarlyChild >= 0)
            {
                continue;
            }

            StraceChild own = StraceClone.KindOf(task.Pending, task.PendingText);
            bool isSame = maker is null || (task.Process == maker.Process && own == kind && own == StraceChild.Thread);
            if (!isSame || own == StraceChild.Unknown)
            {
                return null;
            }

            maker ??= task;
            kind = own;
        }

        if (maker is null)
        {
            return HasPendingClone() ? null : Adopt(process);
        }

        maker.EarlyChild = process;
        StraceTask? child = Make(maker, process, kind);
        if (child is not null)
        {
            child.HasLines = true;
        }

        return child;
    }

    /// <summary>Whether a thread runs before the call that made it has returned.</summary>
    private bool IsEarly(long id)
    {
        foreach (StraceTask task in _tasks.Values)
        {
            if (task.EarlyChild == id)
            {
                return true;
            }
        }

        return false;
    }

    private bool HasPendingClone()
    {
        foreach (StraceTask task in _tasks.Values)
        {
            if (task.Pending is { IsClone: true })
            {
                return true;
            }
        }

        return false;
    }

    private StraceTask AddThread(StraceTask maker, long id)
    {
        StraceTask task = maker.Space.Process.AddTask(id);
        _tasks[id] = task;
        return task;
    }

    private StraceTask AddProcess(StraceProcess space, StraceProcess parent, long id)
    {
        long parentId = parent == Root ? 0 : parent.Id;
        IVmtSink? sink = space.Writer is null ? null : _options.Children?.Open((ulong)parentId, (ulong)id);
        ImportSummary summary = sink is null ? new ImportSummary() : _summary.AddProcess((ulong)id);
        StraceWriter? writer = sink is null ? null : Begin(sink, summary, _options, $"{_options.Name}.{id}", space.Writer);
        StraceProcess process = new StraceProcess(writer, summary, space) { Id = id };
        if (_modes32.Remove(id))
        {
            process.Machine = StraceMachine.X86;
        }

        StraceTask task = process.AddTask(id);
        _tasks[id] = task;
        return task;
    }
}
