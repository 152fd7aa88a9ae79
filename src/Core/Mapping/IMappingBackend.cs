using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>
/// How the pages of an area are mapped, unmapped and protected. Immutable: the pieces of a split area share one backend, so what a backend
/// does to an address depends on the address alone. A file's backend, for example, knows the difference between address and file offset. A
/// backend that answers false has left its own range as it was, unless the page table is an <see cref="IUndoablePageTable"/>, which takes
/// half-done work back.
/// </summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags of an area.</typeparam>
/// <typeparam name="TPageTable">What the backend changes.</typeparam>
public interface IMappingBackend<TAddr, TFlags, TPageTable>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
{
    /// <summary>Maps a range that nothing is mapped in.</summary>
    /// <returns>False refuses the whole operation.</returns>
    bool Map(TAddr start, ulong size, TFlags flags, TPageTable pageTable);

    /// <summary>Unmaps a range of an area.</summary>
    /// <returns>False refuses the whole operation.</returns>
    bool Unmap(TAddr start, ulong size, TPageTable pageTable);

    /// <summary>Gives a range of an area new flags.</summary>
    /// <returns>False refuses the whole operation.</returns>
    bool Protect(TAddr start, ulong size, TFlags newFlags, TPageTable pageTable);
}

/// <summary>A backend of a <see cref="MemorySet{TFlags, TPageTable}"/>: one over <see cref="VirtAddr"/>.</summary>
/// <typeparam name="TFlags">The flags of an area.</typeparam>
/// <typeparam name="TPageTable">What the backend changes.</typeparam>
public interface IMappingBackend<TFlags, TPageTable> : IMappingBackend<VirtAddr, TFlags, TPageTable>
    where TFlags : struct;

/// <summary>
/// A backend whose mappings can move to other addresses with their contents. Without it, a move unmaps and maps again with the same
/// backend.
/// </summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags of an area.</typeparam>
/// <typeparam name="TPageTable">What the backend changes.</typeparam>
/// <typeparam name="TBackend">The backends of the set.</typeparam>
public interface IMovableBackend<TAddr, TFlags, TPageTable, TBackend>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
{
    /// <summary>
    /// The backend that does at <paramref name="to"/> what this one does at <paramref name="from"/>; itself if addresses mean nothing to
    /// it.
    /// </summary>
    TBackend MovedTo(TAddr from, TAddr to);

    /// <summary>Moves the mappings of a range of an area to a range that nothing is mapped in; the two do not overlap.</summary>
    /// <returns>False refuses the whole operation.</returns>
    bool Move(TAddr from, TAddr to, ulong size, TFlags flags, TPageTable pageTable);
}

/// <summary>A backend of a <see cref="MemorySet{TFlags, TPageTable}"/> whose mappings can move.</summary>
/// <typeparam name="TFlags">The flags of an area.</typeparam>
/// <typeparam name="TPageTable">What the backend changes.</typeparam>
public interface IMovableBackend<TFlags, TPageTable>
    : IMappingBackend<TFlags, TPageTable>, IMovableBackend<VirtAddr, TFlags, TPageTable, IMappingBackend<TFlags, TPageTable>>
    where TFlags : struct;

/// <summary>A page table that can take changes back. A memory set uses it for atomicity; without it, it undoes by inverse calls.</summary>
public interface IUndoablePageTable
{
    /// <summary>Begins to record changes. Marks nest.</summary>
    int Mark();

    /// <summary>Takes back every change since the mark.</summary>
    void Rollback(int mark);

    /// <summary>Keeps the changes since the mark.</summary>
    void Commit(int mark);
}

/// <summary>New flags from old ones; a struct that implements it makes <c>Protect</c> free of allocation.</summary>
/// <typeparam name="TFlags">The flags of an area.</typeparam>
public interface IFlagsUpdate<TFlags>
    where TFlags : struct
{
    /// <summary>The flags that an area gets.</summary>
    /// <returns>False leaves the area alone.</returns>
    bool TryUpdate(TFlags old, out TFlags updated);
}
