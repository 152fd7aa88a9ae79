using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Engine;

/// <summary>
/// The least delays of the run's message kinds, from the machine and kernel profiles, and what follows from them: how far cores may run
/// without hearing from each other.
/// </summary>
public sealed class Delays
{
    /// <summary>Derives the delays of a run.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="kernel">The kernel's costs.</param>
    /// <param name="protocolDirectDelay">Least delay of any core-to-core message the shootdown protocol adds; <see cref="long.MaxValue"/> if none.</param>
    public Delays(MachineSpec machine, KernelProfile kernel, long protocolDirectDelay = long.MaxValue)
    {
        Trap = kernel.TrapEntryCycles;
        SystemCall = kernel.SystemCallEntryCycles;
        Notice = kernel.AckCycles;
        Service = kernel.ServiceCycles;
        Return = kernel.TrapReturnCycles;
        CoreToSpace = Math.Min(Math.Min(Trap, SystemCall), Notice);
        int ipi = machine.Sockets > 1 ? Math.Min(machine.IpiCycles, machine.IpiRemoteCycles) : machine.IpiCycles;
        SpaceToCore = Math.Min(Return, ipi);
        StoreVisibility = Service + SpaceToCore;
        WindowBound = Math.Min(CoreToSpace + Service + SpaceToCore, protocolDirectDelay);
    }

    /// <summary>The delays of a scenario with the protocol that it names.</summary>
    public static Delays Of(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        IShootdownProtocol? protocol = ShootdownProtocols.ByName(scenario.Shootdown.Protocol);
        return new Delays(scenario.Machine, scenario.Kernel, protocol?.DirectDelay(scenario.Machine, scenario.Kernel) ?? long.MaxValue);
    }

    /// <summary>Core to space: a page fault.</summary>
    public long Trap { get; }

    /// <summary>Core to space: a system call.</summary>
    public long SystemCall { get; }

    /// <summary>Core to space: an ack, a log entry, or any other notice.</summary>
    public long Notice { get; }

    /// <summary>Least time a space works on a message before it says anything.</summary>
    public long Service { get; }

    /// <summary>Space to core: the return of a trap, a wake-up, the answer to a load.</summary>
    public long Return { get; }

    /// <summary>Least delay of any message from a core to a space.</summary>
    public long CoreToSpace { get; }

    /// <summary>Least delay of any message from a space to a core, counted from the end of its service.</summary>
    public long SpaceToCore { get; }

    /// <summary>From the moment a space handles an operation to the moment every walker sees its page-table stores.</summary>
    public long StoreVisibility { get; }

    /// <summary>The bound W: whatever a core does at time t reaches another core no earlier than t + W.</summary>
    public long WindowBound { get; }

    /// <summary>The bound as virtual time.</summary>
    public Cycles Bound => new(WindowBound);
}
