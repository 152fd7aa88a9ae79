using VmSim.Core.Addresses;

namespace VmSim.Core.Traces.Import;

/// <summary>
/// For logs that do not tell what is mapped: maps memory where it is used. Before the program's first call on a page its 2 MiB region
/// counts as mapped at start. A page used after it was unmapped counts as mapped again just then.
/// </summary>
public sealed class RegionGuess(TraceEmitter emitter)
{
    /// <summary>The most regions, 2 MiB each, that may be guessed: 512 GiB of address space.</summary>
    public const int MaxRegions = 1 << 18;

    private const ulong UserEnd = 0x7FFF_FFFF_F000;
    private const ulong RegionBytes = 1UL << 21;
    private static readonly TraceOrder.Point Unmapped = new(0, 0);
    private static readonly TraceOrder.Point Mapped = new(0, 1);
    private readonly HashSet<ulong> _regions = [];
    private readonly RangeOperations _changes = new();
    private bool _hasChanges;
    private ulong _lastRegion = ulong.MaxValue;

    /// <summary>Pages mapped again because they were used after an unmapping.</summary>
    public long Remapped { get; private set; }

    /// <summary>Sees to it that an address is mapped.</summary>
    /// <returns>False for addresses outside user space, or when there are too many regions.</returns>
    public bool Use(ulong address)
    {
        ulong region = address >> 21;
        if (region == _lastRegion && !_hasChanges)
        {
            return true;
        }

        if (address >= UserEnd || (!_regions.Contains(region) && _regions.Count == MaxRegions))
        {
            return false;
        }

        if (_regions.Add(region))
        {
            emitter.InitialMap(region * RegionBytes, RegionBytes, 7, 0x22, null, 0, null);
        }

        _lastRegion = region;
        ulong page = address >> PageSizes.BaseShift;
        if (_hasChanges && _changes.Find(page) == Unmapped)
        {
            Remapped++;
            emitter.Map(page << PageSizes.BaseShift, PageSizes.BaseBytes, 7, 0x22, null, 0);
            _changes.Replace(page, page + 1, Mapped, static _ => { });
        }

        return true;
    }

    /// <summary>The program mapped or unmapped a range.</summary>
    public void Change(ulong start, ulong bytes, bool mapped)
    {
        if (bytes == 0 || start + (bytes - 1) < start)
        {
            return;
        }

        _hasChanges = true;
        _changes.Replace(
            start >> PageSizes.BaseShift,
            ((start + (bytes - 1)) >> PageSizes.BaseShift) + 1,
            mapped ? Mapped : Unmapped,
            static _ => { });
    }
}
