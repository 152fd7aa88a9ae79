using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Paging;

namespace VmSim.Core.Kernel;

/// <summary>What a guest's touch of its memory had the host do.</summary>
internal enum HostTouch
{
    /// <summary>Nothing: the host's table maps the page.</summary>
    Backed,

    /// <summary>It gave the page memory.</summary>
    Fresh,

    /// <summary>It read back what it had taken away.</summary>
    ReadBack,
}

/// <summary>
/// A virtual machine, as its host knows it: the table from guest-physical to host-physical pages, the host's memory behind it, and the
/// cores that have run it. Its guest is the kernel of one memory pool's processes. It changes where their messages are handled, in one
/// order.
/// </summary>
/// <remarks>
/// The host gives memory when the guest first touches it. Above its limit it takes back the pages that it gave longest ago, a batch at a
/// time: their entries go, every core that has run the guest drops all translations, and when the last has said so the memory is free for
/// others.
/// </remarks>
public sealed class GuestMachine
{
    /// <summary>Pages that a host takes away at a time, at least (SWAP_CLUSTER_MAX, include/linux/swap.h).</summary>
    internal const int ReclaimBatch = 32;

    private const PageFlags Backing = PageTableFormat.Rights | PageFlags.User;
    private readonly int _shift;
    private readonly long _limit;
    private readonly CoreMask _cores;

    /// <summary>Host's pages in guest-physical memory that are mapped, by their numbers, those given longest ago first.</summary>
    private readonly Queue<ulong> _given = new();

    /// <summary>4 KiB frames at which free memory of a host's page begins.</summary>
    private readonly Queue<ulong> _free = new();

    private readonly HashSet<ulong> _taken = [];
    private readonly Dictionary<long, OpenFlush> _flushes = [];
    private ulong _nextFrame;
    private long _nextFlush;

    /// <summary>Makes a virtual machine whose guest has touched nothing.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="table">An empty table: the host's.</param>
    /// <param name="index">Number of the memory pool, from 0.</param>
    /// <param name="firstFrame">The host's first 4 KiB frame; a multiple of 512.</param>
    internal GuestMachine(MachineSpec machine, PageTable table, int index, ulong firstFrame)
    {
        Table = table;
        Tag = new Asid(checked((ushort)(index + 1)));
        PageSize = SizeOf(machine.Guest);
        _shift = (int)PageSize;
        _limit = machine.Guest.HostMemory == 0 ? long.MaxValue : (long)(machine.Guest.HostMemory >> _shift);
        _cores = new CoreMask(machine.Cores);
        _nextFrame = firstFrame;
    }

    /// <summary>The host's table: from guest-physical addresses to host-physical ones.</summary>
    public PageTable Table { get; }

    /// <summary>The tag of nested translations.</summary>
    public Asid Tag { get; }

    /// <summary>Size of the host's pages.</summary>
    public PageSize PageSize { get; }

    /// <summary>Pages of the host that are mapped now.</summary>
    public int Resident => _given.Count;

    /// <summary>Who watches what the host does; null if nobody does.</summary>
    internal IHostWatch? Watch { get; set; }

    /// <summary>Cores that have run the guest, and so may hold translations of it.</summary>
    internal CoreMask Cores => _cores;

    /// <summary>Size of the host's pages by the setting.</summary>
    internal static PageSize SizeOf(GuestSpec guest) => guest.HostPage == "2M" ? PageSize.Size2M : PageSize.Size4K;

    /// <summary>A core runs the guest from now on.</summary>
    internal void RunsOn(CoreId core)
    {
        if (!_cores.Contains(core.Value))
        {
            _cores.Add(core.Value);
        }
    }

    /// <summary>The guest touches a 4 KiB page of its memory.</summary>
    /// <param name="guestPage">Its guest-physical number.</param>
    /// <param name="visibleAt">When walkers see what is stored.</param>
    /// <param name="windowStart">No walker asks for an earlier time.</param>
    internal HostTouch Touch(ulong guestPage, long visibleAt, long windowStart)
    {
        ulong number = guestPage >> (_shift - PageSizes.BaseShift);
        VirtAddr address = new(number << _shift);
        EntryInfo leaf = Table.Query(address);
        if (leaf.Present)
        {
            return HostTouch.Backed;
        }

        BeginStores(visibleAt, windowStart);
        PhysAddr frame = PhysAddr.OfPage(TakeFrame());
        if (leaf.Mapped)
        {
            Table.Set(address, frame, Backing);
        }
        else if (!Table.Map(address, frame, PageSize, Backing))
        {
            throw new InvalidOperationException($"the host's table has something else where guest page {guestPage} is to be mapped");
        }

        _given.Enqueue(number);
        Watch?.Given(number);
        return _taken.Remove(number) ? HostTouch.ReadBack : HostTouch.Fresh;
    }

    /// <summary>Takes pages away if the guest has more than its host's limit.</summary>
    /// <param name="visibleAt">When walkers see what is stored.</param>
    /// <param name="windowStart">No walker asks for an earlier time.</param>
    /// <param name="pages">How many pages of the host were taken away.</param>
    /// <returns>The flush that every core of <see cref="Cores"/> owes for them; 0 for none.</returns>
    internal long Reclaim(long visibleAt, long windowStart, out int pages)
    {
        pages = 0;
        if (_given.Count <= _limit)
        {
            return 0;
        }

        BeginStores(visibleAt, windowStart);
        OpenFlush flush = new() { Missing = _cores.Count };
        long wanted = Math.Max(PageSize == PageSize.Size4K ? ReclaimBatch : 1, _given.Count - _limit);
        for (; pages < wanted; pages++)
        {
            ulong number = _given.Dequeue();
            VirtAddr address = new(number << _shift);
            flush.Frames.Add(Table.Query(address).Frame.PageNumber);
            Table.ProtectRange(address, PageSize.Bytes(), PageFlags.None);
            _taken.Add(number);
            Watch?.Taken(number);
        }

        _flushes.Add(++_nextFlush, flush);
        if (flush.Missing > 0)
        {
            return _nextFlush;
        }

        Free(_nextFlush, flush, visibleAt);
        return 0;
    }

    /// <summary>A core has dropped everything for a flush.</summary>
    /// <param name="flush">The flush's number.</param>
    /// <param name="now">When the host hears of it, in cycles.</param>
    internal void Flushed(long flush, long now)
    {
        OpenFlush open = _flushes[flush];
        if (--open.Missing == 0)
        {
            Free(flush, open, now);
        }
    }

    private void BeginStores(long visibleAt, long windowStart)
    {
        Table.Fold(windowStart);
        Table.VisibleAt = visibleAt;
    }

    private ulong TakeFrame()
    {
        if (_free.TryDequeue(out ulong frame))
        {
            return frame;
        }

        frame = _nextFrame;
        _nextFrame += PageSize.BasePages();
        return frame;
    }

    private void Free(long flush, OpenFlush open, long now)
    {
        _flushes.Remove(flush);
        Watch?.Freed(open.Frames, now);
        foreach (ulong frame in open.Frames)
        {
            _free.Enqueue(frame);
        }
    }

    /// <summary>A flush that cores have not all done, and the frames that are free then.</summary>
    private sealed class OpenFlush
    {
        public int Missing { get; set; }

        public List<ulong> Frames { get; } = [];
    }
}
