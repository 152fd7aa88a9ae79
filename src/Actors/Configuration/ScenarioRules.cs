using VmSim.Core.Mmu;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Configuration;

/// <summary>Rules between settings that no single setting's range can say.</summary>
internal static class ScenarioRules
{
    public static void Check(ScenarioSpec spec)
    {
        if (spec.Machine.Sockets > spec.Machine.Cores)
        {
            throw new ScenarioException(
                $"machine.sockets: {spec.Machine.Sockets} found; at most machine.cores, {spec.Machine.Cores}, are allowed");
        }

        if (spec.Until > 0 && spec.Warmup >= spec.Until)
        {
            throw new ScenarioException($"warmup: {spec.Warmup} cycles found; less than until, {spec.Until} cycles, is allowed");
        }

        if (!ulong.IsPow2(spec.Memory.FaultAround))
        {
            throw new ScenarioException(
                $"memory.fault-around: {spec.Memory.FaultAround} B found; a power of two from 4 KiB to 2 MiB is allowed");
        }

        if (spec.Sampling.Fault is { } samplingFault)
        {
            throw new ScenarioException($"sampling.{samplingFault}");
        }

        _ = spec.Memory.ToOptions();
        _ = MessageSchedule.Parse(spec.Schedule, spec.Machine.Cores);
        MmuSpec mmu = spec.Machine.Mmu;
        CheckTlb("instruction4k", mmu.Instruction4K, required: true);
        CheckTlb("instruction-large", mmu.InstructionLarge, required: false);
        CheckTlb("data4k", mmu.Data4K, required: true);
        CheckTlb("walk-lines", mmu.WalkLines, required: false);
        CheckTlb("data-large", mmu.DataLarge, required: false);
        CheckTlb("instruction-huge", mmu.InstructionHuge, required: false);
        CheckTlb("data-huge", mmu.DataHuge, required: false);
        CheckTlb("second", mmu.Second, required: mmu.SecondLarge.Entries + mmu.SecondHuge.Entries + mmu.SecondInstruction.Entries > 0);
        CheckTlb("second-large", mmu.SecondLarge, required: false);
        CheckTlb("second-huge", mmu.SecondHuge, required: false);
        CheckTlb("second-instruction", mmu.SecondInstruction, required: false);
        if (mmu.ReachFault is { } fault)
        {
            throw new ScenarioException($"machine.mmu: {fault}");
        }
    }

    private static void CheckTlb(string key, TlbSpec tlb, bool required)
    {
        if (required && tlb.Entries == 0)
        {
            throw new ScenarioException(
                $"machine.mmu.{key}: {tlb.Entries} entries in {tlb.Ways} ways found; entries must be a positive multiple of ways");
        }

        if (tlb.Fault is { } fault)
        {
            throw new ScenarioException($"machine.mmu.{key}: {fault}");
        }
    }
}
