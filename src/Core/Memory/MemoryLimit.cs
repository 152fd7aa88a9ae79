namespace VmSim.Core.Memory;

/// <summary>A limit that a call or a fault has met.</summary>
public enum MemoryLimit : byte
{
    /// <summary>None.</summary>
    None,

    /// <summary>The areas a process may have (<see cref="VirtualMemoryOptions.MaxAreas"/>).</summary>
    Areas,

    /// <summary>The addresses that the page table can hold.</summary>
    Addresses,

    /// <summary>Frames of the pool, references of a frame, or table pages.</summary>
    Frames,

    /// <summary>Memory that may be promised (<see cref="VirtualMemoryOptions.Overcommit"/>).</summary>
    Promises,

    /// <summary>How far a stack may grow (<see cref="VirtualMemoryOptions.StackLimitBytes"/>).</summary>
    Stack,
}
