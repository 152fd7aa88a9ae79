using VmSim.Core.Machine;

namespace VmSim.Core.Reports;

/// <summary>On which machine and kernel a run was, and what the costs were that shootdowns depend on most.</summary>
/// <param name="Machine">Name of the machine profile.</param>
/// <param name="Kernel">Name of the kernel profile.</param>
/// <param name="Costs">Costs in cycles, by the last part of their setting's key, in the order of a shootdown.</param>
public sealed record MachineFacts(string Machine, string Kernel, IReadOnlyList<KeyValuePair<string, long>> Costs)
{
    /// <summary>Those of a report that has none: one that an older version wrote.</summary>
    public static MachineFacts None { get; } = new("", "", []);

    /// <summary>Of a machine and its kernel.</summary>
    public static MachineFacts Of(MachineSpec machine, KernelProfile kernel)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(kernel);
        return new MachineFacts(
            machine.Name,
            kernel.Name,
            [
                new("ipi-send-cycles", kernel.IpiSendCycles),
                new("ipi-cycles", machine.IpiCycles),
                new("ipi-remote-cycles", machine.IpiRemoteCycles),
                new("handler-cycles", kernel.HandlerCycles),
                new("invalidate-range-cycles", kernel.InvalidateRangeCycles),
                new("invalidate-page-cycles", kernel.InvalidatePageCycles),
                new("invalidate-all-cycles", kernel.InvalidateAllCycles),
            ]);
    }

    /// <summary>A cost; 0 if there is none of that name.</summary>
    public long Cost(string name) => Costs.FirstOrDefault(cost => cost.Key == name).Value;
}
