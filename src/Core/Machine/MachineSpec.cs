using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Settings;

namespace VmSim.Core.Machine;

/// <summary>The simulated machine: cores, sockets, clock, and what accesses and messages between cores cost.</summary>
public sealed record MachineSpec
{
    /// <summary>Name of the machine profile, for reports.</summary>
    [Setting("Name of the machine profile, for reports.")]
    public string Name { get; init; } = "custom";

    /// <summary>CPU cores, 1 to 65,536.</summary>
    [Setting("CPU cores of the machine.", Min = 1, Max = 65_536)]
    public int Cores { get; init; } = 8;

    /// <summary>Sockets; cores are spread over them in equal consecutive blocks.</summary>
    [Setting("Sockets (NUMA nodes); cores are numbered socket by socket.", Min = 1, Max = 64)]
    public int Sockets { get; init; } = 1;

    /// <summary>Clock in GHz; turns cycles into time.</summary>
    [Setting("Clock frequency that turns cycles into time.", Unit = SettingUnit.Gigahertz, Min = 0.001, Max = 100)]
    public double Ghz { get; init; } = 2.3;

    /// <summary>Cycles of an instruction fetch that hits everywhere.</summary>
    [Setting("Cycles of one instruction fetch when everything hits.", Unit = SettingUnit.Cycles, Min = 1, Max = 1_000_000)]
    public int FetchCycles { get; init; } = 1;

    /// <summary>Cycles of a load that hits everywhere.</summary>
    [Setting("Cycles of one load when everything hits.", Unit = SettingUnit.Cycles, Min = 1, Max = 1_000_000)]
    public int LoadCycles { get; init; } = 1;

    /// <summary>Cycles of a store that hits everywhere.</summary>
    [Setting("Cycles of one store when everything hits.", Unit = SettingUnit.Cycles, Min = 1, Max = 1_000_000)]
    public int StoreCycles { get; init; } = 1;

    /// <summary>Cycles from sending an IPI to the handler's first instruction, same socket.</summary>
    [Setting("Delay of an inter-processor interrupt to a core of the same socket.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e9)]
    public int IpiCycles { get; init; } = 1500;

    /// <summary>The same to a core of another socket.</summary>
    [Setting("Delay of an inter-processor interrupt to a core of another socket.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e9)]
    public int IpiRemoteCycles { get; init; } = 2500;

    /// <summary>
    /// Cores of a socket, one after another, that one write to the interrupt controller reaches: those of a cluster of x2APIC, which are
    /// 16 processors (Intel SDM vol. 3, 11.12.10.2; Linux: __x2apic_send_IPI_mask, arch/x86/kernel/apic/x2apic_cluster.c).
    /// </summary>
    [Setting("Cores of a socket, one after another, that the initiator reaches by one write to the interrupt controller.",
        Min = 1, Max = 1_048_576)]
    public int IpiCluster { get; init; } = 1;

    /// <summary>Cycles to move a modified cache line between cores of one socket.</summary>
    [Setting("Transfer of a modified cache line between cores of one socket.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e9)]
    public int LineTransferCycles { get; init; } = 150;

    /// <summary>The same between sockets.</summary>
    [Setting("Transfer of a modified cache line between sockets.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e9)]
    public int LineTransferRemoteCycles { get; init; } = 350;

    /// <summary>The page-table format: a name of <see cref="PageTableFormats.All"/>, or a class of a plug-in.</summary>
    [Setting("Page-table format: a name of `vmsim list page-tables`, or a class of a plug-in as \"Namespace.Type, Assembly\".")]
    public string PageTable { get; init; } = "x86-64";

    /// <summary>What is set of the format's own settings.</summary>
    public OwnSettings PageTableSettings { get; init; } = OwnSettings.None;

    /// <summary>The MMU of each core.</summary>
    public MmuSpec Mmu { get; init; } = new();

    /// <summary>
    /// Whether every memory pool's processes run in a virtual machine of their own, which has the machine's cores. A process may have it
    /// otherwise.
    /// </summary>
    [Setting("Whether processes run in a virtual machine: one for each memory pool (memory.shared), with page tables of guest and host. "
        + "A process's own virtual = on or off goes before it.")]
    public bool Virtual { get; init; }

    /// <summary>The virtual machines, if there are any.</summary>
    public GuestSpec Guest { get; init; } = new();

    /// <summary>Cycles of a second.</summary>
    public long CyclesPerSecond => (long)Math.Round(Ghz * 1e9);

    /// <summary>Cores of one socket.</summary>
    public int CoresPerSocket => (Cores + Sockets - 1) / Sockets;

    /// <summary>The socket of a core.</summary>
    public int SocketOf(CoreId core) => core.Value / CoresPerSocket;

    /// <summary>The first core of a core's cluster of <see cref="IpiCluster"/>.</summary>
    public int InterruptClusterOf(CoreId core)
    {
        int place = core.Value % CoresPerSocket;
        return core.Value - (place % IpiCluster);
    }

    /// <summary>Delay of an IPI between two cores.</summary>
    public int IpiDelay(CoreId from, CoreId to) => SocketOf(from) == SocketOf(to) ? IpiCycles : IpiRemoteCycles;

    /// <summary>Transfer of a modified cache line between two cores; nothing on one core.</summary>
    public int LineTransfer(CoreId from, CoreId to) =>
        from == to ? 0 : SocketOf(from) == SocketOf(to) ? LineTransferCycles : LineTransferRemoteCycles;
}
