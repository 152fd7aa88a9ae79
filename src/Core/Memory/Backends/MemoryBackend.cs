using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Statistics;

namespace VmSim.Core.Memory.Backends;

/// <summary>
/// A mapping backend of the simulator: maps, unmaps and protects the pages of areas and answers their faults. Immutable; the pieces of a
/// split area share one. A plug-in derives from it and overrides what differs.
/// </summary>
public abstract class MemoryBackend : IMappingBackend<VirtAddr, AreaFlags, SpaceMemory>
{
    /// <summary>A short name for reports.</summary>
    public abstract string Name { get; }

    /// <summary>One sentence that says what it does, for lists of plug-ins; the registry says it of those that are in it.</summary>
    public virtual string Summary => Name;

    /// <summary>What stands behind the pages.</summary>
    public virtual Backing Backing => Backing.Anonymous;

    /// <summary>Whether madvise may drop, free or populate the pages (Linux: not those of VM_PFNMAP areas, mm/madvise.c).</summary>
    public virtual bool TakesAdvice => true;

    /// <summary>Pages that calls may not divide: a range that ends inside one is refused with EINVAL.</summary>
    public virtual PageSize Granule => PageSize.Size4K;

    /// <summary>Makes an area's translations at mapping time; none by default.</summary>
    /// <returns>False refuses the whole operation; what was done so far is undone.</returns>
    public virtual bool Map(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory pageTable) => true;

    /// <summary>Removes the translations of a piece of an area.</summary>
    /// <returns>False refuses the whole operation; what was done so far is undone.</returns>
    public virtual bool Unmap(VirtAddr start, ulong size, SpaceMemory pageTable)
    {
        ArgumentNullException.ThrowIfNull(pageTable);
        return pageTable.Unmap(start, size, Backing);
    }

    /// <summary>Gives the translations of a piece of an area the rights of its new flags.</summary>
    /// <returns>False refuses the whole operation; what was done so far is undone.</returns>
    public virtual bool Protect(VirtAddr start, ulong size, AreaFlags newFlags, SpaceMemory pageTable)
    {
        ArgumentNullException.ThrowIfNull(pageTable);
        return pageTable.Protect(start, size, newFlags, Backing);
    }

    /// <summary>Answers a fault that the area's flags allow. It is called when the page has no translation, or when a store met one
    /// that forbids stores.</summary>
    /// <param name="fault">The access, its area and the page's translation.</param>
    /// <param name="memory">What to change.</param>
    /// <returns>What it turned out to be; after a failure everything done is taken back.</returns>
    public abstract FaultKind HandleFault(in Fault fault, SpaceMemory memory);

    /// <summary>Gives a forked child its translations of an area; private pages are shared until one side writes.</summary>
    /// <param name="start">The area's first address.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="parent">The parent's memory.</param>
    /// <param name="child">The child's memory, empty in this range.</param>
    /// <returns>False refuses the fork; what was done so far is undone in both.</returns>
    public virtual bool Fork(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory parent, SpaceMemory child) =>
        CopyOnWrite.Share(start, size, parent, child);

    /// <summary>Takes note of pages that a move brought to a new place, as this backend; their old place is unmapped next.</summary>
    /// <returns>False refuses the move.</returns>
    public virtual bool Arrive(VirtAddr start, ulong size, SpaceMemory memory) => true;

    /// <summary>Whether a fault may change translations before it fails, so that they must be journaled. True unless a backend knows
    /// better.</summary>
    public virtual bool NeedsJournal => true;

    /// <summary>The backend of the same memory at another place.</summary>
    /// <param name="distance">New address less old address, modulo 2^64.</param>
    public virtual MemoryBackend MovedBy(ulong distance) => this;

    /// <summary>
    /// What an address space has counted by the backend's own counters, to add to. A fault that is taken back does not take it back.
    /// </summary>
    /// <typeparam name="TCounters">The class that the backend's <see cref="CountsAttribute{TCounters}"/> names.</typeparam>
    /// <param name="memory">The space's memory.</param>
    /// <exception cref="InvalidOperationException">
    /// The backend has no such attribute, so that no report would have the counters.
    /// </exception>
    protected TCounters CountersOf<TCounters>(SpaceMemory memory)
        where TCounters : CounterSet<TCounters>, new()
    {
        ArgumentNullException.ThrowIfNull(memory);
        return memory.FindCounters<TCounters>()
            ?? (CountsAttribute.Of(GetType()) is TCounters made
                ? memory.AddCounters(made)
                : throw new InvalidOperationException(
                    $"{GetType()} counts {typeof(TCounters).Name} and does not say so; give the class [Counts<{typeof(TCounters).Name}>]"));
    }
}
