using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>What a page table holds for an address.</summary>
/// <param name="Frame">First byte of the memory that the leaf maps.</param>
/// <param name="Size">Size of the leaf; 0 when there is none.</param>
/// <param name="Flags">The leaf's flags.</param>
public readonly record struct EntryInfo(PhysAddr Frame, PageSize Size, PageFlags Flags)
{
    /// <summary>Whether there is a leaf. One without any right is present too: it holds its frame, and the hardware does not use it.</summary>
    public bool Present => Size != 0;

    /// <summary>Whether the hardware can use the leaf.</summary>
    public bool Usable => (Flags & (PageFlags.Read | PageFlags.Write | PageFlags.Execute)) != 0;
}

/// <summary>Sees the leaves that a range operation removes.</summary>
public interface IUnmapVisitor
{
    /// <summary>A leaf was removed.</summary>
    /// <param name="address">First address that it mapped.</param>
    /// <param name="leaf">What it mapped.</param>
    void OnUnmapped(VirtAddr address, in EntryInfo leaf);
}

/// <summary>A visitor that is not interested.</summary>
public readonly struct NoVisitor : IUnmapVisitor
{
    /// <inheritdoc/>
    public void OnUnmapped(VirtAddr address, in EntryInfo leaf)
    {
    }
}

/// <summary>Table pages that left a page table and stay readable until they are released.</summary>
/// <param name="Pages">Their numbers; null for none.</param>
public readonly record struct FreedTableBatch(int[]? Pages)
{
    /// <summary>How many.</summary>
    public int Count => Pages?.Length ?? 0;
}

/// <summary>A place in a page table's undo journal.</summary>
/// <param name="Position">Entries of the journal before it.</param>
public readonly record struct UndoMark(int Position);
