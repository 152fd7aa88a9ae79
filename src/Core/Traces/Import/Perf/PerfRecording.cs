namespace VmSim.Core.Traces.Import.Perf;

/// <summary>The processes and threads of a recording.</summary>
/// <remarks>
/// The first process that uses memory is the trace's. Processes that it forked get traces of their own, and so do those that the recording
/// has beside it. A line that names a thread alone is of the process that the thread is known to belong to, or of the first one.
/// </remarks>
internal sealed class PerfRecording(IVmtSink sink, ImportSummary summary, ImportOptions options)
{
    private const int MaxThreads = 1 << 20;
    private const int Examples = 5;
    private readonly Dictionary<ulong, PerfProcess> _processes = [];
    private readonly Dictionary<ulong, PerfThread> _threads = [];

    /// <summary>Threads that were made, of which it is not known whether they are processes, and who made them.</summary>
    private readonly Dictionary<ulong, PerfThread> _unborn = [];

    private readonly HashSet<ulong> _leftOut = [];
    private PerfProcess? _first;

    /// <summary>Flushes while no process of the recording ran.</summary>
    public PerfFlushes OtherFlushes { get; } = new();

    /// <summary>Flushes of processes that have ended.</summary>
    public long Flushes { get; private set; }

    /// <summary>The thread of a line; null for the idle task and for threads that perf does not know.</summary>
    /// <param name="process">The process that the line names; 0 for none.</param>
    /// <param name="id">The thread.</param>
    /// <param name="core">The core it ran on; -1 for none known.</param>
    public PerfThread? Get(ulong process, ulong id, int core)
    {
        if (id == 0)
        {
            return null;
        }

        if (!_threads.TryGetValue(id, out PerfThread? thread) || (process != 0 && thread.Process.Id != process))
        {
            thread = Create(process, id);
        }

        thread?.RanOn(core);
        return thread;
    }

    /// <summary>The thread of a line, if it is known already.</summary>
    public PerfThread? Find(ulong id, int core)
    {
        PerfThread? thread = _threads.GetValueOrDefault(id);
        thread?.RanOn(core);
        return thread;
    }

    /// <summary>A process that is known already.</summary>
    public PerfProcess? FindProcess(ulong id) => _processes.GetValueOrDefault(id);

    /// <summary>A process, made if it is not known.</summary>
    public PerfProcess GetProcess(ulong id) => _processes.GetValueOrDefault(id) ?? AddProcess(id, parent: null);

    /// <summary>A thread made another.</summary>
    /// <param name="maker">The thread that made it.</param>
    /// <param name="id">The thread that was made.</param>
    /// <param name="process">Its process; 0 if the line does not say.</param>
    /// <param name="namesProcesses">Whether lines of this recording name processes, so that the new thread's first line will.</param>
    public void Fork(PerfThread maker, ulong id, ulong process, bool namesProcesses)
    {
        if (id == 0 || _threads.ContainsKey(id) || _unborn.ContainsKey(id))
        {
            return;
        }

        bool? isThread = process != 0 ? process == maker.Process.Id : maker.Call?.MakesThread;
        if (isThread is null && namesProcesses)
        {
            _unborn[id] = maker;
            return;
        }

        if (isThread ?? true)
        {
            AddThread(maker.Process, id, maker);
            return;
        }

        ulong child = process == 0 ? id : process;
        maker.Process.Fork(maker, child);
        AddThread(AddProcess(child, maker.Process), id, maker: null);
    }

    /// <summary>A thread ended.</summary>
    public void Exit(ulong id)
    {
        _unborn.Remove(id);
        if (!_threads.Remove(id, out PerfThread? thread))
        {
            return;
        }

        PerfProcess process = thread.Process;
        if (thread.Call is { Form: not null } call)
        {
            ImportSummary.Add(process.Summary.WithoutResult, call.Name);
        }

        process.Exit(thread);
        if (process.Living == 0)
        {
            End(process);
        }
    }

    /// <summary>Ends all traces.</summary>
    public void Finish()
    {
        foreach (PerfThread thread in _threads.Values)
        {
            if (thread.Call is { Form: not null } call)
            {
                ImportSummary.Add(thread.Process.Summary.WithoutResult, call.Name);
            }

            thread.Process.NoteCores(thread);
        }

        foreach (PerfProcess process in _processes.Values.ToList())
        {
            End(process);
        }

        _first?.Finish();
        if (_leftOut.Count > 0)
        {
            string some = string.Join(", ", _leftOut.Order().Take(Examples)) + (_leftOut.Count > Examples ? ", ..." : "");
            summary.Notes.Add($"No traces are written for {_leftOut.Count:N0} of the processes, or for later ones of that number: {some}.");
        }
    }

    private PerfThread? Create(ulong process, ulong id)
    {
        if (_threads.Count >= MaxThreads)
        {
            return null;
        }

        if (_unborn.Remove(id, out PerfThread? maker))
        {
            if (process == maker.Process.Id || process == 0)
            {
                return AddThread(maker.Process, id, maker);
            }

            maker.Process.Fork(maker, process);
            return AddThread(AddProcess(process, maker.Process), id, maker: null);
        }

        return AddThread(GetProcess(process != 0 ? process : _first?.Id ?? id), id, maker: null);
    }

    private PerfThread AddThread(PerfProcess process, ulong id, PerfThread? maker)
    {
        PerfThread thread = process.AddThread(id, maker);
        _threads[id] = thread;
        return thread;
    }

    private PerfProcess AddProcess(ulong id, PerfProcess? parent)
    {
        PerfProcess process;
        if (_first is null)
        {
            process = _first = new PerfProcess(id, sink, summary, options, parent: null);
        }
        else
        {
            // A process that none of the recording forked names itself as its parent.
            ulong parentId = parent is null ? id : parent == _first ? 0 : parent.Id;
            IVmtSink? target = options.Children?.Open(parentId, id);
            if (target is null)
            {
                _leftOut.Add(id);
            }

            process = new PerfProcess(id, target ?? Nowhere.Instance, new ImportSummary(), options, parent);
        }

        _processes[id] = process;
        return process;
    }

    private void End(PerfProcess process)
    {
        _processes.Remove(process.Id);
        Flushes += process.Flushes.Count;
        if (process != _first)
        {
            process.Finish();
            options.Children?.Close(process.Id, process.Summary);
        }
    }

    /// <summary>Takes what no trace is written of.</summary>
    private sealed class Nowhere : IVmtSink
    {
        public static readonly Nowhere Instance = new();

        public void Write(in VmtRecord record)
        {
        }
    }
}
