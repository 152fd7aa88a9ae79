using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>msync and mincore: calls that look at a range, and change no area.</summary>
public sealed partial class VirtualMemory
{
    private const SyncFlags BothWays = SyncFlags.Asynchronous | SyncFlags.Synchronous;
    private const SyncFlags AllSyncFlags = BothWays | SyncFlags.Invalidate;

    /// <summary>
    /// msync (Linux: mm/msync.c). MS_SYNC writes back what shared file mappings have dirtied; MS_ASYNC does nothing. Holes are passed over
    /// and answered in the end.
    /// </summary>
    private bool TrySync(SystemCall call, out MappingError<VirtAddr> error)
    {
        bool isInvalid = (call.SyncFlags & ~AllSyncFlags) != 0 || (call.SyncFlags & BothWays) == BothWays || !IsPageAligned(call.Start);
        if (call.Length == 0 && !isInvalid)
        {
            return Succeeds(out error);
        }

        ulong size = 0;
        Errno refusal = isInvalid ? Errno.InvalidArgument : RangeError(call.Start, call.Length, out size);
        if (refusal != Errno.None)
        {
            return Fails(refusal, call.Start, call.Length, out error);
        }

        return Ends(SyncPieces(call.Start, size, call.SyncFlags), out error);
    }

    private Progress SyncPieces(VirtAddr start, ulong size, SyncFlags flags)
    {
        ulong next = start.Value;
        bool hasHole = false;
        bool isPartial = false;
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            if ((flags & SyncFlags.Invalidate) != 0 && (piece.Flags & AreaFlags.Locked) != 0)
            {
                return new Progress(Errno.Busy, piece.Start, piece.Size, isPartial);
            }

            if ((flags & SyncFlags.Synchronous) != 0
                && piece.Backend.Backing is { IsPrivate: false, Object: { TracksDirtyPages: true } } backing)
            {
                _memory.WriteBack(piece.Start, piece.Size, backing);
            }

            hasHole |= piece.Start.Value != next;
            next = unchecked(piece.Last.Value + 1);
            isPartial = true;
        }

        hasHole |= next != unchecked(start.Value + size);
        return hasHole ? new Progress(Errno.NoMemory, start, size, isPartial) : default;
    }

    /// <summary>
    /// mincore (Linux: mm/mincore.c): asks which pages of a range are in memory; <see cref="MmResult.PagesResident"/> counts them. A range
    /// with a hole is ENOMEM.
    /// </summary>
    private bool TryQueryResident(SystemCall call, out MappingError<VirtAddr> error)
    {
        Errno refusal = CoveredRangeError(call, out ulong size);
        if (refusal != Errno.None)
        {
            return Fails(refusal, call.Start, call.Length, out error);
        }

        foreach (AreaSet.Area piece in _set.Pieces(call.Start, size))
        {
            _memory.CountResident(piece.Start, piece.Size, piece.Backend.Backing);
        }

        return Succeeds(out error);
    }
}
