using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;

namespace VmSim.Core.Memory;

/// <summary>Takes flags of an area away and gives others.</summary>
/// <param name="remove">Those it takes away.</param>
/// <param name="add">Those it gives.</param>
internal readonly struct FlagChange(AreaFlags remove, AreaFlags add) : IFlagsUpdate<AreaFlags>
{
    /// <inheritdoc/>
    public bool TryUpdate(AreaFlags old, out AreaFlags updated)
    {
        // Shared areas are not merged: ksm_madvise leaves them as they are and succeeds (mm/ksm.c).
        AreaFlags given = (old & AreaFlags.Shared) != 0 ? add & ~AreaFlags.Mergeable : add;
        if ((old & AreaFlags.HugeTlb) != 0)
        {
            given &= ~AreaFlags.Locks; // they stay in memory anyway (mlock_fixup, mm/mlock.c)
        }

        updated = (old & ~remove) | given;
        return updated != old;
    }
}
