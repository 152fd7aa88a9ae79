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
    private readonly Dictionary<long, List<StraceTask>> _endedEarly = [];
    private readonly Dictionary<long, int> _uses = [];
    private readonly HashSet<long> _seen = [];
    private readonly SortedSet<long> _adopted = [];
    private readonly SortedSet<long> _executed = [];
    private readonly SortedSet<long> _silent = [];
    private readonly SortedSet<long> _mentioned = [];

    /// <summary>Begins with a process that the log has not named yet.</summary>
    /// <param name="sink">Where the first process's trace goes.</param>
    /// <param name="summary">What was found of it.</param>
    /// <param name="options">How the log is imported.</param>
    /// <param name="process">Its number if the log's name tells it; -1 otherwise.</param>
    public StraceFamily(IVmtSink sink, ImportSummary summary, ImportOptions options, long process)
    {
        _options = options;
        _summary = summary;
        _uses[process] = 1;
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

    /// <summary>Processes whose maker is not in the log, and that execute a program.</summary>
    public IReadOnlyCollection<long> Executed => _executed;

    /// <summary>Threads and processes of which the log has only signals and ends.</summary>
    public IReadOnlyCollection<long> Mentioned
    {
        get
        {
            _mentioned.ExceptWith(_seen);
            return _mentioned;
        }
    }

    /// <summary>Threads and processes that were made and have no line in the log.</summary>
    public IReadOnlyCollection<long> Silent => _silent;

    /// <summary>Whether a number is that of a thread that has not ended.</summary>
    public bool Knows(long process) => process < 0 || _tasks.ContainsKey(process);

    /// <summary>Ends a thread that has exited, if a line is not its own: its number is used again, and no end was printed.</summary>
    /// <param name="process">The number that the line begins with; -1 for none.</param>
    /// <param name="text">The line behind it.</param>
    public void EndIfGone(long process, ReadOnlySpan<byte> text)
    {
        if (process >= 0 && _tasks.TryGetValue(process, out StraceTask? task) && task.IsGone && !IsEnd(text))
        {
            End(task);
        }
    }

    /// <summary>The thread that a line belongs to.</summary>
    /// <param name="process">The number that the line begins with; -1 for none.</param>
    /// <param name="text">The line behind it.</param>
    /// <returns>Null if who made it is to be told by a later line.</returns>
    public StraceTask? Find(long process, ReadOnlySpan<byte> text)
    {
        if (process < 0)
        {
            return Unnamed(text);
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

        return FindEarly(process, text);
    }

    /// <summary>The thread with a number that no clone in the log returned: strace was attached later, or left the call out.</summary>
    /// <param name="process">Its number.</param>
    /// <param name="text">Its first line: one that executes a program is a process.</param>
    public StraceTask Adopt(long process, ReadOnlySpan<byte> text)
    {
        StraceTask task;
        if (IsExecution(text))
        {
            task = AddProcess(Root, Root, process);
            Root.Order?.Add(new StraceStep(First.Thread, VmtRecord.Fork((ulong)task.Process.Id), "fork"));
            Root.Summary.Children.Add((ulong)task.Process.Id);
            _executed.Add(process);
        }
        else
        {
            task = AddThread(First, process);
            task.IsAdopted = true;
            _adopted.Add(process);
        }

        task.HasLines = true;
        return task;
    }

    /// <summary>Forgets a thread that was adopted for a line which cannot be used.</summary>
    public void Forsake(StraceTask task)
    {
        _tasks.Remove(task.Id);
        _adopted.Remove(task.Id);
        _seen.Remove(task.Id);
        task.Process.Forsake(task);
    }

    /// <summary>A signal or an end is the first thing that the log has of a number.</summary>
    public void Mention(long process)
    {
        if (_mentioned.Count < MaxTasks)
        {
            _mentioned.Add(process);
        }
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
        StraceTask? made = TakeEarly(task, child);
        if (made is null && _tasks.TryGetValue(child, out StraceTask? before))
        {
            // its number is used again, and the log does not print ends
            End(before);
        }

        made ??= Make(task, child, kind);
        if (made is null)
        {
            return null;
        }

        made.IsReturned = true;
        StraceTask maker = made.Maker ?? task;
        maker.EarlyChild = maker.EarlyChild == child ? -1 : maker.EarlyChild;

        StraceTask space = task.Space;
        bool isThread = made.Process == space.Process;
        VmtRecord record = isThread ? VmtRecord.Clone((ulong)child) : VmtRecord.Fork((ulong)made.Process.Id);
        space.Process.Order?.Add(new StraceStep(space.Thread, record, isThread ? "clone" : "fork"));
        if (!isThread)
        {
            space.Process.Summary.Children.Add((ulong)made.Process.Id);
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
        StraceTask task = process.AddTask(child);

        // Another call that returns the number made another child.
        task.IsReturned = true;
        _tasks[child] = task;
    }

    private static bool IsResumed(ReadOnlySpan<byte> text) => text.StartsWith("<... "u8);

    private static bool IsEnd(ReadOnlySpan<byte> text) =>
        text.StartsWith("+++ "u8) || text.StartsWith("--- "u8) || text.StartsWith("<... exit"u8);

    private static bool IsExecution(ReadOnlySpan<byte> text) => text.StartsWith("execve"u8);

    private static StraceWriter Begin(IVmtSink sink, ImportSummary summary, ImportOptions options, string name, StraceWriter? parent)
    {
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets);
        emitter.Header(name);
        return parent is null ? new StraceWriter(emitter) : new StraceWriter(emitter, parent);
    }

    /// <summary>
    /// The thread of a line without a number in a log of standard error: strace prints numbers while it follows more than one.
    /// </summary>
    private StraceTask Unnamed(ReadOnlySpan<byte> text)
    {
        StraceTask found = First;
        if (_tasks.Count == 0 && IsExecution(text))
        {
            // another program in the same log (-A)
            return Adopt((long)StraceRules.MaxProcess + 1 + _executed.Count, text);
        }

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
    private StraceTask? FindEarly(long process, ReadOnlySpan<byte> text)
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
            return HasPendingClone() ? null : Adopt(process, text);
        }

        maker.EarlyChild = process;
        StraceTask? child = Make(maker, process, kind);
        if (child is not null)
        {
            child.HasLines = true;
            child.Maker = maker;
        }

        return child;
    }

    /// <summary>The child that ran before the call returned that made it; null for none.</summary>
    private StraceTask? TakeEarly(StraceTask maker, long child)
    {
        StraceTask? alive = _tasks.GetValueOrDefault(child);
        alive = alive is { IsReturned: false } ? alive : null;
        if (!_endedEarly.TryGetValue(child, out List<StraceTask>? ended) || alive?.Maker == maker)
        {
            return alive;
        }

        StraceTask made = ended.Find(task => task.Maker == maker) ?? ended[0];
        ended.Remove(made);
        if (ended.Count == 0)
        {
            _endedEarly.Remove(child);
        }

        return made;
    }

    /// <summary>Whether a thread is in a call that makes another one.</summary>
    public bool HasPendingClone()
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
        Add(task);
        return task;
    }

    private void Add(StraceTask task)
    {
        _tasks[task.Id] = task;
        if (_seen.Count < MaxTasks)
        {
            _seen.Add(task.Id);
        }
    }

    /// <summary>The number that traces know a process by: the kernel's, and one above all of those if it is used again.</summary>
    private long NumberOf(long id)
    {
        int uses = _uses.GetValueOrDefault(id);
        _uses[id] = uses + 1;
        return id + (uses * (long)StraceRules.MaxProcess);
    }

    private StraceTask AddProcess(StraceProcess space, StraceProcess parent, long id)
    {
        long parentId = parent == Root ? 0 : parent.Id;
        long number = NumberOf(id);
        IVmtSink? sink = space.Writer is null ? null : _options.Children?.Open((ulong)parentId, (ulong)number);
        ImportSummary summary = sink is null ? new ImportSummary() : _summary.AddProcess((ulong)number);
        StraceWriter? writer = sink is null ? null : Begin(sink, summary, _options, $"{_options.Name}.{number}", space.Writer);
        StraceProcess process = new StraceProcess(writer, summary, space) { Id = number };
        if (_modes32.Remove(id))
        {
            process.Machine = StraceMachine.X86;
        }

        StraceTask task = process.AddTask(id);
        Add(task);
        return task;
    }
}
