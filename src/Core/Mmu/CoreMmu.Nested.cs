using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>
/// Nested paging: a guest's table maps guest-virtual to guest-physical pages, its host's table guest-physical to host-physical ones. Every
/// reference to the guest's table first needs a translation by the host's. TLB entries lead from guest-virtual pages straight to
/// host-physical frames, with the smaller of both page sizes and the rights that both tables give.
/// </content>
public sealed unsafe partial class CoreMmu
{
    private readonly Tlb? _nested;
    private PageTable? _host;
    private EntryLayout _hostLayout;
    private ulong _machineTag;

    /// <summary>Switches to an address space of a virtual machine; nothing is dropped.</summary>
    /// <param name="asid">The tag of the TLB entries: it stands for the guest's address space and its machine together.</param>
    /// <param name="guest">
    /// The guest's page table; its <see cref="PageTable.TableBase"/> says where its table pages lie in guest-physical memory.
    /// </param>
    /// <param name="machine">The tag of nested translations: it stands for the machine.</param>
    /// <param name="host">The host's page table of the machine.</param>
    public void LoadNested(Asid asid, PageTable guest, Asid machine, PageTable host)
    {
        ArgumentNullException.ThrowIfNull(guest);
        ArgumentNullException.ThrowIfNull(host);
        _tag = (ulong)asid.Value << TagShift;
        SetTable(guest);
        _host = host;
        _hostLayout = host.Format.Layout;
        _machineTag = (ulong)machine.Value << TagShift;
    }

    /// <summary>What a guest's and its host's table together give an address, as the data of a TLB entry.</summary>
    /// <param name="guest">The guest's table.</param>
    /// <param name="host">The host's table.</param>
    /// <param name="address">A virtual address of the guest.</param>
    /// <param name="level">Level of the entry: the smaller one of both tables' leaves.</param>
    /// <param name="time">As of when.</param>
    /// <param name="data">The data.</param>
    /// <returns>False if they give it no translation of this level.</returns>
    internal static bool LookupNested(PageTable guest, PageTable host, ulong address, int level, long time, out ulong data)
    {
        data = 0;
        if (!TryLeaf(guest, address, level, time, out ulong outer, out int guestLevel)
            || !TryLeaf(host, (outer >> FrameShift) << PageSizes.BaseShift, level, time, out ulong inner, out int hostLevel)
            || Math.Min(guestLevel, hostLevel) != level)
        {
            return false;
        }

        PageFlags rights = (PageFlags)(inner & RightsMask) & PageTableFormat.Rights;
        PageFlags flags = (PageFlags)(outer & ((1UL << FrameShift) - 1)) & (rights | ~PageTableFormat.Rights) & ~PageFlags.Global;
        data = DataOf(inner >> FrameShift, flags);
        return true;
    }

    /// <summary>The leaf of at least a level that maps an address: the frame of the level's page that the address lies in.</summary>
    private static bool TryLeaf(PageTable table, ulong address, int least, long time, out ulong data, out int level)
    {
        for (level = least; level <= table.Format.LargestLeafLevel; level++)
        {
            if (Lookup(table, address, level, time, out data))
            {
                ulong inside = (address & ((1UL << ShiftOf(level)) - 1)) >> ShiftOf(least) << (9 * least);
                data += inside << FrameShift;
                return true;
            }
        }

        data = 0;
        return false;
    }

    /// <summary>
    /// The two-dimensional walk. It makes one reference to each level of the guest's table, each after a walk of the host's, and a last
    /// walk of the host's for the page itself. With 4 levels each and nothing cached that is 4 * 5 + 4 = 24 references.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private TranslationResult WalkNested(AccessKind kind, ulong address, ulong needed, long time, int cycles)
    {
        PageTable table = _table!;
        NestedWalk walk = new() { Cycles = cycles + _pscCycles, Time = time };
        int level = FindStart(address, out int page);
        int start = level;
        if (!_format!.IsCanonical(new VirtAddr(address)))
        {
            return Fault(TranslationOutcome.NotPresentFault, address, walk.Cycles, 0, start);
        }

        ulong entry;
        while (true)
        {
            int index = EntryLayout.Index(address, level);
            ulong place = table.TableAddress(page).Value + ((ulong)(uint)index * sizeof(ulong));
            if (!TranslateByHost(place, (ulong)PageFlags.Read, ref walk, out HostPage at))
            {
                return HostFault(address, place, walk, start);
            }

            entry = table.ReadEntry(page, index, time);
            walk.References++;
            walk.Cycles += _chargesLines ? LineCycles(PhysAddr.OfPage(at.Frame), index) : _referenceCycles;
            if (!_layout.IsPresent(entry))
            {
                DropStaleStructures(address, table, time);
                return Fault(TranslationOutcome.NotPresentFault, address, walk.Cycles, walk.References, start);
            }

            if (_layout.IsLeaf(entry, level))
            {
                break;
            }

            page = _layout.ChildTable(entry);
            FillStructure(address, level, page);
            level--;
        }

        return FinishNested(kind, address, needed, entry, level, start, ref walk);
    }

    private TranslationResult FinishNested(
        AccessKind kind, ulong address, ulong needed, ulong entry, int level, int start, ref NestedWalk walk)
    {
        PageFlags flags = FlagsOf(entry, level);
        PageFlags demanded = (PageFlags)needed & ~PageFlags.Dirty;
        PageFlags bits = (PageFlags.Accessed | ((PageFlags)needed & PageFlags.Dirty)) & ~flags;
        if ((flags & demanded) != demanded || (bits & _faultSets) != PageFlags.None)
        {
            return Fault(TranslationOutcome.ProtectionFault, address, walk.Cycles, walk.References, start);
        }

        ulong inside = address & ((1UL << ShiftOf(level)) - 1);
        ulong guestPhysical = _layout.LeafFrame(entry, level).Value + inside;
        ulong hostNeeded = (ulong)(demanded & PageTableFormat.Rights);
        if (!TranslateByHost(guestPhysical, hostNeeded, ref walk, out HostPage host))
        {
            return HostFault(address, guestPhysical, walk, start);
        }

        PageFlags both = (flags | bits) & (host.Flags | ~PageTableFormat.Rights);
        int size = Math.Min(level, host.Level);

        // The host's page may be larger than the entry: the entry's frame is where the smaller page begins in it.
        ulong frame = host.Frame & ~((1UL << (9 * size)) - 1);
        if (_groupShift == 0 || size > 0)
        {
            FillTranslation(kind, address, size, frame, both & ~PageFlags.Global);
        }
        else
        {
            // two tables would have to agree on neighbours: a run is left out, and of a pair there is the page alone
            ulong data = DataOf(frame, both & ~PageFlags.Global);
            bool isOdd = (address & PageSizes.BaseBytes) != 0;
            _firstOfGroup = isOdd ? 0 : data;
            _oddOfGroup = isOdd ? data : 0;
            FillWithNeighbours(kind, address, data, isWhole: _pairs);
        }

        return new TranslationResult(TranslationOutcome.Walked, walk.Cycles, walk.References, start, SizeOf(size), frame, bits);
    }

    /// <summary>Translates a guest-physical address by the nested TLB or a walk of the host's table.</summary>
    private bool TranslateByHost(ulong guestPhysical, ulong needed, ref NestedWalk walk, out HostPage host)
    {
        ulong page = guestPhysical >> PageSizes.BaseShift;
        ulong key = (page << PageShift) | _machineTag | 1;
        ulong* cached = _nested is { } nested ? nested.Find(key, page) : null;
        if (cached != null && (*cached & needed) == needed)
        {
            host = new HostPage(*cached >> FrameShift, (PageFlags)(*cached & HostFlagsMask), (int)(*cached >> HostLevelShift) & 3);
            return true;
        }

        if (!WalkHost(guestPhysical, needed, ref walk, out host))
        {
            return false;
        }

        ulong data = (host.Frame << FrameShift) | ((ulong)host.Level << HostLevelShift) | ((ulong)host.Flags & HostFlagsMask);
        if (cached != null)
        {
            *cached = data;
        }
        else
        {
            _nested?.Fill(key, page, data);
        }

        return true;
    }

    private bool WalkHost(ulong guestPhysical, ulong needed, ref NestedWalk walk, out HostPage found)
    {
        PageTable host = _host!;
        found = default;
        int page = host.Root;
        for (int level = host.Format.Levels - 1; host.Format.IsCanonical(new VirtAddr(guestPhysical)); level--)
        {
            int index = EntryLayout.Index(guestPhysical, level);
            ulong entry = host.ReadEntry(page, index, walk.Time);
            walk.References++;
            walk.Cycles += _chargesLines ? LineCycles(host.TableAddress(page), index) : _referenceCycles;
            if (!_hostLayout.IsPresent(entry))
            {
                return false;
            }

            if (!_hostLayout.IsLeaf(entry, level))
            {
                page = _hostLayout.ChildTable(entry);
                continue;
            }

            PageFlags flags = host.Format.LeafFlags(entry, level) & PageTableFormat.Rights;
            ulong inside = (guestPhysical & ((1UL << ShiftOf(level)) - 1)) >> PageSizes.BaseShift;
            found = new HostPage(_hostLayout.LeafFrame(entry, level).PageNumber + inside, flags, level);
            return ((ulong)flags & needed) == needed;
        }

        return false;
    }

    private TranslationResult HostFault(ulong address, ulong guestPhysical, in NestedWalk walk, int start)
    {
        DropStale(address);
        return new TranslationResult(
            TranslationOutcome.HostFault, walk.Cycles, walk.References, start, 0, guestPhysical >> PageSizes.BaseShift, PageFlags.None);
    }

    // Data of a nested translation: frame, then the host page's level in bits 14 and 15, then its rights.
    private const int HostLevelShift = 14;
    private const ulong HostFlagsMask = (1UL << HostLevelShift) - 1;

    /// <summary>
    /// Where a guest-physical page lies: the 4 KiB frame of the very page asked for, and rights and level of the leaf that maps it.
    /// </summary>
    private readonly record struct HostPage(ulong Frame, PageFlags Flags, int Level);

    private struct NestedWalk
    {
        public int Cycles;
        public int References;
        public long Time;
    }
}
