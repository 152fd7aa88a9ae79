using VmSim.Core.Machine;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// What Linux does on AArch64 (arch/arm64/include/asm/tlbflush.h, arch/arm64/mm/context.c of 7.0): TLBI instructions that every core of the
/// inner-shareable domain obeys, and a DSB that waits for all of them. No core is interrupted, and there is no list of cores. All
/// broadcasts of the machine pass one fabric, one after the other, so that who broadcasts at the same time as others waits for them.
/// Spaces have ASIDs of the machine; when these have all been given, a new generation begins, and each core drops everything at its next
/// switch.
/// </summary>
public sealed partial class ArmTlbiProtocol : IShootdownProtocol
{
    /// <summary>Tags for spaces: ASIDs of 16 bits, less 0, which no space has, and the last, which stands for global pages here.</summary>
    private const int AsidsMax = 65_534;

    /// <summary>The message by which hardware has a core drop what a TLBI names.</summary>
    private const int Broadcast = 0;

    /// <summary>
    /// Cycles for which the fabric is busy with one TLBI. Calibrated on 32 processes of one thread each that call mprotect on 32 cores
    /// (ARMv8, Ampere), which take 2.121353 s with broadcasts and 0.1197750 s with local operations, 17.7 times less (A. Arcangeli, "arm64:
    /// tlb: skip tlbi broadcast for single threaded TLB flushes", linux-arm-kernel, 3 February 2020): <c>protect-loop</c> on one page on
    /// the profile neoverse-n1 has that ratio.
    /// </summary>
    [Setting("How long the fabric is busy with one TLBI that is broadcast; whoever comes meanwhile waits.", Unit = SettingUnit.Cycles,
        Min = 0, Max = 1e6)]
    public long FabricCycles { get; init; } = 2_300;

    /// <summary>Cycles from when the fabric takes a TLBI until no core uses what it names.</summary>
    [Setting("From when the fabric takes a TLBI until no core uses what it names.", Unit = SettingUnit.Cycles, Min = 1,
        Max = 1e9)]
    public long BroadcastCycles { get; init; } = 300;

    /// <summary>Cycles until DSB knows it.</summary>
    [Setting("From then until the DSB of the core that has executed it is over.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e9)]
    public long SyncCycles { get; init; } = 300;

    /// <summary>Cycles that a broadcast takes a core that it comes to.</summary>
    [Setting("What a broadcast takes a core that it comes to.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e6)]
    public long StallCycles { get; init; }

    /// <summary>Cycles of a TLBI that stays on its core.</summary>
    [Setting("Each TLBI that stays on its core, with its part of the DSB.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e6)]
    public long LocalCycles { get; init; } = 50;

    /// <summary>
    /// Whether a space that only one core has ever loaded invalidates on that core alone (mm_context.active_cpu in the series of
    /// R. Roberts and L. Cherian, linux-arm-kernel 2025 and 2026; not in 7.0).
    /// </summary>
    [Setting("Whether a space that only one core has ever loaded invalidates there alone.")]
    public bool Local { get; init; }

    /// <summary>Whether a TLBI can name a range (FEAT_TLBIRANGE, Armv8.4).</summary>
    [Setting("Whether a TLBI can name a range of pages (FEAT_TLBIRANGE).")]
    public bool RangeOperations { get; init; } = true;

    /// <summary>Whether the last TLBI and its DSB are done twice (ARM64_WORKAROUND_REPEAT_TLBI).</summary>
    [Setting("Whether the last TLBI and the DSB are done twice, as some cores' errata need.")]
    public bool Repeat { get; init; }

    /// <summary>ASIDs of the machine; there must be more than cores.</summary>
    [Setting("ASIDs of the machine; more than it has cores.", Min = 2, Max = AsidsMax)]
    public int Asids { get; init; } = AsidsMax;

    /// <inheritdoc/>
    public string Name => "arm-tlbi";

    /// <inheritdoc/>
    public string Summary => "hardware broadcast through one fabric, DSB waits for all cores, ASIDs of the machine (arch/arm64)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Architectures => ["aarch64"];

    /// <inheritdoc/>
    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) =>
        [new("TLBI", MessageDirection.SpaceToCore, BroadcastCycles)];

    /// <inheritdoc/>
    public MachineShootdown CreateMachineHalf(MachineSpec machine, KernelProfile kernel)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Asids > machine.Cores
            ? new Domain(machine.Cores, Asids)
            : throw new ScenarioException(
                $"shootdown.protocol-settings.asids: {Asids} found; with {machine.Cores} cores at least {machine.Cores + 1} are needed, "
                    + "one for each core and one for the space that comes");
    }

    /// <inheritdoc/>
    public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new SpaceHalf(this, context);

    /// <inheritdoc/>
    public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => new CoreHalf(context, StallCycles, LocalCycles);

    /// <summary>The inner-shareable domain: the fabric that broadcasts pass, and the ASIDs.</summary>
    /// <param name="cores">Cores of the machine.</param>
    /// <param name="asids">ASIDs that spaces can be given.</param>
    private sealed class Domain(int cores, int asids) : MachineShootdown
    {
        private long _busyUntil;

        public AsidGenerations Asids { get; } = new(cores, asids);

        /// <summary>Passes TLBI instructions through the fabric.</summary>
        /// <param name="now">When they are there, in cycles.</param>
        /// <param name="cycles">How long they keep it busy.</param>
        /// <returns>Cycles from now until it has passed the last one on.</returns>
        public long Pass(long now, long cycles)
        {
            _busyUntil = Math.Max(now, _busyUntil) + cycles;
            return _busyUntil - now;
        }
    }
}
