using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Testing.Models;

/// <summary>
/// Some processes with one frame pool, and beside them a model that knows nothing of frames: every page of every process is a value. What
/// the spaces do with frames must never be visible in the values.
/// </summary>
internal sealed partial class ModelWorld
{
    private readonly Dictionary<PhysAddr, long> _frameValues = [];
    private readonly Dictionary<PhysAddr, long> _outsideValues = [];
    private readonly Dictionary<(MemoryObject, ulong), long> _objectValues = [];
    private readonly List<(VirtualMemory Memory, ReleaseBatch Batch)> _pending = [];
    private readonly List<MemoryObject> _unnamedObjects = [];
    private readonly ReferenceCounts _references;
    private readonly int _tablePagesMax = int.MaxValue;
    private long _nextValue = 1;

    public ModelWorld(
        ulong poolBytes, VirtualMemoryOptions options, bool warm, IReadOnlyList<ProgramFile> files, int maxReferences = int.MaxValue)
    {
        Pool = new FramePool(poolBytes, maxReferences: maxReferences);
        _references = new ReferenceCounts(Pool);
        Cache = new PageCache(Pool, warm);
        Processes.Add(new ModelProcess(new VirtualMemory(NewTable(), Pool, Cache, options, files)));
    }

    public FramePool Pool { get; }

    public PageCache Cache { get; }

    public long[] Faults { get; } = new long[(int)FaultKind.OutOfMemory + 1];

    public List<ModelProcess> Processes { get; } = [];

    public List<PageTable> Tables { get; } = [];

    /// <summary>Where all operations play.</summary>
    public AddrRange<VirtAddr> Window { get; init; } = AddrRange.Of(default(VirtAddr), 1UL << 47);

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

    /// <summary>Gets to know an object that a mapping made.</summary>
    public void Know(MemoryObject source)
    {
        if (!Cache.Files.Contains(source) && !_unnamedObjects.Contains(source))
        {
            _unnamedObjects.Add(source);
        }
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
            (VirtualMemory memory, ReleaseBatch batch) = _pending[0];
            _pending.RemoveAt(0);
            memory.Release(batch);
            foreach (FrameRun run in batch.Frames)
            {
                ForgetFreeFrames(run);
            }
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

            TranslationSnapshot? translations = page % 8 == 0 ? new(process.Memory.Table, Window) : null;
            FaultResult result = process.Memory.HandleFault(address, kind);
            last = result.Kind;
            Faults[(int)last]++;
            translations?.CheckAgainst(new TranslationSnapshot(process.Memory.Table, Window), result.Dead, tablesFreed: false);
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

    /// <summary>Copies what the kernel copies when it takes write faults itself: new private frames get the value of the frame before,
    /// which is the process's own from then on.</summary>
    /// <param name="process">The process.</param>
    /// <param name="before">Its translations before the call; null when everything in the range is newly mapped.</param>
    /// <param name="first">The first page that the call populated.</param>
    /// <param name="pages">How many.</param>
    public void CopyPopulated(ModelProcess process, TranslationSnapshot? before, ulong first, ulong pages)
    {
        foreach (ulong page in process.Pages.Keys.Where(page => page - first < pages).ToList())
        {
            EntryInfo leaf = process.Memory.Table.Query(VirtAddr.OfPage(page));
            PhysAddr frame = FrameAt(leaf, VirtAddr.OfPage(page));
            if (!leaf.Mapped || process.Pages[page].Outside is not null || Pool.IsZero(frame) || Pool.KindOf(frame) != FrameKind.Anonymous
                || _frameValues.ContainsKey(frame))
            {
                continue;
            }

            ModelPage model = process.Pages[page];
            long value = before?.FrameOf(page) is { } old ? ValueOf(process, page, old)
                : model.Source is { } source ? ObjectValue(source, model.SourcePage) : 0;
            _frameValues[frame] = value;
            process.Pages[page] = model with { Private = value };
        }
    }

    /// <summary>A page that has left its object reads as zeros.</summary>
    public void ForgetIfRemoved(MemoryObject source, ulong page)
    {
        if (!source.TryGetFrame(page, out _))
        {
            _objectValues.Remove((source, page));
        }
    }

    /// <summary>Pages past a file's new end read as zeros if it grows again.</summary>
    public void ForgetObjectValues(MemoryObject source, ulong pages)
    {
        foreach ((MemoryObject, ulong) key in _objectValues.Keys.Where(key => ReferenceEquals(key.Item1, source)
            && key.Item2 >= pages).ToList())
        {
            _objectValues.Remove(key);
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

    /// <summary>Everything that a refused operation must leave alone, as a digest.</summary>
    public ulong Digest()
    {
        ulong digest = Mix(14_695_981_039_346_656_037, (ulong)Pool.Allocated);
        foreach (VirtualMemory memory in Processes.Select(process => process.Memory))
        {
            digest = Mix(digest, memory.Break.Value, (ulong)memory.Resident.Mapped, (ulong)memory.Table.TablePages);
            foreach (AddrRange<VirtAddr> guards in memory.GuardRanges)
            {
                digest = Mix(digest, guards.Start.Value, guards.Last.Value);
            }

            foreach (AreaInfo area in memory.Areas)
            {
                digest = Mix(digest, area.Range.Start.Value, area.Range.Last.Value, (ulong)area.Flags, area.Offset);
            }

            foreach (MappedLeaf leaf in memory.Table.Leaves(Window.Start, Window.Size))
            {
                PhysAddr frame = leaf.Entry.Frame;
                bool exclusive = Pool.Owns(frame) && Pool.IsExclusive(frame);
                digest = Mix(digest, leaf.Address.Value, frame.Value, (ulong)leaf.Entry.Flags, (ulong)leaf.Entry.Size);
                digest = Mix(digest, (ulong)Pool.References(frame), exclusive ? 1UL : 0);
            }
        }

        foreach (MemoryObject source in Objects())
        {
            digest = Mix(digest, source.Bytes, (ulong)source.MappedPages, (ulong)source.DirtyPages, (ulong)source.CachedPages);
        }

        return digest;
    }

    private static ulong Mix(ulong digest, params ReadOnlySpan<ulong> values)
    {
        foreach (ulong value in values)
        {
            digest = (digest ^ value) * 1_099_511_628_211;
            digest ^= digest >> 29;
        }

        return digest;
    }

    private static bool IsAllowed(in EntryInfo leaf, AccessKind kind) => leaf.Present
        && (kind != AccessKind.Store || (leaf.Flags & PageFlags.Write) != 0)
        && (kind != AccessKind.Fetch || (leaf.Flags & PageFlags.Execute) != 0);

    private static PhysAddr FrameAt(in EntryInfo leaf, VirtAddr address) =>
        leaf.Frame + (address.Value & (leaf.Size.Bytes() - 1) & ~0xFFFUL);

    private IEnumerable<MemoryObject> Objects() => Cache.Files.Concat(_unnamedObjects);

    private FaultKind Expected(ModelProcess process, ulong page, AccessKind kind, FaultKind found)
    {
        if (!process.Pages.TryGetValue(page, out ModelPage? model) || model.Guard || model.Guarded
            || !IsAllowed(model.Rights, kind))
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
        Assert.Null(process.Pages[page].Outside);
        bool isNew = Pool.KindOf(now) == FrameKind.Anonymous && !Pool.IsZero(now) && (!before.Present || FrameAt(before, address) != now);
        if (isNew)
        {
            ModelPage model = process.Pages[page];
            _frameValues[now] = before.Present ? ValueOf(process, page, FrameAt(before, address))
                : model.Source is { } source ? ObjectValue(source, model.SourcePage) : 0;
        }
    }

    /// <summary>A frame that is free holds zeros for its next owner.</summary>
    private void ForgetFreeFrames(FrameRun run)
    {
        for (ulong page = 0; page < run.Count; page++)
        {
            PhysAddr frame = run.First + (page << 12);
            if (!Pool.Owns(frame))
            {
                _frameValues.Remove(frame);
            }
        }
    }

    private void Touch(ModelProcess process, ulong page, AccessKind kind, PhysAddr frame)
    {
        ModelPage model = process.Pages[page];
        Assert.False(model.Guard || model.Guarded);
        Assert.True(IsAllowed(model.Rights, kind), "a page allows an access against its rights");
        Assert.Equal(Value(model), ValueOf(process, page, frame));
        if (kind != AccessKind.Store)
        {
            return;
        }

        long value = _nextValue++;
        if (model.Outside is { } outside)
        {
            _outsideValues[outside] = value;
            return;
        }

        Assert.False(Pool.IsZero(frame), "a store reached the page of zeros");
        if (model.Shared)
        {
            _objectValues[(model.Source!, model.SourcePage)] = value;
            return;
        }

        Assert.Equal(FrameKind.Anonymous, Pool.KindOf(frame));
        _frameValues[frame] = value;
        process.Pages[page] = model with { Private = value };
    }

    private long Value(ModelPage model) =>
        model.Outside is { } outside ? _outsideValues.GetValueOrDefault(outside)
        : model.Private ?? (model.Source is { } source ? ObjectValue(source, model.SourcePage) : 0);

    private long ObjectValue(MemoryObject source, ulong page) => _objectValues.GetValueOrDefault((source, page));

    private long ValueOf(ModelProcess process, ulong page, PhysAddr frame)
    {
        if (process.Pages[page].Outside is not null)
        {
            return _outsideValues.GetValueOrDefault(frame);
        }

        if (Pool.IsZero(frame))
        {
            return 0;
        }

        if (Pool.KindOf(frame) == FrameKind.Anonymous)
        {
            return _frameValues.GetValueOrDefault(frame);
        }

        ModelPage model = process.Pages[page];
        Assert.True(
            model.Source!.TryGetFrame(model.SourcePage, out PhysAddr expected),
            "an object's frame is mapped that the object does not know");
        Assert.Equal(expected, frame);
        return ObjectValue(model.Source, model.SourcePage);
    }
}
