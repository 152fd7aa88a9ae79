using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>Flags of areas: mprotect, and what advice, locks and seals change.</summary>
public sealed partial class VirtualMemory
{
    /// <summary>
    /// mprotect (Linux: do_mprotect_pkey, mm/mprotect.c): changes areas up to the first hole, or the first area that it may not change, and
    /// answers so. Up to there it happens wholly or not at all.
    /// </summary>
    private bool TryProtect(SystemCall call, out MappingError<VirtAddr> error)
    {
        if (call.Length == 0 && IsPageAligned(call.Start))
        {
            error = default;
            return true;
        }

        Errno refusal = RangeError(call.Start, call.Length, out ulong size);
        if (refusal != Errno.None)
        {
            return Fails(refusal, call.Start, call.Length, out error);
        }

        if (DividesHugeTlb(call.Start, size))
        {
            return Fails(Errno.InvalidArgument, call.Start, size, out error);
        }

        Progress progress = UpToRefusal(call.Start, size, out ulong taken, allowsSealed: false);
        AreaFlags rights = call.Protection.ToAreaFlags();
        if (ProtectsTooMuch(call.Start, taken, rights))
        {
            return Fails(Errno.NoMemory, call.Start, size, out error);
        }

        return _set.TryProtect(call.Start, taken, new FlagChange(AreaFlags.Rights, rights), _memory, out error)
            && Ends(progress, out error);
    }

    /// <summary>How far a range goes before a hole or an area that may not be changed, and what a call answers that comes there.</summary>
    private Progress UpToRefusal(VirtAddr start, ulong size, out ulong taken, bool allowsSealed = true)
    {
        taken = size;
        bool looksForSeals = _hasSealedAreas && !allowsSealed;
        if (!looksForSeals && _set.Covers(start, size))
        {
            return default;
        }

        ulong next = start.Value;
        Errno refusal = Errno.NoMemory;
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            if (piece.Start.Value != next)
            {
                break;
            }

            if (looksForSeals && (piece.Flags & AreaFlags.Sealed) != 0)
            {
                refusal = Errno.PermissionDenied;
                break;
            }

            next = unchecked(piece.Last.Value + 1);
        }

        taken = next - start.Value;
        return taken == size ? default : new Progress(refusal, start + taken, size - taken, taken > 0);
    }

    /// <summary>
    /// Gives the areas of a range other flags. A huge page that a new end of an area would divide is split (Linux:
    /// vma_adjust_trans_huge, mm/huge_memory.c), unless it is one of MAP_HUGETLB: then the call is refused.
    /// </summary>
    private bool TrySetFlags(VirtAddr start, ulong size, FlagChange change, out MappingError<VirtAddr> error)
    {
        Errno refusal = size == 0 ? Errno.None : DivideAt(start, start, change);
        if (size > 0 && refusal == Errno.None)
        {
            refusal = DivideAt(start + size, start + (size - 1), change);
        }

        return refusal == Errno.None
            ? _set.TrySetFlags(start, size, change, out error)
            : Fails(refusal, start, size, out error);
    }

    /// <summary>Splits what lies over an end of a range, if the area at a page inside the range gets other flags.</summary>
    private Errno DivideAt(VirtAddr end, VirtAddr inside, FlagChange change)
    {
        if (!_set.TryFind(inside, out AreaSet.Area area) || !change.TryUpdate(area.Flags, out _))
        {
            return Errno.None;
        }

        return (area.Flags & AreaFlags.HugeTlb) != 0 && (end.Value & (area.Backend.Granule.Bytes() - 1)) != 0 ? Errno.InvalidArgument
            : _memory.SplitAt(end) ? Errno.None
            : Errno.NoMemory;
    }

    private AreaFlags FlagsOf(SystemCall call)
    {
        AreaFlags flags = call.Protection.ToAreaFlags() | _futureLocks | PromiseFlags(call);
        flags |= call.Shared ? AreaFlags.Shared : AreaFlags.None;
        flags |= (call.MappingFlags & MappingFlags.Locked) != 0 ? AreaFlags.Locked : AreaFlags.None;
        bool growsDown = call.Name == "[stack]" || (call.MappingFlags & MappingFlags.GrowsDown) != 0;
        return flags | (growsDown ? AreaFlags.GrowsDown : AreaFlags.None);
    }
}
