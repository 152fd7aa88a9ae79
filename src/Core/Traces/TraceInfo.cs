using VmSim.Core.Statistics;

namespace VmSim.Core.Traces;

/// <summary>What a trace holds.</summary>
public sealed class TraceInfo
{
    /// <summary>Points of the working-set curve.</summary>
    public const int Epochs = 60;

    private const int MaxNames = 1000;

    /// <summary>The header, or null.</summary>
    public string? Header { get; private set; }

    /// <summary>Records of the trace, comments left out.</summary>
    public long Records { get; private set; }

    /// <summary>Instruction fetches, collapsed ones counted one by one.</summary>
    public long Fetches { get; private set; }

    /// <summary>References that load, collapsed ones counted one by one.</summary>
    public long Loads { get; private set; }

    /// <summary>Stores, with the loads collapsed into them.</summary>
    public long Stores { get; private set; }

    /// <summary>Kernel accesses to user buffers.</summary>
    public long KernelAccesses { get; private set; }

    /// <summary>Call sites that it names.</summary>
    public long CallSites { get; private set; }

    /// <summary>Calls of which it says from where they were made.</summary>
    public long CallsWithSite { get; private set; }

    /// <summary>All accesses of the program itself.</summary>
    public long Accesses => Saturating.Add(Fetches, Saturating.Add(Loads, Stores));

    /// <summary>Accesses of each thread, by its number in the trace.</summary>
    public SortedDictionary<int, long> Threads { get; } = [];

    /// <summary>Records of each kind other than accesses, by name.</summary>
    public SortedDictionary<string, long> Operations { get; } = new(StringComparer.Ordinal);

    /// <summary>Calls in which threads slept, by name: how often, and for how long in nanoseconds, where that is known.</summary>
    public SortedDictionary<string, (long Count, long Nanoseconds)> Sleeps { get; } = new(StringComparer.Ordinal);

    /// <summary>How often threads had no core where they slept in no call, and for how long in nanoseconds, where that is known.</summary>
    public (long Count, long Nanoseconds) OffCore { get; private set; }

    /// <summary>Files that mappings name.</summary>
    public int Files { get; private set; }

    /// <summary>Different pages used, of all and by kind.</summary>
    public (long All, long Fetched, long Loaded, long Stored) Pages { get; private set; }

    /// <summary>Reuse distances of data pages.</summary>
    public ReuseDistances DataReuse { get; } = new();

    /// <summary>Reuse distances of instruction pages.</summary>
    public ReuseDistances FetchReuse { get; } = new();

    /// <summary>Different pages used in each of <see cref="Epochs"/> equal parts of the trace.</summary>
    public IReadOnlyList<int> WorkingSet { get; private set; } = [];

    /// <summary>Where reading ended when the trace is damaged and that was allowed; null otherwise.</summary>
    public string? Damage { get; private set; }

    /// <summary>Reads a trace twice: once to count, once for the working set and the distances.</summary>
    /// <param name="open">Opens the trace from its beginning.</param>
    /// <param name="salvage">Whether a damaged trace is described up to the damage.</param>
    /// <exception cref="TraceFormatException">The trace is damaged.</exception>
    public static TraceInfo Compute(Func<IVmtSource> open, bool salvage = false)
    {
        ArgumentNullException.ThrowIfNull(open);
        TraceInfo info = new TraceInfo();
        info.Pass(open(), salvage, info.CountRecord);
        info.Trace(open(), salvage);
        return info;
    }

    private delegate void Take(in VmtRecord record);

    private void Pass(IVmtSource source, bool salvage, Take take)
    {
        VmtRecord record = default;
        try
        {
            while (source.Read(ref record))
            {
                take(record);
            }
        }
        catch (TraceFormatException error) when (salvage)
        {
            Damage = error.Message;
        }
        finally
        {
            (source as IDisposable)?.Dispose();
        }
    }

    private int _thread;

    private void CountRecord(in VmtRecord record)
    {
        Records++;
        switch (record.Kind)
        {
            case VmtKind.Comment:
                Header ??= record.Text;
                break;
            case VmtKind.Thread:
                _thread = (int)record.Number;
                Threads.TryAdd(_thread, 0);
                break;
            case VmtKind.Fetch:
                Fetches = Saturating.Add(Fetches, (long)record.Count);
                break;
            case VmtKind.Load:
                Loads = Saturating.Add(Loads, (long)record.Count);
                break;
            case VmtKind.Store:
                Stores = Saturating.Add(Stores, (long)record.Count);
                break;
            case VmtKind.KernelLoad or VmtKind.KernelStore:
                KernelAccesses++;
                break;
            case VmtKind.File:
                Files++;
                break;
            case VmtKind.Sleep:
                CountSleep(record);
                break;
            case VmtKind.Site:
                CallSites++;
                break;
            case VmtKind.CalledFrom:
                CallsWithSite++;
                break;
            default:
                string name = record.Kind == VmtKind.Call ? VmtCalls.FormOf(record.Call).Name : NameOf(record.Kind);
                Operations[name] = Operations.GetValueOrDefault(name) + 1;
                break;
        }

        if (record.IsAccess)
        {
            Threads[_thread] = Saturating.Add(Threads.GetValueOrDefault(_thread), (long)record.Count);
        }
    }

    private void CountSleep(in VmtRecord record)
    {
        if (record.Text == VmtRules.OffCore)
        {
            OffCore = (OffCore.Count + 1, Saturating.Add(OffCore.Nanoseconds, (long)record.Nanoseconds));
            return;
        }

        // names come from the trace, so that their number is bounded here
        string name = Sleeps.Count < MaxNames || Sleeps.ContainsKey(record.Text!) ? record.Text! : "others";
        (long count, long nanoseconds) = Sleeps.GetValueOrDefault(name);
        Sleeps[name] = (count + 1, Saturating.Add(nanoseconds, (long)record.Nanoseconds));
    }

    private void Trace(IVmtSource source, bool salvage)
    {
        long length = Math.Max(1, (Accesses / Epochs) + (Accesses % Epochs > 0 ? 1 : 0));
        int[] workingSet = new int[Epochs];
        Dictionary<ulong, (int Epoch, byte Kinds)> seen = new Dictionary<ulong, (int Epoch, byte Kinds)>();
        long done = 0;
        Pass(source, salvage, Take);
        WorkingSet = workingSet;
        Pages = (
            seen.Count,
            seen.Values.LongCount(page => (page.Kinds & 1) != 0),
            seen.Values.LongCount(page => (page.Kinds & 2) != 0),
            seen.Values.LongCount(page => (page.Kinds & 4) != 0));

        void Take(in VmtRecord record)
        {
            if (!record.IsAccess)
            {
                return;
            }

            int epoch = (int)Math.Min(done / length, Epochs - 1);
            done = Saturating.Add(done, (long)record.Count);
            (int last, byte kinds) = seen.GetValueOrDefault(record.Page, (-1, (byte)0));
            workingSet[epoch] += last == epoch ? 0 : 1;
            seen[record.Page] = (epoch, (byte)(kinds | (1 << (record.Kind - VmtKind.Fetch))));
            (record.Kind == VmtKind.Fetch ? FetchReuse : DataReuse).Use(record.Page, record.Count);
        }
    }

    private static string NameOf(VmtKind kind) => kind switch
    {
        VmtKind.InitialMap => "initial maps",
        VmtKind.Clone => "clone",
        VmtKind.Exit => "thread exits",
        VmtKind.Fork => "fork",
        VmtKind.Exec => "exec",
        VmtKind.Map => "mmap",
        VmtKind.Unmap => "munmap",
        VmtKind.Protect => "mprotect",
        VmtKind.Break => "brk",
        VmtKind.Remap => "mremap",
        VmtKind.Advise => "madvise",
        _ => kind.ToString(),
    };
}
