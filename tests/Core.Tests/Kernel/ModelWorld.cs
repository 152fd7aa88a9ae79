using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Paging;
using VmSim.Core.Workloads;

namespace VmSim.Core.Tests.Kernel;

/// <summary>A page of the naive model: one entry a mapped page, with what a program would read there.</summary>
internal sealed record ModelPage
{
    public Protection Rights { get; init; }

    public bool Shared { get; init; }

    public bool Guard { get; init; }

    public MemoryObject? Source { get; init; }

    public ulong SourcePage { get; init; }

    /// <summary>What the page holds for this process alone; null while it reads through to the object.</summary>
    public long? Private { get; init; }
}

/// <summary>A process of the model beside the space under test.</summary>
internal sealed class ModelProcess(VirtualMemory memory)
{
    public VirtualMemory Memory { get; } = memory;

    public SortedDictionary<ulong, ModelPage> Pages { get; } = [];
}

/// <summary>
/// Some processes with one frame pool, and beside them a model that knows nothing of frames: every page of every process is a value. What
/// the spaces do with frames must never be visible in the values.
/// </summary>
internal sealed class ModelWorld
{
    private readonly Dictionary<PhysAddr, long> _frameValues = [];
    private readonly Dictionary<(MemoryObject, ulong), long> _objectValues = [];
    private readonly List<(VirtualMemory Memory, ReleaseBatch Batch)> _pending = [];
    private readonly int _tablePagesMax = int.MaxValue;
    private long _nextValue = 1;

    public ModelWorld(ulong poolBytes, VirtualMemoryOptions options, bool warm, IReadOnlyList<ProgramFile> files, int maxReferences = int.MaxValue)
    {
        Pool = new FramePool(poolBytes, maxReferences: maxReferences);
        Cache = new PageCache(Pool, warm);
        Processes.Add(new ModelProcess(new VirtualMemory(NewTable(), Pool, Cache, options, files)));
    }

    public FramePool Pool { get; }

    public PageCache Cache { get; }

    public List<ModelProcess> Processes { get; } = [];

    public List<PageTable> Tables { get; } = [];

    /// <summary>The most table pages each space may have.</summary>
    public int TablePagesMax
    {
        get => _tablePagesMax;
        init
        {
            _tablePagesMax = value;
            Tables.ForEach(table => table.TablePagesMax = value);
        }
    }

    public PageTable NewTable()
    {
        PageTable table = new(PageTableFormats.X64) { TablePagesMax = _tablePagesMax };
        Tables.Add(table);
        return table;
    }

    /// <summary>Keeps what an operation gave up out of reach for some operations.</summary>
    public void Hold(VirtualMemory memory, ReleaseBatch? batch)
    {
        if (batch is not null)
        {
            _pending.Add((memory, batch));
        }
    }

    /// <summary>Releases the oldest batches until at most <paramref name="keep"/> are pending.</summary>
    public void ReleaseAllBut(int keep)
    {
        while (_pending.Count > keep)
        {
            _pending[0].Memory.Release(_pending[0].Batch);
            _pending.RemoveAt(0);
        }
    }

    /// <summary>One access, faults included; the value read or written must be the model's.</summary>
    public FaultKind Access(ModelProcess process, ulong page, AccessKind kind)
    {
        VirtAddr address = VirtAddr.OfPage(page);
        FaultKind last = FaultKind.Spurious;
        for (int attempt = 0; attempt < 3; attempt++)
        {
            EntryInfo leaf = process.Memory.Table.Query(address);
            if (IsAllowed(leaf, kind))
            {
                Touch(process, page, kind, FrameAt(leaf, address));
                return last;
            }

            FaultResult result = process.Memory.HandleFault(address, kind, user: true);
            last = result.Kind;
            Hold(process.Memory, result.Release);
            if (!result.Succeeded)
            {
                Assert.Equal(Expected(process, page, kind, last), last);
                return last;
            }

            AfterFault(process, page, leaf);
        }

        throw new InvalidOperationException($"page {page:x} still faults after three attempts, last {last}");
    }

    /// <summary>Frames without a known value hold zeros now; values of frames that are free are forgotten.</summary>
    public void Settle()
    {
        foreach (PhysAddr frame in _frameValues.Keys.Where(frame => !Pool.Owns(frame)).ToList())
        {
            _frameValues.Remove(frame);
        }

        foreach (ModelProcess process in Processes)
        {
            foreach ((VirtAddr _, EntryInfo leaf) in LeavesOf(process.Memory.Table))
            {
                for (ulong page = 0; page < leaf.Size.BasePages(); page++)
                {
                    PhysAddr frame = leaf.Frame + (page << 12);
                    if (Pool.KindOf(frame) == FrameKind.Anonymous)
                    {
                        _frameValues.TryAdd(frame, 0);
                    }
                }
            }
        }
    }

    /// <summary>Pages past a file's new end read as zeros if it grows again.</summary>
    public void ForgetObjectValues(MemoryObject source, ulong pages)
    {
        foreach ((MemoryObject, ulong) key in _objectValues.Keys.Where(key => ReferenceEquals(key.Item1, source) && key.Item2 >= pages).ToList())
        {
            _objectValues.Remove(key);
        }
    }

    /// <summary>Every rule that must hold between areas, tables, frames, objects and counts.</summary>
    public void CheckInvariants()
    {
        Dictionary<PhysAddr, int> references = [];
        foreach (ModelProcess process in Processes)
        {
            CheckSpace(process, references);
        }

        foreach ((VirtualMemory _, ReleaseBatch batch) in _pending)
        {
            foreach (FrameRun run in batch.Frames)
            {
                AddReferences(references, run.First, run.Count);
            }
        }

        foreach (PhysAddr frame in Objects().SelectMany(source => source.Frames))
        {
            AddReferences(references, frame, 1);
        }

        Assert.Equal(references.Count, Pool.Allocated);
        foreach ((PhysAddr frame, int count) in references)
        {
            Assert.True(count == Pool.References(frame), $"frame {frame} has {Pool.References(frame)} references, {count} are reachable");
        }
    }

    /// <summary>Ends every process; only the page cache may keep frames.</summary>
    public void EndAll()
    {
        foreach (ModelProcess process in Processes)
        {
            Hold(process.Memory, process.Memory.Clear().Release);
        }

        Processes.Clear();
        ReleaseAllBut(0);
        Assert.Equal(Cache.CachedPages, Pool.Allocated);
        Assert.All(Cache.Files, file => Assert.Equal(0, file.MappedPages));
    }

    /// <summary>Everything that a refused operation must leave alone, as text.</summary>
    public string Dump()
    {
        System.Text.StringBuilder text = new();
        foreach (ModelProcess process in Processes)
        {
            text.Append("space ").Append(process.Memory.Resident).Append(" break ").Append(process.Memory.Break).AppendLine();
            foreach (AreaInfo area in process.Memory.Areas)
            {
                text.Append(area).AppendLine();
            }

            foreach ((VirtAddr page, EntryInfo leaf) in LeavesOf(process.Memory.Table))
            {
                text.Append(page).Append(' ').Append(leaf.Frame).Append(' ').Append(leaf.Size).Append(' ').Append(leaf.Flags).Append(' ');
                text.Append(Pool.References(leaf.Frame)).Append(' ').Append(Pool.Owns(leaf.Frame) && Pool.IsExclusive(leaf.Frame)).AppendLine();
            }
        }

        foreach (MemoryObject source in Objects())
        {
            text.Append(source.Name).Append(' ').Append(source.Bytes).Append(' ').Append(source.MappedPages).Append(' ');
            text.Append(source.DirtyPages).Append(' ').AppendJoin(' ', source.Frames).AppendLine();
        }

        return text.Append(Pool.Allocated).ToString();
    }

    public static IEnumerable<(VirtAddr Page, EntryInfo Leaf)> LeavesOf(PageTable table)
    {
        List<(VirtAddr, EntryInfo)> leaves = [];
        foreach (MappedLeaf leaf in table.Leaves(default, 1UL << 47))
        {
            leaves.Add((leaf.Address, leaf.Entry));
        }

        return leaves;
    }

    private static bool IsAllowed(in EntryInfo leaf, AccessKind kind) => leaf.Present
        && (kind != AccessKind.Store || (leaf.Flags & PageFlags.Write) != 0)
        && (kind != AccessKind.Fetch || (leaf.Flags & PageFlags.Execute) != 0);

    private static PhysAddr FrameAt(in EntryInfo leaf, VirtAddr address) => leaf.Frame + (address.Value & (leaf.Size.Bytes() - 1) & ~0xFFFUL);

    private static void AddReferences(Dictionary<PhysAddr, int> references, PhysAddr first, ulong count)
    {
        for (ulong page = 0; page < count; page++)
        {
            PhysAddr frame = first + (page << 12);
            references[frame] = references.GetValueOrDefault(frame) + 1;
        }
    }

    private IEnumerable<MemoryObject> Objects() => Cache.Files
        .Concat(Processes.SelectMany(process => process.Pages.Values).Select(page => page.Source).OfType<MemoryObject>().Distinct())
        .Distinct();

    private FaultKind Expected(ModelProcess process, ulong page, AccessKind kind, FaultKind found)
    {
        if (!process.Pages.TryGetValue(page, out ModelPage? model) || model.Guard || !IsAllowed(model.Rights, kind))
        {
            return FaultKind.SegmentationFault;
        }

        if (model is { Source: { } source, Private: null } && !source.HasPage(model.SourcePage))
        {
            return FaultKind.BusError;
        }

        Assert.Equal(FaultKind.OutOfMemory, found);
        return FaultKind.OutOfMemory;
    }

    private static bool IsAllowed(Protection rights, AccessKind kind) => kind switch
    {
        AccessKind.Store => (rights & Protection.Write) != 0,
        AccessKind.Fetch => (rights & Protection.Execute) != 0,
        _ => rights != Protection.None,
    };

    /// <summary>Copies what the kernel copies: the page that was there, or the object's page, into a new private frame.</summary>
    private void AfterFault(ModelProcess process, ulong page, in EntryInfo before)
    {
        VirtAddr address = VirtAddr.OfPage(page);
        PhysAddr now = FrameAt(process.Memory.Table.Query(address), address);
        bool isNew = Pool.KindOf(now) == FrameKind.Anonymous && !Pool.IsZero(now) && (!before.Present || FrameAt(before, address) != now);
        if (isNew)
        {
            ModelPage model = process.Pages[page];
            _frameValues[now] = before.Present ? ValueOf(process, page, FrameAt(before, address))
                : model.Source is { } source ? ObjectValue(source, model.SourcePage) : 0;
        }

        Settle();
    }

    private void Touch(ModelProcess process, ulong page, AccessKind kind, PhysAddr frame)
    {
        ModelPage model = process.Pages[page];
        Assert.False(model.Guard);
        Assert.True(IsAllowed(model.Rights, kind), $"page {page:x} allows {kind} against its rights {model.Rights}");
        Assert.Equal(Value(model), ValueOf(process, page, frame));
        if (kind != AccessKind.Store)
        {
            return;
        }

        Assert.False(Pool.IsZero(frame), "a store reached the page of zeros");
        long value = _nextValue++;
        if (model.Shared)
        {
            _objectValues[(model.Source!, model.SourcePage)] = value;
            return;
        }

        Assert.Equal(FrameKind.Anonymous, Pool.KindOf(frame));
        _frameValues[frame] = value;
        process.Pages[page] = model with { Private = value };
    }

    private long Value(ModelPage model) => model.Private ?? (model.Source is { } source ? ObjectValue(source, model.SourcePage) : 0);

    private long ObjectValue(MemoryObject source, ulong page) => _objectValues.GetValueOrDefault((source, page));

    private long ValueOf(ModelProcess process, ulong page, PhysAddr frame)
    {
        if (Pool.IsZero(frame))
        {
            return 0;
        }

        if (Pool.KindOf(frame) == FrameKind.Anonymous)
        {
            return _frameValues[frame];
        }

        ModelPage model = process.Pages[page];
        Assert.True(model.Source!.TryGetFrame(model.SourcePage, out PhysAddr expected), "an object's frame is mapped that the object does not know");
        Assert.Equal(expected, frame);
        return ObjectValue(model.Source, model.SourcePage);
    }

    private void CheckSpace(ModelProcess process, Dictionary<PhysAddr, int> references)
    {
        ResidentPages counted = default;
        foreach ((VirtAddr address, EntryInfo leaf) in LeavesOf(process.Memory.Table))
        {
            long pages = (long)leaf.Size.BasePages();
            Assert.True(process.Pages.ContainsKey(address.PageNumber), $"{address} is mapped outside every area");
            counted = Pool.IsZero(leaf.Frame) ? counted with { Zero = counted.Zero + pages } : counted.Plus(Pool.KindOf(leaf.Frame), pages);
            bool writable = (leaf.Flags & PageFlags.Write) != 0;
            ModelPage model = process.Pages[address.PageNumber];
            Assert.True(!writable || (model.Rights & Protection.Write) != 0, $"{address} is writable in an area that is not");
            if (!Pool.IsZero(leaf.Frame))
            {
                Assert.True(!writable || model.Shared || Pool.IsExclusive(leaf.Frame), $"{address} is a writable private page that is not exclusive");
                AddReferences(references, leaf.Frame, leaf.Size.BasePages());
            }
        }

        Assert.Equal(counted, process.Memory.Resident);
        List<ulong> inAreas = [];
        foreach (AreaInfo area in process.Memory.Areas)
        {
            for (ulong page = area.Range.Start.PageNumber; page < area.Range.End.PageNumber; page++)
            {
                inAreas.Add(page);
            }
        }

        Assert.Equal(process.Pages.Keys, inAreas);
    }
}
