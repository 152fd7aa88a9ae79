using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Traces;

namespace VmSim.Host.Maps;

/// <summary>
/// Replays a trace, in the order of its records, on the memory that runs use, and compares it with the kernel's snapshots as it goes: when
/// a program is replaced, when a process ends, and before calls at which the capture took one.
/// </summary>
/// <remarks>
/// What exec maps (program, interpreter, stack) stands in no log of calls. It is taken from the snapshot at the program's start. So those
/// areas are right until a call changes them.
/// </remarks>
internal sealed class MapsReplay : ITraceObserver
{
    private const int MaxNotes = 10;

    /// <summary>Frames come in blocks on demand, so a pool that never runs out costs nothing.</summary>
    private const ulong PoolBytes = 1UL << 40;

    private readonly KernelMaps _maps;
    private readonly Dictionary<string, int> _files = new(StringComparer.Ordinal);
    private readonly List<ProgramFile> _fileList;
    private readonly PageCache _cache;
    private readonly VirtualMemoryOptions _options;
    private readonly Stack<TracedProcess> _processes = new();
    private readonly HashSet<ulong> _seen = [];
    private bool _hasInitial;
    private bool _isExecuting;

    private MapsReplay(KernelMaps maps, IReadOnlyList<ProgramFile> files, ulong main, VirtualMemoryOptions options)
    {
        _maps = maps;
        _options = options;
        _fileList = [.. files];
        for (int i = 0; i < files.Count; i++)
        {
            _files[files[i].Path] = i;
        }

        IEnumerable<KernelSnapshot> starts = maps.Snapshots.Where(snapshot => snapshot.Event == SnapshotEvent.Start);
        foreach (KernelArea area in starts.SelectMany(start => start.Areas))
        {
            if (IsFile(area) && _files.TryAdd(area.Name, _fileList.Count))
            {
                _fileList.Add(new ProgramFile(area.Name));
            }
        }

        _cache = new PageCache(new FramePool(PoolBytes));
        Push(main, NewMemory());
    }

    /// <summary>What was found.</summary>
    public MapsVerdict Verdict { get; } = new();

    private TracedProcess Current => _processes.Peek();

    /// <summary>Replays a trace.</summary>
    /// <param name="open">Opens the trace's records; called twice.</param>
    /// <param name="openFile">Opens a child's trace by name; null when there is none.</param>
    /// <param name="maps">The kernel's snapshots.</param>
    /// <param name="process">The trace's process; null for the first that is no tracer.</param>
    /// <exception cref="TraceFormatException">The trace is damaged.</exception>
    public static MapsVerdict Run(Func<IVmtSource> open, Func<string, Stream?> openFile, KernelMaps maps, ulong? process)
    {
        LoadedTrace loaded = VmtReader.Load(open(), new TraceLoadOptions { OpenFile = openFile });
        MapsReplay replay = new(maps, loaded.Image.Files, process ?? FirstOf(maps), new VirtualMemoryOptions());
        replay.Verdict.Notes.AddRange(loaded.Warnings);
        VmtReader.Load(open(), new TraceLoadOptions { OpenFile = openFile, Observer = replay });
        replay.End();
        replay.NoteUnseen();
        return replay.Verdict;
    }

    /// <inheritdoc/>
    public void Initial(SystemCall call)
    {
        if (IsKnown(call))
        {
            return;
        }

        if (!_hasInitial && call.Name != TraceNames.GuessedMapping)
        {
            // the trace says itself what its program begins with
            _hasInitial = true;
            Current.TakeNext(SnapshotEvent.Start);
        }

        Current.HasBegun = true;
        Release(Current.Memory.Apply(call).Release);
    }

    /// <inheritdoc/>
    public void Call(long record, SystemCall call)
    {
        if (_isExecuting)
        {
            // exec's own call, which unmaps everything: the memory is a new one
            _isExecuting = false;
            return;
        }

        if (IsKnown(call))
        {
            return;
        }

        Begin();
        if (Current.TakePoint(call, out int skipped) is { } point)
        {
            Verdict.SkippedPoints += skipped;
            Compare(point, $"before {TracedProcess.Describe(call)} (record {record})");
        }

        ulong oldBreak = Current.Memory.Break.Value;
        MmResult result = Current.Memory.Apply(call);
        Current.Note(record, call, oldBreak);
        Release(result.Release);
        if (result.Error is { } error)
        {
            Verdict.FailedCalls++;
            Note($"record {record}: {TracedProcess.Describe(call)} fails in the replay: {error.Kind}");
        }
    }

    /// <inheritdoc/>
    public void Execute(long record)
    {
        if (Current.HasBegun && Current.TakeNext(SnapshotEvent.Execute) is { } snapshot)
        {
            Compare(snapshot, "before exec");
        }

        Leave(Current.Memory);
        Current.Memory = NewMemory();
        Current.Forget();
        Current.HasBegun = false;
        Current.IsToldByKernel = false;
        Current.HasAccesses = false;
        Current.Faults = 0;
        _hasInitial = false;
        _isExecuting = true;
    }

    /// <inheritdoc/>
    public void Access(AccessKind kind, ulong page, ulong pages)
    {
        Begin();
        Current.HasAccesses = true;
        for (ulong end = page + pages; page < end; page++)
        {
            Use(kind, new VirtAddr(page << PageSizes.BaseShift));
        }
    }

    /// <inheritdoc/>
    public void BeginChild(ulong process)
    {
        Begin();
        VirtualMemory? memory = Current.Memory.Fork(new PageTable(PageTableFormats.X64), _cache.Pool, out MmResult effect);
        Release(effect.Release);
        TracedProcess parent = Current;
        Push(process, memory ?? NewMemory());
        Current.Inherit(parent);
    }

    /// <inheritdoc/>
    public void EndChild()
    {
        End();
        Leave(_processes.Pop().Memory);
    }

    /// <summary>Whether a mapping is one that the trace guesses and that the kernel has told.</summary>
    private bool IsKnown(SystemCall call)
    {
        if (call.Name != TraceNames.GuessedMapping)
        {
            return false;
        }

        Begin();
        return Current.IsToldByKernel;
    }

    private static bool IsFile(KernelArea area) => area.Name.Length > 0 && area.Name[0] == '/';

    /// <summary>The first process that has a snapshot at its end and is none of the programs that trace others.</summary>
    private static ulong FirstOf(KernelMaps maps)
    {
        string[] tracers = ["strace", "perf", "setarch", "vmtmaps"];
        KernelSnapshot? first = maps.Snapshots.Find(snapshot => snapshot.Event is SnapshotEvent.Start or SnapshotEvent.Exit
            && !tracers.Contains(Path.GetFileName(snapshot.Program)));
        return first?.Process ?? maps.Snapshots[0].Process;
    }

    private VirtualMemory NewMemory() => new(new PageTable(PageTableFormats.X64), _cache.Pool, _cache, _options, _fileList);

    private void Push(ulong process, VirtualMemory memory)
    {
        _seen.Add(process);
        _processes.Push(new TracedProcess(process, memory, _maps.Of(process)));
    }

    /// <summary>Before the first call of a program: maps what exec has mapped, unless the trace says it.</summary>
    private void Begin()
    {
        if (Current.HasBegun)
        {
            return;
        }

        Current.HasBegun = true;
        if (_hasInitial || Current.TakeNext(SnapshotEvent.Start) is not { } start)
        {
            return;
        }

        Current.IsToldByKernel = true;
        foreach (KernelArea area in start.Areas.Where(area => !MapsComparison.KernelMade.Contains(area.Name)))
        {
            Release(Current.Memory.Apply(new SystemCall
            {
                Kind = SystemCallKind.Map,
                Start = new VirtAddr(area.Start),
                Length = area.End - area.Start,
                Protection = area.Rights,
                Source = IsFile(area) ? MappingSource.File : MappingSource.Anonymous,
                Shared = area.IsShared,
                FileId = IsFile(area) ? _files[area.Name] : -1,
                Offset = IsFile(area) ? area.Offset : 0,
                Name = area.Name,
            }).Release);
        }
    }

    private void Use(AccessKind kind, VirtAddr address)
    {
        VirtualMemory memory = Current.Memory;
        EntryInfo leaf = memory.Table.Query(address);
        if (leaf.Present && (kind != AccessKind.Store || (leaf.Flags & PageFlags.Write) != 0))
        {
            return;
        }

        FaultResult result = memory.HandleFault(address, kind);
        Current.Faults += result.Succeeded ? 1 : 0;
        Verdict.FailedAccesses += result.Succeeded ? 0 : 1;
        Release(result.Release);
    }

    private void End()
    {
        TracedProcess process = Current;
        if (process.TakeNext(SnapshotEvent.Exit) is { } snapshot)
        {
            Begin();
            Compare(snapshot, "at its end");
        }
        else
        {
            Note($"process {process.Id} has no snapshot at its end; was it ended by a signal?");
        }
    }

    private void Compare(KernelSnapshot snapshot, string moment)
    {
        TracedProcess process = Current;
        List<MapsDifference> differences = MapsComparison.Compare(snapshot, process.Memory);
        (ulong anonymous, ulong other) = MapsComparison.Resident(snapshot);
        ResidentPages resident = process.Memory.Resident;
        Verdict.Checks.Add(new MapsCheck(
            process.Id, snapshot.Program, moment, snapshot.Areas.Count, differences, process.PartingOf(differences))
        {
            Compared = snapshot.Areas.Count(area => !MapsComparison.KernelMade.Contains(area.Name)),
            OtherThreads = Math.Max(0, snapshot.Threads - 1),
            Resident = !process.HasAccesses
                ? null
                : new ResidentCheck(
                    anonymous >> PageSizes.BaseShift, other >> PageSizes.BaseShift, (ulong)resident.Anonymous,
                    (ulong)(resident.File + resident.SharedMemory), snapshot.MinorFaults, process.Faults),
        });
    }

    /// <summary>Gives back what a process shares with others, as its end does.</summary>
    private static void Leave(VirtualMemory memory)
    {
        if (memory.Clear().Release is { } batch)
        {
            memory.Release(batch);
        }
    }

    private void Release(ReleaseBatch? batch)
    {
        if (batch is not null)
        {
            Current.Memory.Release(batch);
        }
    }

    private void Note(string text)
    {
        if (Verdict.Notes.Count < MaxNotes)
        {
            Verdict.Notes.Add(text);
        }
    }

    /// <summary>Descendants of the trace's process that have a snapshot and no trace.</summary>
    private void NoteUnseen()
    {
        HashSet<ulong> family = [.. _seen];
        foreach (KernelSnapshot snapshot in _maps.Snapshots)
        {
            if (family.Contains(snapshot.Parent) && family.Add(snapshot.Process))
            {
                Note($"process {snapshot.Process} ({snapshot.Program}) is not in the trace");
            }
        }
    }
}
