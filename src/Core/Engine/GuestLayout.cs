using System.Numerics;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Paging;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Core.Engine;

/// <summary>
/// Where things lie in guest-physical memory. The frames of a pool begin at 0, as without virtual machines. Table pages have the upper half
/// of the addresses that the host's table can map, as many for each table of each of the pool's spaces.
/// </summary>
internal sealed class GuestLayout
{
    /// <summary>
    /// Least addresses for the table pages of one table: 8 GiB, 2^21 table pages, which map the 2^30 pages of 4 TiB.
    /// </summary>
    private const int TableShiftMin = 33;

    /// <summary>Bits of a 4 KiB frame number that every format has: AArch64 and LoongArch have 48 bits of physical address.</summary>
    private const int FrameNumberBits = 36;

    /// <summary>The upper half of physical memory, where hosts' tables are taken to lie, 1 GiB for each.</summary>
    private const ulong HighHalf = 1UL << (FrameNumberBits + PageSizes.BaseShift - 1);

    private const int HostTablesShift = 30;

    /// <summary>Where tables of processes outside of virtual machines lie, above those of hosts.</summary>
    private const ulong BareTables = HighHalf + (1UL << (FrameNumberBits + PageSizes.BaseShift - 2));

    private readonly MachineSpec _machine;
    private readonly PageTableFormat _format;
    private readonly int[] _numberInPool;
    private readonly bool[] _isVirtual;
    private readonly int _tables;
    private readonly int _tableShift;
    private readonly ulong _tablesAt;
    private readonly ulong _stride;

    /// <summary>Lays out the virtual machines of a run.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="format">The format of the tables of guests and hosts.</param>
    /// <param name="layout">The run's spaces.</param>
    /// <param name="tables">Page tables of each space.</param>
    /// <exception cref="ScenarioException">They do not fit.</exception>
    public GuestLayout(ScenarioSpec scenario, PageTableFormat format, WorldLayout layout, int tables)
    {
        _machine = scenario.Machine;
        _format = format;
        _tables = tables;
        _numberInPool = new int[layout.Spaces.Count];
        int[] members = new int[layout.PoolCount];
        for (int i = 0; i < _numberInPool.Length; i++)
        {
            _numberInPool[i] = members[layout.Spaces[i].Pool]++;
        }

        _isVirtual = [.. layout.Spaces.Select(space => layout.VirtualPools[space.Pool])];
        _tablesAt = 1UL << (format.RangeBits - 1);
        int guests = layout.VirtualPools.Count(isVirtual => isVirtual);
        int most = members.Where((_, pool) => layout.VirtualPools[pool]).Max() * tables;
        _tableShift = format.RangeBits - 1 - BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)most));
        ulong memory = scenario.Memory.Bytes + PageSize.Size2M.Bytes();
        if (_tableShift < TableShiftMin || memory > _tablesAt || guests > ushort.MaxValue)
        {
            int fit = 1 << Math.Max(0, format.RangeBits - 1 - TableShiftMin);
            throw new ScenarioException(
                $"machine.virtual: {guests} guests found, with at most {most} page tables each and {scenario.Memory.Bytes:N0} "
                    + $"bytes; a host's table of {format.Name} has room for {fit} page tables beside {_tablesAt:N0} bytes, and a run for "
                    + $"{ushort.MaxValue:N0} guests");
        }

        // A walk needs a host's page for each table page and one for the data; twice that, for each core, always makes some way.
        ulong least = (2 * (ulong)(format.Levels + 1) * (ulong)_machine.Cores) + (2 * GuestMachine.ReclaimBatch);
        ulong leastBytes = least << (int)GuestMachine.SizeOf(_machine.Guest);
        if (_machine.Guest.HostMemory != 0 && _machine.Guest.HostMemory < leastBytes)
        {
            throw new ScenarioException(
                $"machine.guest.host-memory: {_machine.Guest.HostMemory:N0} bytes found; with {_machine.Cores} cores and pages of "
                    + $"{_machine.Guest.HostPage} at least {leastBytes:N0} are needed, or 0 for no limit");
        }

        _stride = BitOperations.RoundUpToPowerOf2(memory >> (PageSizes.BaseShift - 1));
    }

    /// <summary>Where a table of a space has its table pages: guest-physical, or in the machine's memory outside of a guest.</summary>
    public PhysAddr TableBase(int space, int table) => _isVirtual[space]
        ? new(_tablesAt + ((ulong)((_numberInPool[space] * _tables) + table) << _tableShift))
        : new(BareTables + ((ulong)((table * _isVirtual.Length) + space) << HostTablesShift));

    /// <summary>
    /// Makes the virtual machine of a pool. Hosts' frames of pools lie apart, as far as there are numbers, so that caches of page-table
    /// lines tell them apart.
    /// </summary>
    public GuestMachine Make(int pool)
    {
        ulong places = Math.Max(1, ((1UL << FrameNumberBits) / 2) / _stride);
        PageTable table = new(_format) { TableBase = new PhysAddr(HighHalf + ((ulong)pool << HostTablesShift)) };
        return new GuestMachine(_machine, table, pool, _stride * (1 + ((ulong)pool % places)));
    }
}
