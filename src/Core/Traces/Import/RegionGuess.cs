using VmSim.Core.Addresses;

namespace VmSim.Core.Traces.Import;

/// <summary>
/// For logs that do not tell what is mapped: maps memory where it is used. Before the program's first call on a page its 2 MiB region
/// counts as mapped at start. A page used after it was unmapped counts as mapped again just then.
/// </summary>
/// <remarks>
/// User space is the 47 bits of x86-64 with four levels of page table, until an address needs more: then it is what the widest machines
/// have, 56 bits with five levels (Documentation/arch/x86/x86_64/5level-paging.rst).
/// </remarks>
public sealed class RegionGuess(TraceEmitter emitter)
{
    /// <summary>The most regions, 2 MiB each, that may be guessed: 512 GiB of address space.</summary>
    public const int MaxRegions = 1 << 18;

    /// <summary>Bits of user space on x86-64 with four levels.</summary>
    private const int LeastBits = 47;

    private const int RegionShift = 21;
    private static readonly TraceOrder.Point Unmapped = new(0, 0);
    private static readonly TraceOrder.Point Mapped = new(0, 1);
    private readonly HashSet<ulong> _regions = [];
    private RangeOperations _changes = new();
    private readonly HashSet<ulong> _inherited = [];
    private int _shift = RegionShift;
    private int _inheritedShift = RegionShift;
    private bool _isLate;
    private bool _hasChanges;
    private ulong _lastRegion = ulong.MaxValue;
    private ulong _highest;

    /// <summary>Whether anything is guessed; otherwise every address is taken as it is.</summary>
    public bool IsOn { get; set; } = true;

    /// <summary>Bits of an address that user space may have, 47 to 56.</summary>
    public int UserBits { get; set; } = 56;

    /// <summary>Pages mapped again because they were used after an unmapping.</summary>
    public long Remapped { get; private set; }

    /// <summary>Bits that the highest address needs, at least 47.</summary>
    public int BitsUsed => Math.Max(LeastBits, 64 - System.Numerics.BitOperations.LeadingZeroCount(_highest));

    /// <summary>Sees to it that what a reference uses is mapped.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="size">Its bytes, from 1 to a region's.</param>
    /// <returns>False for addresses outside user space, or when there are too many regions.</returns>
    public bool Use(ulong address, uint size) =>
        Use(address) && (address >> PageSizes.BaseShift == (address + (size - 1)) >> PageSizes.BaseShift || Use(address + (size - 1)));

    /// <summary>Sees to it that the page of an address is mapped.</summary>
    /// <returns>As of a reference.</returns>
    public bool Use(ulong address)
    {
        ulong region = address >> _shift;
        if ((region == _lastRegion && !_hasChanges) || !IsOn)
        {
            return true;
        }

        if (address >> UserBits != 0)
        {
            return false;
        }

        ulong page = address >> PageSizes.BaseShift;
        TraceOrder.Point change = _hasChanges ? _changes.Find(page) : TraceOrder.Point.None;
        if (change == Mapped)
        {
            return true;
        }

        if (_inherited.Contains(address >> _inheritedShift))
        {
            return true;
        }

        if (!_regions.Contains(region) && _regions.Count == MaxRegions)
        {
            return false;
        }

        _highest = Math.Max(_highest, address);
        if (change == Unmapped)
        {
            Remapped++;
            emitter.Map(page << PageSizes.BaseShift, PageSizes.BaseBytes, 7, 0x22, null, 0, name: null);
            _changes.Replace(page, page + 1, Mapped, static _ => { });
            return true;
        }

        if (_regions.Add(region))
        {
            Guess(region << _shift, 1UL << _shift);
        }

        _lastRegion = region;
        return true;
    }

    /// <summary>
    /// A program begins whose mappings the log tells, all but a few: what it does not tell is guessed page by page.
    /// </summary>
    /// <param name="isLate">Whether guesses are maps at their place; otherwise they count as mapped at start.</param>
    public void BeginProgram(bool isLate)
    {
        _regions.Clear();
        _inherited.Clear();
        _changes = new RangeOperations();
        _hasChanges = false;
        _lastRegion = ulong.MaxValue;
        (_shift, _isLate) = (PageSizes.BaseShift, isLate);
    }

    /// <summary>A forked process begins with what its parent has.</summary>
    public void Inherit(RegionGuess parent)
    {
        BeginProgram(isLate: true);
        _inheritedShift = parent._shift;
        _inherited.UnionWith(parent._regions);
        _inherited.UnionWith(parent._inheritedShift == parent._shift ? parent._inherited : []);
        _changes = parent._changes.Copy();
        _hasChanges = true;
    }

    /// <summary>Whether a whole range is known to be mapped.</summary>
    public bool IsMapped(ulong start, ulong bytes)
    {
        ulong end = ((start + (bytes - 1)) >> PageSizes.BaseShift) + 1;
        return _changes.In(start >> PageSizes.BaseShift, end).All(piece => piece.Operation == Mapped);
    }

    /// <summary>What of a range is not known to be mapped.</summary>
    public IReadOnlyList<(ulong Start, ulong Bytes)> Gaps(ulong start, ulong bytes)
    {
        ulong end = ((start + (bytes - 1)) >> PageSizes.BaseShift) + 1;
        return [.. _changes.In(start >> PageSizes.BaseShift, end).Where(piece => piece.Operation != Mapped)
            .Select(piece => (piece.First << PageSizes.BaseShift, (piece.End - piece.First) << PageSizes.BaseShift))];
    }

    /// <summary>Why an address was refused.</summary>
    public string Refusal(ulong address) => address >> UserBits != 0
        ? $"address {address:x} is not in user space"
        : $"address {address:x}: more than {MaxRegions:N0} regions of 2 MiB are used";

    /// <summary>Says what is worth knowing of the guesses.</summary>
    public void AddNotes(ImportSummary summary)
    {
        if (BitsUsed > LeastBits)
        {
            summary.Notes.Add(
                $"Addresses have up to {BitsUsed} bits: run the trace on a machine whose user space is as wide (vmsim list machines).");
        }

        if (Remapped > 0)
        {
            summary.Notes.Add($"{Remapped:N0} pages were used after they were unmapped; they are mapped again there.");
        }
    }

    private void Guess(ulong start, ulong bytes)
    {
        if (_isLate)
        {
            emitter.Map(start, bytes, 7, 0x22, null, 0, name: null);
        }
        else
        {
            emitter.InitialMap(start, bytes, 7, 0x22, null, 0, null);
        }
    }

    /// <summary>The program mapped or unmapped a range.</summary>
    public void Change(ulong start, ulong bytes, bool mapped)
    {
        if (bytes == 0 || start + (bytes - 1) < start || !IsOn)
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
