using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>A space with short names for what tests do to it.</summary>
internal sealed class TestSpace
{
    public const ulong Base = 0x7f00_0000_0000;
    public const int FileA = 0;
    public const int FileB = 1;
    public const int MemoryFile = 2;
    public const Protection ReadWrite = Protection.Read | Protection.Write;

    public static readonly ProgramFile[] Files = [new("/a", 4096 * 1000), new("/b", (4096 * 40) + 100), new("/dev/shm/x", 1 << 24)];

    public TestSpace(VirtualMemoryOptions? options = null, ulong poolBytes = 1UL << 30, bool warm = true)
    {
        Pool = new FramePool(poolBytes);
        options ??= new VirtualMemoryOptions();
        Memory = new VirtualMemory(new PageTable(PageTableFormats.X64), Pool, new PageCache(Pool, warm, options.Folios), options, Files);
    }

    public TestSpace(VirtualMemory memory)
    {
        Pool = memory.Frames;
        Memory = memory;
    }

    public FramePool Pool { get; }

    public VirtualMemory Memory { get; }

    public static VirtAddr At(ulong page) => new(Base + (page << 12));

    public MmResult Map(ulong page, ulong pages, Protection rights = ReadWrite, bool populate = false, bool shared = false) =>
        Ok(
            new SystemCall
            {
                Kind = SystemCallKind.Map,
                Start = At(page),
                Length = pages << 12,
                Protection = rights,
                Populate = populate,
                Shared = shared
            });

    public MmResult MapFile(int file, ulong page, ulong pages, ulong offsetPages = 0, bool shared = false, bool write = true) =>
        Ok(new SystemCall
        {
            Kind = SystemCallKind.Map,
            Start = At(page),
            Length = pages << 12,
            Protection = write ? ReadWrite : Protection.Read,
            Source = MappingSource.File,
            FileId = file,
            Offset = offsetPages << 12,
            Shared = shared,
        });

    public MmResult Unmap(ulong page, ulong pages) =>
        Ok(new SystemCall { Kind = SystemCallKind.Unmap, Start = At(page), Length = pages << 12 });

    public MmResult Protect(ulong page, ulong pages, Protection rights) =>
        Ok(new SystemCall { Kind = SystemCallKind.Protect, Start = At(page), Length = pages << 12, Protection = rights });

    public MmResult Advise(ulong page, ulong pages, Advice advice) =>
        Ok(new SystemCall { Kind = SystemCallKind.Advise, Start = At(page), Length = pages << 12, Advice = advice });

    public MmResult Ok(SystemCall call)
    {
        MmResult result = Memory.Apply(call);
        Assert.Null(result.Error);
        Release(result.Release);
        return result;
    }

    public FaultResult Fault(ulong page, AccessKind kind)
    {
        FaultResult result = Memory.HandleFault(At(page), kind);
        Release(result.Release);
        return result;
    }

    /// <summary>Accesses pages; faults by kind.</summary>
    public Dictionary<FaultKind, int> Touch(ulong page, ulong pages, AccessKind kind, ulong stride = 1)
    {
        Dictionary<FaultKind, int> faults = [];
        for (ulong each = page; each < page + pages; each += stride)
        {
            EntryInfo leaf = Memory.Table.Query(At(each));
            if (!leaf.Present || (kind == AccessKind.Store && (leaf.Flags & PageFlags.Write) == 0))
            {
                FaultKind found = Fault(each, kind).Kind;
                faults[found] = faults.GetValueOrDefault(found) + 1;
            }
        }

        return faults;
    }

    public TestSpace Fork(out MmResult effect)
    {
        VirtualMemory? child = Memory.Fork(new PageTable(PageTableFormats.X64), Pool, out effect);
        Assert.NotNull(child);
        return new TestSpace(child);
    }

    public void Exit() => Release(Memory.Clear().Release);

    private void Release(ReleaseBatch? batch)
    {
        if (batch is not null)
        {
            Memory.Release(batch);
        }
    }
}
