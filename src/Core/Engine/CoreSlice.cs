using VmSim.Core.Addresses;

namespace VmSim.Core.Engine;

/// <summary>What a core does in a slice of its time.</summary>
public enum CoreSliceKind : byte
{
    /// <summary>It has a thread: user mode, and the traps in which the core waits with it.</summary>
    Thread,

    /// <summary>It switches to a thread, and loads its address space.</summary>
    Switch,

    /// <summary>Its thread is in the kernel for a fault, and the core with it.</summary>
    Fault,

    /// <summary>The same for a call.</summary>
    Call,

    /// <summary>The same for an event, a lock of the program, a barrier or a sleep.</summary>
    Synchronization,

    /// <summary>The same for the order of a trace.</summary>
    Order,

    /// <summary>The same for the thread's end.</summary>
    Exit,

    /// <summary>It handles another core's invalidation.</summary>
    Invalidation,

    /// <summary>It handles a timer tick that had something to do.</summary>
    Tick,
}

/// <summary>A span of a core's time. Slices of a core nest: one that begins within another ends within it.</summary>
/// <param name="Begin">When it begins, in cycles.</param>
/// <param name="End">When it ends, not before it begins.</param>
/// <param name="Kind">What the core does.</param>
/// <param name="Thread">The thread that it has; -1 for none.</param>
/// <param name="Space">The address space whose shootdown it is; <see cref="SpaceId.None"/> for none.</param>
/// <param name="Shootdown">The shootdown's number within its space; 0 for none.</param>
public readonly record struct CoreSlice(
    Cycles Begin, Cycles End, CoreSliceKind Kind, ThreadId Thread, SpaceId Space, long Shootdown);
