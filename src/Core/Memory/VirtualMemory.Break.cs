using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>brk: the heap and its end.</summary>
public sealed partial class VirtualMemory
{
    private VirtAddr _breakStart;

    /// <summary>The program break: where the heap ends. Set once before the first <see cref="SystemCallKind.SetBreak"/>; the first such
    /// call sets it otherwise.</summary>
    public VirtAddr Break { get; private set; }

    /// <summary>Says where the heap begins, before any call moves the break.</summary>
    public void SetInitialBreak(VirtAddr start)
    {
        _breakStart = start;
        Break = start;
    }

    /// <summary>Moves the end of the heap (Linux: brk, mm/mmap.c). A break below the heap's beginning changes nothing.</summary>
    private bool TrySetBreak(VirtAddr target, out MappingError<VirtAddr> error)
    {
        error = default;
        if (_breakStart.Value == 0)
        {
            SetInitialBreak(target);
            return true;
        }

        if (target < _breakStart || target.Value > ulong.MaxValue - (2 * PageSizes.BaseBytes))
        {
            return true;
        }

        // A page above the heap stays free, and a stack above it keeps its distance (brk, mm/mmap.c; vm_start_gap).
        VirtAddr gapEnd = PageUp(target) + PageSizes.BaseBytes;
        VirtAddr oldEnd = PageUp(Break);
        VirtAddr newEnd = PageUp(target);
        bool done = true;
        if (newEnd < oldEnd)
        {
            done = TryUnmap(newEnd, oldEnd.Value - newEnd.Value, out error);
        }
        else if (newEnd > oldEnd)
        {
            MemoryBackend backend = _memory.Options.Anonymous == MemoryBackends.Populate ? PopulateBackend.Instance : LazyBackend.Instance;
            AreaFlags flags = AreaFlags.Read | AreaFlags.Write | AreaFlags.Promised | _futureLocks;
            AreaSet.Area heap = new(oldEnd, newEnd.Value - oldEnd.Value, flags, backend);
            bool isInTheWay = _set.Overlaps(new AddrRange<VirtAddr>(oldEnd, gapEnd - 1))
                || (_set.TryFindNext(gapEnd - 1, out AreaSet.Area above) && (above.Flags & AreaFlags.GrowsDown) != 0
                    && above.Start.Value - gapEnd.Value < StackGuardBytes);
            done = isInTheWay || CannotPromise(PagesOf(heap.Size))
                ? Fails(MappingErrorKind.NoMemory, heap.Start, heap.Size, out error)
                : _set.TryMap(heap, _memory, out error);
            if (done && _futureLocks == AreaFlags.Locked)
            {
                _ = Populate(heap.Start, heap.Size);
            }
        }

        if (done)
        {
            Break = target;
        }

        return done;
    }
}
