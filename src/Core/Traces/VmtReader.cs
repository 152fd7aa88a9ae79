using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>
/// Makes a program out of a .vmt trace. Each thread is a stream of packed operations, with the few events that keep the order that matters
/// between threads (<see cref="TraceOrder"/>). The traces of forked children become child programs.
/// </summary>
/// <remarks>
/// Initial mappings that grow down (MAP_GROWSDOWN, the stack) are made as long as Linux lets them grow by default: 8 MiB (RLIMIT_STACK,
/// _STK_LIM in include/uapi/linux/resource.h), or down to the next mapping. An initial [heap] mapping at or above the first break is
/// Valgrind's reservation and is left out. The program gets its heap from its own brk calls.
/// </remarks>
public sealed partial class VmtReader
{
    private const int MaxDepth = 64;

    /// <summary>Records that are read at once: 16 KiB.</summary>
    private const int AccessesAtOnce = 1024;

    private const ulong GrowsDown = 0x100;
    private readonly IVmtSource _source;
    private readonly TraceLoadOptions _options;
    private readonly TraceFamily _family;
    private readonly int _depth;
    private readonly Dictionary<int, int> _files;
    private readonly Dictionary<int, CallSite> _sites;
    private readonly Dictionary<int, TraceThread> _byNumber = [];
    private readonly List<TraceThread> _threads = [];
    private readonly List<TraceThread> _unseen = [];
    private readonly List<SystemCall> _initial = [];
    private readonly List<ProgramImage> _children = [];
    private readonly ReadingBudget _budget = new();
    private readonly TraceOrder _order;
    private TraceThread _current;
    private int _owedClones;
    private bool _mainIsBound;
    private bool _hasExecuted;
    private ulong? _firstBreak;
    private ulong? _initialBreak;
    private ulong _break;
    private long _accesses;
    private long _records;

    private VmtReader(
        IVmtSource source,
        TraceLoadOptions options,
        TraceFamily family,
        Dictionary<int, int> files,
        Dictionary<int, CallSite> sites,
        int depth)
    {
        _sites = sites;
        _source = source;
        _options = options;
        _family = family;
        _files = files;
        _depth = depth;
        _order = new TraceOrder(_budget, options.Order);
        _current = AddThread(-1, 0);
    }

    /// <summary>Reads a trace to its end: text, plain or gzip, or binary.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="file">Its name, for messages and for finding children's traces.</param>
    /// <param name="options">How to read; null for the defaults.</param>
    /// <exception cref="TraceFormatException">The trace is cut off or damaged, or a line does not follow the format.</exception>
    public static LoadedTrace Load(Stream stream, string file, TraceLoadOptions? options = null)
    {
        options ??= new TraceLoadOptions();
        IVmtSource source = Open(stream, file, options);
        using IDisposable? held = source as IDisposable;
        return Load(source, options);
    }

    /// <summary>Reads a trace from any source of records to its end.</summary>
    /// <param name="source">The records.</param>
    /// <param name="options">How to read; null for the defaults.</param>
    /// <exception cref="TraceFormatException">The trace is cut off or damaged.</exception>
    public static LoadedTrace Load(IVmtSource source, TraceLoadOptions? options = null)
    {
        options ??= new TraceLoadOptions();
        TraceFamily family = new TraceFamily();
        return new VmtReader(source, options, family, [], [], 0).Read(options.Name ?? TraceNames.ProgramOf(source.File));
    }

    private static IVmtSource Open(Stream stream, string file, TraceLoadOptions options) =>
        options.OpenSource?.Invoke(stream, file) ?? TraceSources.OpenToKeep(stream, file, options.Salvage);

    private LoadedTrace Read(string name)
    {
        VmtRecord record = default;
        VmtAccess[] accesses = new VmtAccess[AccessesAtOnce];
        try
        {
            while (true)
            {
                if (_source.ReadAccesses(accesses) is > 0 and int count)
                {
                    TakeAccesses(accesses.AsSpan(0, count));
                    continue;
                }

                if (!_source.Read(ref record))
                {
                    break;
                }

                _budget.Records = ++_records;
                Take(ref record);
            }
        }
        catch (TraceFormatException error) when (_options.Salvage)
        {
            _family.Warnings.Add($"{error.Message}. The {_records} records before it are used.");
        }

        if (_depth == 0)
        {
            _family.Finish(_source.File);
        }

        return _family.Loaded(Build(name), _accesses, _records);
    }

    private void Take(ref VmtRecord record)
    {
        if (_current.HasEnded && IsOfThread(record.Kind))
        {
            // its number is used again, as after a t record
            Switch(_current.Number);
        }

        switch (record.Kind)
        {
            case VmtKind.Fetch:
                Access(AccessKind.Fetch, record.Page, record.Count);
                break;
            case VmtKind.Load:
                Access(AccessKind.Load, record.Page, record.Count);
                break;
            case VmtKind.Store:
                Access(AccessKind.Store, record.Page, record.Count);
                break;
            case VmtKind.KernelLoad:
                KernelAccess(ControlKind.KernelLoad, ref record);
                break;
            case VmtKind.KernelStore:
                KernelAccess(ControlKind.KernelStore, ref record);
                break;
            case VmtKind.Thread:
                Switch((int)record.Number);
                break;
            case VmtKind.Clone:
                Clone();
                break;
            case VmtKind.Exit:
                Exit((int)record.Number);
                break;
            case VmtKind.Fork:
                Fork(record.Number);
                break;
            case VmtKind.Exec:
                Execute();
                break;
            case VmtKind.File or VmtKind.Site:
                Name(ref record);
                break;
            case VmtKind.InitialMap:
                InitialMap(ref record);
                break;
            case VmtKind.Break:
                SetBreak(record.Break);
                break;
            case VmtKind.Comment:
                _family.TakeComment(_source.File, record.Text!);
                break;
            case VmtKind.Sleep:
                Sleep(ref record);
                break;
            case VmtKind.CalledFrom:
                NoteSite((int)record.Number);
                return;
            default:
                Call(ref record);
                break;
        }

        if (IsOfThread(record.Kind))
        {
            NoteRecord(_current);
            _current.NextSite = null;
        }
    }

    /// <summary>Whether a record says what the current thread did.</summary>
    private bool IsOfThread(VmtKind kind) =>
        kind is not (VmtKind.Thread or VmtKind.Exit or VmtKind.Comment or VmtKind.File or VmtKind.Site)
        && (kind != VmtKind.InitialMap || _hasExecuted);

    private TraceThread AddThread(int parent, long place)
    {
        ReadingBudget.RequireThread(_threads.Count, _source);
        TraceThread thread = new TraceThread(_threads.Count) { LastRecord = _records };
        _threads.Add(thread);
        _latest.AddLast(thread.Place);
        _order.AddThread(parent, place);
        return thread;
    }

    /// <summary>Starts a new thread at this point of the current one.</summary>
    private TraceThread StartThread()
    {
        if (_threads.Count == 1 && _options.Order == ReplayOrder.Pages)
        {
            NoteUsesAlone();
        }

        // what stands behind a thread's end is not done, so that another one starts this
        TraceThread? maker = _current.HasEnded ? _threads.Find(thread => !thread.HasEnded) : _current;
        if (maker is null)
        {
            TraceThread first = AddThread(-1, 0);
            first.StartsRunnable = true;
            return first;
        }

        long place = maker.Operations.Add(Operation.ControlWord(ControlKind.StartThread, (ulong)_threads.Count));
        return AddThread(maker.Index, place);
    }

    /// <summary>A number that was not seen before belongs to the oldest thread made but not seen, or to the one made as that number. A
    /// thread
    /// that runs before its maker has returned from clone (threads captured in parallel) starts where it is first seen.</summary>
    private void Switch(int number)
    {
        if (_byNumber.TryGetValue(number, out TraceThread? known))
        {
            _current = known;
            return;
        }

        if (!_mainIsBound)
        {
            _mainIsBound = true;
        }
        else if (_unseen.Count > 0)
        {
            int index = Math.Max(0, _unseen.FindIndex(thread => thread.Index == number));
            _current = _unseen[index];
            _unseen.RemoveAt(index);
        }
        else
        {
            _owedClones++;
            _current = StartThread();
        }

        _current.Number = number;
        _byNumber.Add(number, _current);
    }

    private void Clone()
    {
        if (_owedClones > 0)
        {
            _owedClones--;
            return;
        }

        _unseen.Add(StartThread());
    }

    private void Exit(int number)
    {
        if (_byNumber.Remove(number, out TraceThread? thread))
        {
            thread.Exit();
            _ended[number] = thread;
            NoteRecord(thread);
        }
    }

    private void Fork(ulong processId)
    {
        string name = $"{TraceNames.ProgramOf(_source.File)}.{processId}";
        ReadingBudget.RequireProcess(++_family.Processes, _source);
        long place = _current.Operations.Add(Operation.ControlWord(ControlKind.Fork, (ulong)_children.Count));
        _order.Fork(_current.Index, place);
        _children.Add(LoadChild(processId, name));
    }

    private ProgramImage LoadChild(ulong processId, string name)
    {
        foreach (string candidate in _depth < MaxDepth
            && _options.OpenFile is not null ? TraceNames.ChildrenOf(_source.File, processId) : [])
        {
            using Stream? stream = _options.OpenFile!(candidate);
            if (stream is not null)
            {
                IVmtSource source = Open(stream, candidate, _options);
                using IDisposable? held = source as IDisposable;
                VmtReader reader = new VmtReader(source, _options, _family, new(_files), new(_sites), _depth + 1)
                {
                    _firstBreak = _firstBreak,
                    _break = _break,
                    _hasExecuted = _hasExecuted,
                };
                _options.Observer?.BeginChild(processId);
                ProgramImage child = reader.Read(name).Image;
                _options.Observer?.EndChild();
                return child;
            }
        }

        _family.Warnings.Add(
            $"{_source.File}: process {processId} was forked but has no trace (such as "
                + $"{TraceNames.ChildrenOf(_source.File, processId)[0]}); it ends at once.");
        return new ProgramImage { Name = name, Files = _family.Files, Threads = [new TraceThread(0).Build(name, [], _options)] };
    }

    /// <summary>exec replaces the address space: everything goes, and the initial maps that follow become calls of the thread.</summary>
    private void Execute()
    {
        if (_depth == 0 && _threads.Count == 1 && _current.Operations.Count == 0 && _initial.Count == 0)
        {
            // the image begins with its first program, in a space of its own
            return;
        }

        _hasExecuted = true;
        _firstBreak = null;
        _options.Observer?.Execute(_records);
        Add(new SystemCall { Kind = SystemCallKind.Unmap, Length = TraceCalls.UserBytes }, 0, TraceCalls.UserBytes);
    }

    private void InitialMap(ref VmtRecord record)
    {
        SystemCall call = TraceCalls.Map(ref record, FileOf(record.FileId));
        if (_hasExecuted)
        {
            Add(call, record.Start, record.Bytes);
            return;
        }

        SystemCall initial = TraceCalls.GrowDown(call, (record.Flags & GrowsDown) != 0, _initial);
        _initial.Add(initial);
        _options.Observer?.Initial(initial);
    }

    private ProgramImage Build(string name)
    {
        ulong firstBreak = _depth > 0 ? 0 : _initialBreak ?? 0;
        _initial.RemoveAll(call => call.Name == "[heap]" && firstBreak != 0 && call.Start.Value >= firstBreak);
        if (!_order.KeepsPages)
        {
            _family.Warnings.Add(
                $"{_source.File}: {_threads.Count} threads hand over so many pages to each other that the order of their stores and loads "
                    + "is kept in a part of the trace alone (replay.order = pages).");
        }

        if (!_order.KeepsSleeps)
        {
            _family.Warnings.Add(
                $"{_source.File}: {_threads.Count} threads sleep so often that what woke them is kept in a part of the trace alone; "
                    + "after it a sleep lasts as long as it was recorded.");
        }

        if (_unknownWakers > 0)
        {
            _family.Warnings.Add(
                $"{_source.File}: sleeps that are said to have been ended by threads without a record before: {_unknownWakers}; "
                    + "they last as long as they were recorded.");
        }

        return new ProgramImage
        {
            Name = name,
            Files = _family.Files,
            InitialMappings = _initial,
            InitialBreak = new VirtAddr(firstBreak),
            Threads = [.. _threads.Select(thread => thread.Build(name, _order.InsertionsOf(thread.Index), _options))],
            Children = _children,
            EventCount = _order.EventCount,
        };
    }
}
