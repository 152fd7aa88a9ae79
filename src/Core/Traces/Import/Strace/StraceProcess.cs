namespace VmSim.Core.Traces.Import.Strace;

/// <summary>A process of a log, with its own address space.</summary>
internal sealed class StraceProcess
{
    private int _threads;

    /// <summary>Makes a process.</summary>
    /// <param name="writer">Where its trace is written; null if it is left out.</param>
    /// <param name="summary">Where its calls are counted.</param>
    /// <param name="parent">The process that made it; null for the first one.</param>
    public StraceProcess(StraceWriter? writer, ImportSummary summary, StraceProcess? parent)
    {
        Writer = writer;
        Order = writer is null ? null : new StraceOrder(writer);
        Summary = summary;
        Files = parent is null ? new StraceDescriptors() : new StraceDescriptors(parent.Files);
        Segments = parent is null ? [] : new Dictionary<ulong, ulong>(parent.Segments);
        Break = parent?.Break ?? 0;
        HeapStart = parent?.HeapStart ?? 0;
        Machine = parent?.Machine ?? StraceMachine.X64;
    }

    /// <summary>The number that traces know it by; -1 for the first process.</summary>
    public long Id { get; init; } = -1;

    /// <summary>Where its trace is written; null if it is left out.</summary>
    public StraceWriter? Writer { get; }

    /// <summary>The order of its calls; null if it is left out.</summary>
    public StraceOrder? Order { get; }

    /// <summary>Where its calls are counted.</summary>
    public ImportSummary Summary { get; }

    /// <summary>What its descriptors are.</summary>
    public StraceDescriptors Files { get; }

    /// <summary>Bytes of the shared segments that are attached, by address.</summary>
    public Dictionary<ulong, ulong> Segments { get; }

    /// <summary>Its threads that have not ended.</summary>
    public List<StraceTask> Tasks { get; } = [];

    /// <summary>The thread whose memory it uses until it executes a program (vfork); null for memory of its own.</summary>
    public StraceTask? Lender { get; set; }

    /// <summary>Where its heap ends; 0 if that is not known.</summary>
    public ulong Break { get; set; }

    /// <summary>Where its heap begins, as the first brk behind an exec answers; 0 if that is not known.</summary>
    public ulong HeapStart { get; set; }

    /// <summary>Whether the log has the exec of its program.</summary>
    public bool HasExecuted { get; set; }

    /// <summary>How its calls are numbered.</summary>
    public StraceMachine Machine { get; set; }

    /// <summary>Adds a thread.</summary>
    public StraceTask AddTask(long id)
    {
        StraceTask task = new StraceTask(id, this, _threads++);
        Tasks.Add(task);
        return task;
    }

    /// <summary>Forgets the thread that was added last; its number is given to the next one.</summary>
    public void Forsake(StraceTask task)
    {
        Tasks.Remove(task);
        _threads = task.Thread;
    }

    /// <summary>Takes the bytes of the segment that is attached at an address; 0 if they are not known.</summary>
    public ulong TakeSegment(ulong address) => Segments.Remove(address, out ulong bytes) ? bytes : 0;
}

/// <summary>A thread of a log.</summary>
internal sealed class StraceTask(long id, StraceProcess process, int thread)
{
    /// <summary>The kernel's number; -1 if the log does not say.</summary>
    public long Id { get; set; } = id;

    /// <summary>The process it belongs to.</summary>
    public StraceProcess Process { get; set; } = process;

    /// <summary>Its number in the trace.</summary>
    public int Thread { get; set; } = thread;

    /// <summary>
    /// Whether it is a process of its own that shares its parent's memory for good: clone with CLONE_VM, without CLONE_THREAD.
    /// </summary>
    public bool IsBorrower { get; set; }

    /// <summary>Whether a call that made it has returned.</summary>
    public bool IsReturned { get; set; }

    /// <summary>Whether it has lines, but no call in the log that made it.</summary>
    public bool IsAdopted { get; set; }

    /// <summary>Who made it, for one that ran before that call returned; null if the log does not say yet.</summary>
    public StraceTask? Maker { get; set; }

    /// <summary>Whether it has called exit, so that a further line is of another thread with its number.</summary>
    public bool IsGone => HasExited || Pending is { Call: StraceCall.Exit };

    /// <summary>Whether it has a line in the log.</summary>
    public bool HasLines { get; set; }

    /// <summary>Whether it called exit.</summary>
    public bool HasExited { get; set; }

    /// <summary>The call that it is in; null for none.</summary>
    public StraceName? Pending { get; set; }

    /// <summary>The beginning of that call.</summary>
    public byte[] PendingText { get; set; } = [];

    /// <summary>Which of all calls of the log that began the one is that it is in; 0 for none.</summary>
    public long Began { get; set; }

    /// <summary>The child that the clone it is in has made and that ran before it returned; -1 for none.</summary>
    public long EarlyChild { get; set; } = -1;

    /// <summary>The thread whose memory its calls change: itself, or the one that waits for it in vfork.</summary>
    public StraceTask Space
    {
        get
        {
            StraceTask task = this;
            while (task.Process.Lender is { } lender)
            {
                task = lender;
            }

            return task;
        }
    }
}
