namespace VmSim.Core.Shootdown;

/// <summary>What a core is doing.</summary>
public enum CoreState : byte
{
    /// <summary>It has nothing to run.</summary>
    Idle,

    /// <summary>It runs a thread.</summary>
    Running,

    /// <summary>The kernel runs on it for its thread; it answers interrupts meanwhile.</summary>
    Trapped,

    /// <summary>It has asked for an address space and waits for the answer.</summary>
    Loading,

    /// <summary>
    /// Its thread waits for what the order of a trace puts first, where the program would run on, or spins at a barrier. So the core does
    /// not idle: its address space stays loaded, and it answers interrupts.
    /// </summary>
    Awaiting,
}
