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
}
