using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// RadixVM's (Clements, Kaashoek and Zeldovich, EuroSys 2013; sv6, include/hwvm.hh and kernel/hwvm.cc): every core has a page table of its
/// own, which holds what the core has faulted on. Each page has a set of the cores that put it there; an unmap tells those alone, and each
/// clears its own table and invalidates. Instead, by <see cref="Scheme"/>, one table for all cores, with either scheme that sv6 compares.
/// </summary>
public sealed partial class RadixVmProtocol : IShootdownProtocol
{
    /// <summary>Pages above which a core of the scheme with a set of cores drops everything (core_tracking_shootdown::clear_tlb).</summary>
    private const ulong TrackingPages = 4;

    /// <summary>The table of core 0; table 0 is the space's own, which no core walks.</summary>
    private const int FirstTable = 1;

    /// <summary>
    /// <c>per-core</c> is RadixVM (mmu_per_core_page_table). With one table for all cores, <c>core-tracking</c> tells the cores that run
    /// the space (core_tracking_shootdown), and <c>batched</c> has them drop everything (batched_shootdown).
    /// </summary>
    [Setting("Page tables of cores with a set of cores for each page (per-core), or one table for all: tell the cores that run the space, "
        + "by range (core-tracking) or everything (batched).", Choices = "per-core|core-tracking|batched")]
    public string Scheme { get; init; } = "per-core";

    /// <summary>
    /// Cycles of a fill fault on top of one that finds the translation in place; calibrated: what a fault of linux-6.18-kvm holds the lock
    /// of its table page.
    /// </summary>
    [Setting("A fault that only fills the core's own page table, on top of one that finds the translation in place.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e7)]
    public long FillCycles { get; init; } = 150;

    /// <summary>
    /// Cycles of clearing an entry of the core's own table; calibrated: what linux-6.18-kvm takes to unmap a page that nobody owns.
    /// </summary>
    [Setting("Each page that a core clears in its own page table, besides its invalidation.", Unit = SettingUnit.Cycles, Min = 0,
        Max = 1e7)]
    public long ClearCycles { get; init; } = 34;

    /// <summary>
    /// Whether cores keep what they hold under tags over switches. sv6 has no PCIDs: every load of a space drops everything. Does nothing
    /// where one table serves all cores.
    /// </summary>
    [Setting("Whether cores with page tables of their own keep translations under tags over switches, or drop all at every load of a "
        + "space, as sv6 does.")]
    public bool Tags { get; init; }

    /// <inheritdoc/>
    public string Name => "radixvm";

    /// <inheritdoc/>
    public string Summary =>
        "page tables of cores, filled by their faults; a set of cores for each page, and interrupts to those alone (RadixVM, EuroSys 2013)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Architectures => ["x86-64"];

    /// <inheritdoc/>
    public bool FillsTablesOnDemand => HasCoreTables;

    private bool HasCoreTables => Scheme == "per-core";

    /// <inheritdoc/>
    public int Tables(MachineSpec machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return HasCoreTables ? FirstTable + machine.Cores : 1;
    }

    /// <inheritdoc/>
    public IsolationKind Isolation => Tags && HasCoreTables ? IsolationKind.Tagged : IsolationKind.Untagged;

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) =>
        HasCoreTables ? new CoreTablesSpace(this, context) : new SharedTableSpace(this, context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) =>
        HasCoreTables ? new CoreTablesCore(this, context) : new SharedTableCore(context);

    private Asid TagOf(SpaceId space, int spaceCount, int tagCount) => Tags ? SharedRules.TagOf(space, spaceCount, tagCount) : default;

    /// <summary>A core with a page table of its own.</summary>
    private sealed class CoreTablesCore(RadixVmProtocol protocol, ICoreShootdownContext context) : CoreShootdown
    {
        /// <summary>An idle core runs on the kernel's own table (switchvm), and drops everything when it loads a space again.</summary>
        public override bool ReloadAfterIdle => !protocol.Tags;

        /// <summary>
        /// Clears the range in the core's table, and drops what it cleared if the space is loaded (page_map_cache::clear). The generation
        /// is the number of pages that the table had. For the whole space it drops everything at once.
        /// </summary>
        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            Asid tag = protocol.TagOf(invalidation.Space, context.SpaceCount, context.TagCount);
            Cycles clearing = invalidation.Generation * protocol.ClearCycles;
            if (tag == default && context.Loaded != invalidation.Space)
            {
                return new InvalidationResult(clearing, 0, Full: false);
            }

            InvalidationScope scope = invalidation.Scope;
            bool isGone = tag == default && context.IsLazy;
            return SharedRules.Invalidate(context, tag, scope) with
            {
                Cycles = clearing + (isGone ? 0 : DroppingCycles(scope, invalidation.Generation)),
            };
        }

        private Cycles DroppingCycles(InvalidationScope scope, long pages) => scope.IsWholeSpace
            ? context.Kernel.InvalidateAllCycles
            : pages == 0 ? 0 : context.Kernel.InvalidateRangeCycles + (pages * SharedRules.PageCyclesOf(context.Kernel));
    }

    /// <summary>A core that walks the table of all.</summary>
    private sealed class SharedTableCore(ICoreShootdownContext context) : CoreShootdown
    {
        public override bool TellsLazy => true;

        public override bool ReloadAfterIdle => true;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            return context.Loaded == invalidation.Space ? SharedRules.Invalidate(context, default, invalidation.Scope) : default;
        }
    }
}
