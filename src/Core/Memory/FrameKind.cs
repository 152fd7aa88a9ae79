namespace VmSim.Core.Memory;

/// <summary>What a frame of a <see cref="FramePool"/> holds.</summary>
public enum FrameKind : byte
{
    /// <summary>Nothing: the frame is free.</summary>
    Free = 0,

    /// <summary>Private memory of one process, or of several after a fork.</summary>
    Anonymous = 1,

    /// <summary>A page of a file in the page cache.</summary>
    File = 2,

    /// <summary>A page of a shared object without a file (shared anonymous memory, memory file systems).</summary>
    SharedMemory = 3,
}
