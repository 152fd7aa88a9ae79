using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// What Linux does on RISC-V (arch/riscv/mm/tlbflush.c and context.c of 7.0): cores whose bit stands in the space's mask are told, by one
/// call of the firmware or by interrupts, and a bit stands for as long as the space has an ASID. More than 64 pages, and whatever frees
/// table pages, drop the whole space. The firmware drops a page at most by its address (OpenSBI, lib/sbi/sbi_tlb.c).
/// </summary>
public sealed partial class RiscvSbiProtocol : IShootdownProtocol
{
    /// <summary>ASIDs for spaces: 16 bits of satp, less 0, which no space has, and the last, which stands for global pages here.</summary>
    private const int AsidsMax = 65_534;

    /// <summary>In an invalidation's generation, beside ASIDs: what reclaim took is dropped with everything else, under any ASID.</summary>
    private const long Everything = -1;

    /// <summary>Pages above which a core drops the whole space (tlb_flush_all_threshold).</summary>
    [Setting("Pages above which a core drops the whole space instead of page by page.", Unit = SettingUnit.Pages, Min = 1,
        Max = 1_048_576)]
    public int Threshold { get; init; } = 64;

    /// <summary>
    /// Whether the firmware tells other cores (riscv_use_sbi_for_rfence), as it does where interrupts between cores need the firmware too;
    /// else the kernel interrupts them, as with AIA's IMSIC.
    /// </summary>
    [Setting("Whether the firmware tells other cores, in one call, or the kernel interrupts them.")]
    public bool Firmware { get; init; } = true;

    /// <summary>Cycles of a call of the firmware, its trap and return.</summary>
    [Setting("A call of the firmware, before it interrupts anybody.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e6)]
    public long EcallCycles { get; init; } = 500;

    /// <summary>Pages of 4 KiB above which the firmware drops the whole space (SBI_PLATFORM_TLB_RANGE_FLUSH_LIMIT_DEFAULT).</summary>
    [Setting("Pages of 4 KiB above which the firmware has cores drop the whole space.", Unit = SettingUnit.Pages, Min = 0,
        Max = 1_048_576)]
    public int FirmwarePages { get; init; } = 1;

    /// <summary>Whether cores have SINVAL.VMA, of which many stand between two fences (Svinval).</summary>
    [Setting("Whether cores invalidate many pages between two fences (Svinval).")]
    public bool Svinval { get; init; }

    /// <summary>Cycles of a SINVAL.VMA.</summary>
    [Setting("Each SINVAL.VMA; the two fences around take what SFENCE.VMA of a page takes.", Unit = SettingUnit.Cycles, Min = 0,
        Max = 1e6)]
    public long SinvalCycles { get; init; } = 10;

    /// <summary>
    /// ASIDs that hardware has; spaces are given them if there are more than twice as many as cores, else every switch drops everything.
    /// </summary>
    [Setting("ASIDs that hardware has; spaces have them if there are more than twice as many as cores.", Min = 1, Max = AsidsMax)]
    public int Asids { get; init; } = AsidsMax;

    /// <summary>
    /// Whether a core that does not run the space drops its ASID when it loads it again, instead of being interrupted (RFC of Xu Lu,
    /// linux-riscv, October 2025; not in 7.0). Does nothing without ASIDs, where only cores that run the space are told.
    /// </summary>
    [Setting("Whether a core that does not run the space is not interrupted, and drops what it has when it loads the space again.")]
    public bool Deferred { get; init; }

    /// <inheritdoc/>
    public string Name => "riscv-sbi";

    /// <inheritdoc/>
    public string Summary =>
        "firmware or interrupts tell every core that has run the space, page by page up to 64 pages, ASIDs of the machine (arch/riscv)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Architectures => ["riscv"];

    /// <inheritdoc/>
    public MachineShootdown? CreateMachineHalf(MachineSpec machine, KernelProfile kernel)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return HasAsids(machine) ? new Harts(machine.Cores, Asids) : null;
    }

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(this, context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(this, context);

    /// <summary>Whether spaces have ASIDs (asids_init).</summary>
    private bool HasAsids(MachineSpec machine) => Asids > 2 * machine.Cores;

    /// <summary>The ASIDs of all harts, as Linux calls what is a core here.</summary>
    /// <param name="cores">Cores of the machine.</param>
    /// <param name="asids">ASIDs that spaces can be given.</param>
    private sealed class Harts(int cores, int asids) : MachineShootdown
    {
        public AsidGenerations Asids { get; } = new(cores, asids);
    }

    private sealed class CoreHalf(RiscvSbiProtocol protocol, ICoreShootdownContext context) : CoreShootdown
    {
        private readonly RiscvSbiCoreCounters _counters = new();

        /// <summary>The generation of ASIDs in which the core has dropped everything last.</summary>
        private long _generation = 1;

        public override CounterSet Counters => _counters;

        public override bool TellsLazy => protocol.Deferred;

        public override bool ReloadAfterIdle => protocol.Deferred;

        public override InvalidationResult OnInvalidation(in Invalidation invalidation)
        {
            if (invalidation.Generation == Everything)
            {
                return new InvalidationResult(context.Kernel.InvalidateAllCycles, context.Mmu.InvalidateAll(globals: false), Full: true);
            }

            Asid tag = new((ushort)invalidation.Generation);
            InvalidationScope scope = invalidation.Scope;

            // SFENCE.VMA with an address drops leaves alone: table pages are freed only with the whole space.
            int dropped = scope.IsWholeSpace ? context.Mmu.InvalidateAsid(tag) : context.Mmu.InvalidateLeaves(tag, scope.Range);
            bool isFirmwares = protocol.Firmware && !invalidation.IsLocal;
            return new InvalidationResult(CyclesOf(scope, protocol.Svinval && !isFirmwares), dropped, scope.IsWholeSpace);
        }

        public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer)
        {
            if (_generation >= answer.Generation)
            {
                return new LoadResult(answer.Tag, 0, Flushed: false);
            }

            _generation = answer.Generation;
            _counters[RiscvSbiCoreCounters.FlushesAtSwitch]++;
            context.Mmu.InvalidateAll(globals: false);
            return new LoadResult(answer.Tag, context.Kernel.InvalidateAllCycles, Flushed: true);
        }

        private long CyclesOf(InvalidationScope scope, bool batches) => batches && scope.Entries > 1
            ? context.Kernel.InvalidateRangeCycles + context.Kernel.InvalidatePageCycles + ((long)scope.Entries * protocol.SinvalCycles)
            : SharedRules.CyclesOf(context.Kernel, scope);
    }
}
