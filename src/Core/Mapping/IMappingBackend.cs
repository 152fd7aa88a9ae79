using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>
/// How the pages of an area are mapped, unmapped and protected. Immutable: the pieces of a split area share one backend. A backend that answers
/// false has left its own range as it was.
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
