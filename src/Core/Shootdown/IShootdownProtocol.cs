using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// A shootdown protocol: how cores are made to drop dead translations. One file; registered in <see cref="ShootdownProtocols"/>. Its name
/// stands in scenarios; its summary says the algorithm and its source.
/// </summary>
public interface IShootdownProtocol : INamed
{
    /// <summary>The message kinds that the protocol adds, each with its least delay; a kind's number is its place in the list.</summary>
    IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) => [];

    /// <summary>
    /// How long after an unmap returned a core may, by the protocol's design, still use the dead translation, in cycles; 0 for protocols
    /// that finish before they return.
    /// </summary>
    Cycles AllowedStaleness(MachineSpec machine, KernelProfile kernel) => 0;

    /// <summary>What the core half wants to hear of.</summary>
    CoreEvents Watches => CoreEvents.None;

    /// <summary>
    /// Page tables of each space that cores can walk; <see cref="LoadAnswer.Table"/> says which one a core does. Table 0 is the space's
    /// own; the others are copies whose stores become visible at the same times.
    /// </summary>
    int Tables(MachineSpec machine) => 1;

    /// <summary>
    /// Whether the copies hold only the leaves that <see cref="ISpaceShootdownContext.FillTable"/> put in, in table pages of their own that
    /// stay as long as the space does, instead of all.
    /// </summary>
    bool FillsTablesOnDemand => false;

    /// <summary>
    /// Whether a fault that maps a page puts the translation into the TLBs of its core, so that hardware need not walk and the entry stays
    /// marked as not accessed. Then every entry begins so, shootdowns know who may hold what died (<see cref="ShootdownRequest.Holders"/>),
    /// and <see cref="SpaceShootdown.OnPrimed"/> says what it takes.
    /// </summary>
    bool PrimesFills => false;

    /// <summary>Whether a call that writes pages back flushes them all at its end, instead of each by itself as it is cleaned.</summary>
    bool BatchesWriteBack => false;

    /// <summary>
    /// The architectures that have what the protocol is made of, as page-table formats are called, or as all that begin so: "riscv" is
    /// "riscv-sv39" too. Empty for all. On others it runs only if the scenario says that this is hypothetical.
    /// </summary>
    IReadOnlyList<string> Architectures => [];

    /// <summary>
    /// What page-table isolation (<see cref="KernelProfile.PageTableIsolation"/>) means under the protocol. One that has it drops what it
    /// drops by <see cref="SharedRules"/> or <see cref="ICoreShootdownContext.Pairs"/>, so that no half of a pair is forgotten.
    /// </summary>
    IsolationKind Isolation => IsolationKind.None;

    /// <summary>
    /// Makes what all spaces of a run share, once a run; null for nothing. Spaces that share something are simulated together, so that a
    /// run of many processes takes the host longer.
    /// </summary>
    MachineShootdown? CreateMachineHalf(MachineSpec machine, KernelProfile kernel) => null;

    /// <summary>Makes the address-space half for one space.</summary>
    SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context);

    /// <summary>Makes the core half for one core.</summary>
    CoreShootdown CreateCoreHalf(ICoreShootdownContext context);
}
