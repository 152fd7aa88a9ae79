using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Checking;

/// <content>
/// What a call's return promises its thread of translations that another call has killed. A call that takes pages away promises that nobody
/// uses them, also where it found them gone and the one that took them has not flushed yet. A call that maps a place promises the new
/// memory to whoever touches it: there ends the lateness that a protocol declares.
/// </content>
internal sealed partial class SpaceChecker
{
    /// <summary>The break after the last call that moved it.</summary>
    private VirtAddr _break;

    /// <summary>Pages that a call takes away or tightens, or maps anew.</summary>
    private static (ulong First, ulong End) PagesOf(VirtAddr start, VirtAddr end) =>
        end.Value <= start.Value
            ? default
            : (start.PageNumber, (end.Value + PageSizes.BaseBytes - 1) >> PageSizes.BaseShift);

    /// <summary>Notes what a call that starts will have promised, of operations that are not over or whose lateness is not.</summary>
    private void NotePromises(SystemCall call, OperationTrace promise)
    {
        if (call.Kind == SystemCallKind.Advise && call.Advice is Advice.DontNeed or Advice.DontNeedLocked)
        {
            NotePromises(PagesOf(call.Start, call.Start + call.Length), PromiseKind.Gone, promise);
            foreach (AddrRange<VirtAddr> range in call.MoreRanges)
            {
                NotePromises(PagesOf(range.Start, range.Start + range.Size), PromiseKind.Gone, promise);
            }

            return;
        }

        (VirtAddr start, VirtAddr end) = call.Kind switch
        {
            SystemCallKind.Map => (call.Start, call.Start + call.Length),
            SystemCallKind.SetBreak => (_break, call.Start),
            SystemCallKind.Remap when call.NewStart == call.Start => (call.Start + call.Length, call.Start + call.NewLength),
            SystemCallKind.Remap => (call.NewStart, call.NewStart + call.NewLength),
            _ => default,
        };
        _break = call.Kind == SystemCallKind.SetBreak ? call.Start : _break;
        NotePromises(PagesOf(start, end), PromiseKind.MappedAnew, promise);
        if (call.Kind is SystemCallKind.Unmap or SystemCallKind.Protect)
        {
            NotePromises(PagesOf(call.Start, call.Start + call.Length), PromiseKind.Gone, promise);
        }
    }

    private void NotePromises((ulong First, ulong End) pages, PromiseKind kind, OperationTrace promise)
    {
        foreach (OperationTrace other in _operations.Values)
        {
            // Calls that gave memory back at once stand here too, until it is released: their time was over with their return.
            if (other.AllowedUntil <= promise.Start || pages.End <= pages.First)
            {
                continue;
            }

            foreach (DeadPage dead in other.Dead)
            {
                if (dead.Page >= pages.First && dead.Page < pages.End)
                {
                    promise.Promised.Add((dead, kind));
                }
            }
        }
    }

    /// <summary>An operation has returned.</summary>
    private void KeepPromises(OperationTrace promise)
    {
        foreach ((DeadPage dead, PromiseKind kind) in promise.Promised)
        {
            // One that returned before, and may be late, answers for itself until the place is mapped anew.
            if (kind != PromiseKind.Gone || dead.Operation.ReturnedAt > promise.ReturnedAt)
            {
                dead.EndBy(promise, kind);
                _versions[dead.Page & (Versions - 1)]++;
            }
        }
    }
}
