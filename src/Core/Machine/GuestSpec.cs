using VmSim.Core.Settings;

namespace VmSim.Core.Machine;

/// <summary>How an interrupt from one core of a virtual machine comes to another.</summary>
public static class GuestInterrupts
{
    /// <summary>The processor sends and delivers it without the host, and it costs what the profiles say.</summary>
    public const string Posted = "posted";

    /// <summary>The sender leaves the guest for each, and so does each target to take it.</summary>
    public const string Exits = "exits";

    /// <summary>The sender asks the host once for all targets (KVM_HC_SEND_IPI), and each target leaves the guest to take it.</summary>
    public const string Paravirtual = "paravirtual";

    /// <summary>All names, as a setting's choices.</summary>
    public const string Choices = "posted|exits|paravirtual";
}

/// <summary>Virtual machines: what the host gives them, and what it costs to leave one.</summary>
public sealed record GuestSpec
{
    /// <summary>
    /// From a guest to its host and back, without what the host does. The default is the round trip of a hypercall of KVM on x86: Dall and
    /// others, ARM Virtualization: Performance and Architectural Implications, ISCA 2016, table 2.
    /// </summary>
    [Setting("From a guest to its host and back, without what the host does there.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e9)]
    public long ExitCycles { get; init; } = 1_300;

    /// <summary>How interrupts between cores of the guest go: a name of <see cref="GuestInterrupts"/>.</summary>
    [Setting("How interrupts between cores of a guest go: without the host, at the price of the profiles (posted); by leaving the guest "
        + "for each, and to take each (exits); by one call of the host for 128 cores, and leaving the guest to take each (paravirtual).",
        Choices = GuestInterrupts.Choices)]
    public string Interrupts { get; init; } = GuestInterrupts.Posted;

    /// <summary>Size of the pages by which the host maps a guest's memory, in bytes: 4 KiB or 2 MiB.</summary>
    [Setting("Pages by which the host maps a guest's memory.", Choices = "4K|2M")]
    public string HostPage { get; init; } = "4K";

    /// <summary>
    /// Memory above which the host takes back what it has given a guest longest ago, in bytes, as a control group's memory.high has it do
    /// (Documentation/admin-guide/cgroup-v2.rst); 0 for none.
    /// </summary>
    [Setting("Memory of each guest above which its host takes back the pages that it gave longest ago (memory.high); 0 for no limit.",
        Unit = SettingUnit.Bytes, Min = 0, Max = 1e18)]
    public ulong HostMemory { get; init; }
}
