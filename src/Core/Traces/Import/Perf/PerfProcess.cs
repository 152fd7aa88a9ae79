using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import.Perf;

/// <summary>A process of a recording and the trace that is written of it.</summary>
internal sealed class PerfProcess
{
    private const ulong Private = 0x2;
    private const ulong Anonymous = 0x20;
    private const ulong GrowsDown = 0x100;

    /// <summary>No kernel maps the first page for a program (DEFAULT_MMAP_MIN_ADDR in mm/Kconfig): an access to it fails.</summary>
    private const ulong LeastAddress = PageSizes.BaseBytes;

    private readonly TraceEmitter _emitter;
    private readonly RegionGuess _guess;
    private readonly ImportedCalls _calls;
    private readonly List<PerfThread> _unmapping = [];
    private readonly List<string> _cores = [];
    private int _threads;
    private bool _hasRun;
    private bool _hasExecuted;

    /// <summary>A process that the recording begins with, or that another forked.</summary>
    /// <param name="id">Its number in the kernel.</param>
    /// <param name="sink">Takes its trace.</param>
    /// <param name="summary">Counts what is found of it.</param>
    /// <param name="options">How to import.</param>
    /// <param name="parent">The process that forked it; null for none in the recording.</param>
    public PerfProcess(ulong id, IVmtSink sink, ImportSummary summary, ImportOptions options, PerfProcess? parent)
    {
        Id = id;
        Summary = summary;
        _emitter = new TraceEmitter(sink, summary, options.Sets);
        _guess = new RegionGuess(_emitter);
        _calls = new ImportedCalls(_emitter, summary, _guess);
        Stacks = new PerfStacks(parent?.Stacks, options);
        _hasRun = parent is not null;
        if (parent is not null)
        {
            _guess.Inherit(parent._guess);
            _calls.Inherit(parent._calls);
        }

        _emitter.Header(options.Name);
    }

    /// <summary>Its number in the kernel.</summary>
    public ulong Id { get; }

    /// <summary>What was found of it.</summary>
    public ImportSummary Summary { get; }

    /// <summary>TLB flushes that the kernel did while its threads ran.</summary>
    public PerfFlushes Flushes { get; } = new();

    /// <summary>From where its threads make their calls.</summary>
    public PerfStacks Stacks { get; }

    /// <summary>Threads that live.</summary>
    public int Living { get; private set; }

    /// <summary>Whether it executed a program that has not run yet: what is mapped now is there from its start.</summary>
    public bool IsExecuting { get; private set; }

    /// <summary>A thread, made by another or there from the start.</summary>
    /// <param name="id">Its number in the kernel.</param>
    /// <param name="maker">The thread that made it; null for none known.</param>
    public PerfThread AddThread(ulong id, PerfThread? maker)
    {
        Living++;
        if (_threads > 0)
        {
            _emitter.CurrentThread = maker?.Number ?? 0;
            _emitter.Call(VmtRecord.Clone(id), "clone");
            _hasRun = true;
        }

        return new PerfThread(this, _threads++);
    }

    /// <summary>A thread made a process.</summary>
    public void Fork(PerfThread maker, ulong child)
    {
        _emitter.CurrentThread = maker.Number;
        _emitter.Call(VmtRecord.Fork(child), "fork");
        Summary.Children.Add(child);
        _hasRun = true;
    }

    /// <summary>A thread ended.</summary>
    public void Exit(PerfThread thread)
    {
        Living--;
        _unmapping.Remove(thread);
        NoteCores(thread);
        if (thread.Number != 0)
        {
            _emitter.Exit(thread.Number);
        }
    }

    /// <summary>Keeps the cores of a thread for the end of the trace.</summary>
    public void NoteCores(PerfThread thread)
    {
        const int MaxThreads = 65_536;
        if (thread.CoresComment is { } cores && _cores.Count < MaxThreads)
        {
            _cores.Add(cores);
        }
    }

    /// <summary>The process executes a program.</summary>
    public void Execute(PerfThread thread)
    {
        _emitter.CurrentThread = thread.Number;
        if (_hasRun)
        {
            _emitter.Execute();
        }

        _guess.BeginProgram(isLate: _hasRun);
        _calls.Execute();
        Stacks.Execute();
        _hasExecuted = true;
        IsExecuting = true;
    }

    /// <summary>The program runs: what is mapped from now on is mapped by it.</summary>
    public void Run() => IsExecuting = false;

    /// <summary>A use of memory by the program.</summary>
    /// <returns>False for an address that no program can have.</returns>
    public bool Touch(PerfThread thread, VmtKind kind, ulong address)
    {
        Run();
        _hasRun = true;
        _emitter.CurrentThread = thread.Number;
        if (address < LeastAddress || !_guess.Use(address))
        {
            return false;
        }

        _emitter.Reference(kind, address, 1);
        _ = kind == VmtKind.Fetch ? Summary.Fetches++ : Summary.DataReferences++;
        return true;
    }

    /// <summary>A use of the program's memory by the kernel.</summary>
    /// <returns>False for an address that no program can have.</returns>
    public bool KernelTouch(PerfThread thread, bool isStore, ulong address)
    {
        _emitter.CurrentThread = thread.Number;
        if (address < LeastAddress || !_guess.Use(address))
        {
            return false;
        }

        _hasRun = _hasRun || !IsExecuting;
        _emitter.KernelAccess(isStore, address, 1);
        return true;
    }

    /// <summary>A call of munmap begins: it is written at once if another thread gets the range before it ends.</summary>
    public void BeginUnmap(PerfThread thread) => _unmapping.Add(thread);

    /// <summary>A call that succeeded.</summary>
    public void Take(PerfThread thread, PerfCall call, ulong result)
    {
        Run();
        _hasRun = true;
        if (call.Form!.Number == 11)
        {
            _unmapping.Remove(thread);
        }

        if (call.Form.Number is 9 or 25)
        {
            UnmapEarly(thread, result, call.Form.Number == 9 ? call.Arguments[1] : call.Arguments[2]);
        }

        if (!call.IsWritten)
        {
            _emitter.CurrentThread = thread.Number;
            _emitter.CallFrom(call.Frames);
            _calls.Take(call.Form.Number, call.Arguments, call.Path, result);
            _emitter.CallFrom([]);
        }
    }

    /// <summary>A call that failed. madvise and mprotect change what they can before they come to a hole.</summary>
    public void TakeFailed(PerfThread thread, PerfCall call, string error)
    {
        Run();
        _unmapping.Remove(thread);
        ImportSummary.Add(Summary.Failed, $"{call.Name} {error}");
        VmtRecord? record = error != Errno.NoMemory.Name() ? null : call.Form?.Number switch
        {
            28 => VmtRecord.Advise(call.Arguments[0], call.Arguments[1], call.Arguments[2] & 0xFFFF_FFFF),
            10 => VmtRecord.Protect(call.Arguments[0], call.Arguments[1], call.Arguments[2] & 0xFFFF_FFFF),
            _ => null,
        };
        if (record is { } made && call.IsRead && VmtRules.IsLegal(made, hasText: false) && made.Bytes > 0)
        {
            _emitter.CurrentThread = thread.Number;
            _emitter.CallFrom(call.Frames);
            _emitter.Call(made.Answered(Errno.NoMemory), name: null);
        }
    }

    /// <summary>A thread slept and is awake again.</summary>
    public void Slept(PerfThread thread, VmtRecord sleep)
    {
        Run();
        _hasRun = true;
        _emitter.CurrentThread = thread.Number;
        _emitter.Call(sleep, name: null);
        Summary.AddSleep(sleep.Nanoseconds);
    }

    /// <summary>A thread had no core for so long, which nobody but another thread of its process can wait for.</summary>
    public void WasOffCore(PerfThread thread, ulong nanoseconds)
    {
        if (Living > 1)
        {
            _emitter.CurrentThread = thread.Number;
            _emitter.Call(VmtRecord.Sleep(VmtRules.OffCore, nanoseconds, WakeCause.Outside), name: null);
        }
    }

    /// <summary>A mapping that perf tells of by itself, not within a call.</summary>
    public void Mapped(PerfThread? thread, PerfMapping mapping)
    {
        bool isFile = mapping.Path.StartsWith('/') && !mapping.Path.StartsWith("//anon", StringComparison.Ordinal);
        string? name = mapping.Path.StartsWith('[') ? mapping.Path : null;
        ulong flags = (mapping.IsShared ? 1 : Private) | (isFile ? 0 : Anonymous) | (name == "[stack]" ? GrowsDown : 0);
        string? path = isFile ? mapping.Path : null;
        ulong offset = isFile ? mapping.Offset & ~(PageSizes.BaseBytes - 1) : 0;
        if (!VmtRules.IsRange(mapping.Start, mapping.Bytes))
        {
            ImportSummary.Add(Summary.NotSimulated, "mappings of an impossible range");
            return;
        }

        if (IsExecuting || !_hasRun)
        {
            if (!IsExecuting)
            {
                _guess.BeginProgram(isLate: false);
                IsExecuting = true;
            }

            _emitter.InitialMap(mapping.Start, mapping.Bytes, mapping.Rights, flags, path, offset, name);
            if (name == "[heap]" && !_hasExecuted)
            {
                _calls.HeapEnds(mapping.Start + mapping.Bytes);
            }
        }
        else if (_guess.IsMapped(mapping.Start, mapping.Bytes))
        {
            _emitter.CurrentThread = thread?.Number ?? 0;
            _emitter.Call(VmtRecord.Protect(mapping.Start, mapping.Bytes, mapping.Rights), "mprotect");
        }
        else
        {
            _emitter.CurrentThread = thread?.Number ?? 0;

            // The kernel tells of a whole area, which new anonymous memory may have been joined to.
            IReadOnlyList<(ulong, ulong)> parts = isFile
                ? [(mapping.Start, mapping.Bytes)]
                : _guess.Gaps(mapping.Start, mapping.Bytes);
            foreach ((ulong start, ulong bytes) in parts)
            {
                _emitter.Map(start, bytes, mapping.Rights, flags, path, offset);
            }
        }

        _guess.Change(mapping.Start, mapping.Bytes, mapped: true);
    }

    /// <summary>Ends the trace.</summary>
    public void Finish()
    {
        foreach (string comment in _cores.Concat(Flushes.Comments))
        {
            _emitter.Comment(comment);
        }

        _emitter.Finish();
        _guess.AddNotes(Summary);
    }

    /// <summary>Writes the munmap calls of other threads that must be over, since their range was given out again.</summary>
    private void UnmapEarly(PerfThread taker, ulong start, ulong bytes)
    {
        for (int i = _unmapping.Count - 1; i >= 0; i--)
        {
            PerfThread thread = _unmapping[i];
            PerfCall? call = thread.Call;
            if (call is null || thread == taker || start >= call.Arguments[0] + call.Arguments[1] || call.Arguments[0] >= start + bytes)
            {
                continue;
            }

            _unmapping.RemoveAt(i);
            _emitter.CurrentThread = thread.Number;
            _emitter.CallFrom(call.Frames);
            _calls.Take(call.Form!.Number, call.Arguments, path: null, result: 0);
            _emitter.CallFrom([]);
            call.IsWritten = true;
        }
    }
}

/// <summary>What a PERF_RECORD_MMAP or MMAP2 line says.</summary>
/// <param name="Start">First address.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Offset">Offset in the file, in bytes.</param>
/// <param name="Rights">PROT_ bits.</param>
/// <param name="IsShared">Whether it is shared.</param>
/// <param name="Path">The file, or a name such as [stack] or //anon.</param>
internal readonly record struct PerfMapping(ulong Start, ulong Bytes, ulong Offset, ulong Rights, bool IsShared, string Path);
