using VmSim.Core.Addresses;

namespace VmSim.Core.Memory.Backends;

/// <summary>
/// Anonymous private memory in the largest pages that fit. A fault maps the aligned large page if it lies in the area and frames for it are
/// there, and the next smaller size otherwise, 4 KiB at last. A large page is split when a part of it is unmapped or protected, or when a
/// store to a part of it must copy.
/// </summary>
public sealed class HugeBackend : MemoryBackend
{
    private readonly PageSize _largest;

    private HugeBackend(PageSize largest) => _largest = largest;

    /// <summary>Pages up to 2 MiB.</summary>
    public static HugeBackend UpTo2M { get; } = new(PageSize.Size2M);

    /// <summary>Pages up to 1 GiB.</summary>
    public static HugeBackend UpTo1G { get; } = new(PageSize.Size1G);

    /// <inheritdoc/>
    public override string Name => _largest == PageSize.Size1G ? "huge-1g" : "huge-2m";

    /// <inheritdoc/>
    public override FaultKind HandleFault(in Fault fault, SpaceMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (fault.Entry.Mapped)
        {
            return memory.WritePrivate(fault);
        }

        bool large = (_largest == PageSize.Size1G && memory.TryTouchLarge(fault, PageSize.Size1G))
            || memory.TryTouchLarge(fault, PageSize.Size2M);
        return large ? FaultKind.Huge : memory.TouchAnonymous(fault);
    }
}
