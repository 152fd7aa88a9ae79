using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory;

/// <summary>Page faults: which area they are in, and what its backend makes of them.</summary>
public sealed partial class VirtualMemory
{
    /// <summary>How close below a stack another area may end before the stack stops growing (Linux: stack_guard_gap, mm/mmap.c: 256
    /// pages).</summary>
    private const ulong StackGuardBytes = 256 * PageSizes.BaseBytes;

    /// <summary>Answers a page fault of user mode, or of the kernel's accesses to user memory, which follow the same rules.</summary>
    /// <param name="address">The faulting address.</param>
    /// <param name="kind">What the access does.</param>
    /// <returns>What it turned out to be. A failed fault changes nothing.</returns>
    public FaultResult HandleFault(VirtAddr address, AccessKind kind)
    {
        VirtAddr page = new(address.Value & ~(PageSizes.BaseBytes - 1));
        if (!_set.TryFind(page, out AreaSet.Area area))
        {
            return FaultBelowStack(page, kind);
        }

        return Fault(page, kind, area);
    }

    private static bool Allows(AreaFlags flags, AccessKind kind) => kind switch
    {
        AccessKind.Store => (flags & AreaFlags.Write) != 0,
        AccessKind.Fetch => (flags & AreaFlags.Execute) != 0,
        _ => (flags & AreaFlags.Rights) != 0,
    };

    private FaultResult Fault(VirtAddr page, AccessKind kind, in AreaSet.Area area)
    {
        if (!Allows(area.Flags, kind) || _memory.IsGuarded(page, PageSizes.BaseBytes))
        {
            return new FaultResult { Kind = FaultKind.SegmentationFault };
        }

        EntryInfo leaf = _memory.Table.Query(page);
        if (leaf.Mapped && (kind != AccessKind.Store || (leaf.Flags & PageFlags.Write) != 0))
        {
            bool marks = MarkUsed(page, kind, leaf.Flags);
            return new FaultResult { Kind = marks ? FaultKind.AccessedDirty : FaultKind.Spurious, AreaStart = area.Start };
        }

        MemoryBackend backend = area.Backend;
        if (backend.NeedsJournal)
        {
            _memory.Begin();
        }
        else
        {
            _memory.BeginFault();
        }

        return _memory.EndFault(
            backend.HandleFault(new Fault(page, kind, area.Range, area.Flags, leaf), _memory)) with
        { AreaStart = area.Start };
    }

    /// <summary>Sets what walkers that set no flags fault for: accessed, and dirty for a store.</summary>
    /// <returns>Whether one of them was clear.</returns>
    private bool MarkUsed(VirtAddr page, AccessKind kind, PageFlags flags)
    {
        PageFlags needed = kind == AccessKind.Store ? PageFlags.Accessed | PageFlags.Dirty : PageFlags.Accessed;
        return (flags & needed) != needed && _memory.Table.SetAccessedDirty(page, needed);
    }

    /// <summary>A fault on an address without an area: the area of a stack above it grows down to it, if it may.</summary>
    private FaultResult FaultBelowStack(VirtAddr page, AccessKind kind)
    {
        FaultResult failure = new()
        {
            Kind = FaultKind.SegmentationFault,
            Limit = _memory.Table.Format.IsCanonical(page) ? MemoryLimit.None : MemoryLimit.Addresses,
        };
        if (!_set.TryFindNext(page, out AreaSet.Area above) || (above.Flags & AreaFlags.GrowsDown) == 0
            || above.Backend.Backing != Backing.Anonymous
            || (
                _set.TryFindPrevious(page, out AreaSet.Area below) && (below.Flags & AreaFlags.Rights) != 0
                    && (below.Flags & AreaFlags.GrowsDown) == 0 && page.Value - below.Last.Value <= StackGuardBytes))
        {
            return failure;
        }

        if (above.Last.Value - page.Value >= _memory.Options.StackLimitBytes)
        {
            // Far below the stack is not near it: only what would have been the stack's next page is told of.
            bool isNear = above.Start.Value - page.Value <= StackGuardBytes;
            return failure with { Limit = isNear ? MemoryLimit.Stack : failure.Limit };
        }

        AreaSet.Area grown = new(page, above.Start.Value - page.Value, above.Flags, above.Backend);
        if (CannotPromise(PagesOf(grown.Size)))
        {
            return failure with { Limit = MemoryLimit.Promises };
        }

        _set.Adopt(grown);
        if (!_set.TryFind(page, out AreaSet.Area stack))
        {
            return failure;
        }

        FaultResult result = Fault(page, kind, stack);
        if (!result.Succeeded)
        {
            // The failed fault has taken back what it had done, so nothing is mapped there.
            _set.Disown(grown.Start, grown.Size);
        }
        else if ((grown.Flags & AreaFlags.Promised) != 0)
        {
            Promise(PagesOf(grown.Size));
        }

        return result;
    }
}
