using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;

namespace VmSim.Core.Memory;

/// <summary>Takes flags of an area away and gives others.</summary>
/// <param name="remove">Those it takes away.</param>
/// <param name="add">Those it gives.</param>
internal readonly struct FlagChange(AreaFlags remove, AreaFlags add) : IFlagsUpdate<AreaFlags>
{
    /// <summary>What of an area says that it counts already, or never (mprotect_fixup, mm/mprotect.c).</summary>
    public const AreaFlags Settled =
        AreaFlags.Promised | AreaFlags.Write | AreaFlags.HugeTlb | AreaFlags.Shared | AreaFlags.NotReserved;

    /// <inheritdoc/>
    public bool TryUpdate(AreaFlags old, out AreaFlags updated)
    {
        // Shared areas are not merged: ksm_madvise leaves them as they are and succeeds (mm/ksm.c).
        AreaFlags given = (old & AreaFlags.Shared) != 0 ? add & ~AreaFlags.Mergeable : add;
        if ((old & AreaFlags.HugeTlb) != 0)
        {
            given &= ~AreaFlags.Locks; // they stay in memory anyway (mlock_fixup, mm/mlock.c)
        }

        if ((add & AreaFlags.Write) != 0 && (old & Settled) == 0)
        {
            given |= AreaFlags.Promised;
        }

        updated = (old & ~remove) | given;
        return updated != old;
    }
}
