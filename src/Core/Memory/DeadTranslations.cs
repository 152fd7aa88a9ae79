using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>Translations that a TLB may still hold and must not use any more: unmapped, moved, or with other rights than before.</summary>
/// <param name="Range">The pages that cover them; at least one.</param>
/// <param name="Count">Exactly how many present translations died or changed; a large page counts once. 0 when only
/// table pages without an entry were freed: paging-structure caches may still refer to them.</param>
/// <param name="FreesMemory">Whether frames or table pages wait for the invalidation before they can be used again.</param>
public readonly record struct DeadTranslations(DeadRange Range, long Count, bool FreesMemory)
{
    /// <summary>Which cores may hold them; null if that is not kept, and any may.</summary>
    public TranslationHolders? Holders { get; init; }
}
