namespace VmSim.Core.Shootdown;

/// <summary>
/// What all address spaces of a run share under a protocol: tags of the whole machine with their owners, the queue of a fabric. One object
/// a run, which every space half finds as <see cref="ISpaceShootdownContext.MachineHalf"/>.
/// </summary>
/// <remarks>
/// The spaces of a run that has one handle their messages in one merged order, as those of a process and its forks do. So a space half may
/// read and change it at any time, as of the message that it handles, and what it finds depends on virtual time alone. Core halves know
/// nothing of it: they hear by messages. It has no time of its own, and is part of a checkpoint like any half.
/// </remarks>
public abstract class MachineShootdown;
