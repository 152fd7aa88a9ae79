using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Checking;

/// <summary>Memory whose pages are right in every way but for what they hold. Public, as plug-ins are.</summary>
public abstract class WrongValueBackend : MemoryBackend
{
    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory) => LazyBackend.Instance.HandleFault(fault, memory);
}

/// <summary>A store to a page that two processes share finds a new page, and not a copy.</summary>
public sealed class CopiesNothingBackend : WrongValueBackend
{
    /// <inheritdoc/>
    public override string Name => "copies-nothing";

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (!fault.Entry.Mapped)
        {
            return base.HandleFault(fault, memory);
        }

        return memory.Unmap(fault.Page, PageSizes.BaseBytes, Backing) && memory.MapNewFrames(fault.Page, PageSizes.BaseBytes, fault.Flags)
            ? FaultKind.CopyOnWrite
            : FaultKind.OutOfMemory;
    }
}

/// <summary>Parent and child share pages, and both may go on storing to them.</summary>
public sealed class SharesStoresBackend : WrongValueBackend
{
    /// <inheritdoc/>
    public override string Name => "shares-stores";

    /// <inheritdoc/>
    public override bool Fork(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory parent, SpaceMemory child)
    {
        ArgumentNullException.ThrowIfNull(parent);
        ArgumentNullException.ThrowIfNull(child);
        foreach (MappedLeaf leaf in parent.Table.Leaves(start, size))
        {
            if (!child.TryShare(leaf.Entry.Frame, leaf.Entry.Size)
                || !child.MapFrame(leaf.Address, leaf.Entry.Frame, leaf.Entry.Size, leaf.Entry.Flags & ~PageFlags.Accessed))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>A child begins without its parent's pages.</summary>
public sealed class ForgetsForkedPagesBackend : WrongValueBackend
{
    /// <inheritdoc/>
    public override string Name => "forgets-forked";

    /// <inheritdoc/>
    public override bool Fork(VirtAddr start, ulong size, AreaFlags flags, SpaceMemory parent, SpaceMemory child) => true;
}

/// <summary>Pages whose rights change are dropped, as if the next touch could bring them back.</summary>
public sealed class ForgetsProtectedPagesBackend : WrongValueBackend
{
    /// <inheritdoc/>
    public override string Name => "forgets-protected";

    /// <inheritdoc/>
    public override bool Protect(VirtAddr start, ulong size, AreaFlags newFlags, SpaceMemory pageTable)
    {
        ArgumentNullException.ThrowIfNull(pageTable);
        return pageTable.Unmap(start, size, Backing);
    }
}

/// <summary>Pages that mremap has moved are new ones.</summary>
public sealed class ForgetsMovedPagesBackend : WrongValueBackend
{
    /// <inheritdoc/>
    public override string Name => "forgets-moved";

    /// <inheritdoc/>
    public override bool Arrive(VirtAddr start, ulong size, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        return memory.Unmap(start, size, Backing) && memory.MapNewFrames(start, size, AreaFlags.Read | AreaFlags.Write);
    }
}

/// <summary>Pages that mremap has moved are gone.</summary>
public sealed class DropsMovedPagesBackend : WrongValueBackend
{
    /// <inheritdoc/>
    public override string Name => "drops-moved";

    /// <inheritdoc/>
    public override bool Arrive(VirtAddr start, ulong size, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        return memory.Unmap(start, size, Backing);
    }
}

/// <summary>The last page of a range stays when the range is mapped over, and the new area finds it.</summary>
public sealed class KeepsPagesMappedOverBackend : WrongValueBackend
{
    /// <inheritdoc/>
    public override string Name => "keeps-mapped-over";

    /// <inheritdoc/>
    public override bool Unmap(VirtAddr start, ulong size, SpaceMemory pageTable) =>
        base.Unmap(start, size - PageSizes.BaseBytes, pageTable);
}
