using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What an address space counts under <see cref="LinuxInvlpgbProtocol"/>.</summary>
public sealed class InvlpgbSpaceCounters : CounterSet<InvlpgbSpaceCounters>
{
    public static readonly Counter RemoteFlushes = Declare(LinuxSpaceCounters.RemoteFlushes.Info);
    public static readonly Counter Broadcasts = Declare("broadcasts", "instructions", "INVLPGB instructions.");
    public static readonly Counter TagsTaken = Declare("machineTagsTaken", "tags", "Tags of the machine that spaces were given.");
    public static readonly Counter RollOvers = Declare(
        "machineTagRollOvers", "roll-overs", "Times that all tags had been given, and every core dropped everything.");
}

/// <summary>What a core counts under <see cref="LinuxInvlpgbProtocol"/>.</summary>
public sealed class InvlpgbCoreCounters : CounterSet<InvlpgbCoreCounters>
{
    public static readonly Counter LocalFlushesOfAll = Declare(LinuxCoreCounters.LocalFlushesOfAll.Info);
    public static readonly Counter LocalFlushesOfOne = Declare(LinuxCoreCounters.LocalFlushesOfOne.Info);
    public static readonly Counter WrongCore = Declare(LinuxCoreCounters.WrongCore.Info);
    public static readonly Counter ChangesOver = Declare(
        "changesToMachineTags", "interrupts", "Interrupts that found the core on a tag of its own, and had it use the machine's.");
    public static readonly Counter LostToOthers = Declare(
        "entriesLostToOthers", "entries", "Entries dropped because everybody drops everything, for a space that the core does not run.");
}
