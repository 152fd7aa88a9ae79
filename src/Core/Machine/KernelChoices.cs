namespace VmSim.Core.Machine;

/// <summary>What a trap does to its core until the answer comes.</summary>
public static class TrapModes
{
    /// <summary>The kernel runs on the core, interrupts on; as on real hardware.</summary>
    public const string Hold = "hold";

    /// <summary>The thread leaves the core at once and others run, for studying asynchronous fault handling.</summary>
    public const string Park = "park";
}

/// <summary>Which operations of an address space run at the same time.</summary>
public static class MapLocks
{
    /// <summary>One reader/writer semaphore for the space, mmap_lock, as Linux has it.</summary>
    public const string Semaphore = "semaphore";

    /// <summary>
    /// A lock for each page, so that operations on disjoint ranges run at the same time (RadixVM: the locks of the slots of a radix tree;
    /// Clements and others, EuroSys 2013).
    /// </summary>
    public const string Ranges = "ranges";
}
