namespace VmSim.Core.Kernel;

/// <summary>Hears what the host of a virtual machine does. Pages are numbers of the host's page size in guest-physical memory.</summary>
internal interface IHostWatch
{
    /// <summary>The host's table maps a page from now on.</summary>
    void Given(ulong page);

    /// <summary>The host's table does not map a page any more; cores may still use what they hold of it.</summary>
    void Taken(ulong page);

    /// <summary>Memory is free for other pages.</summary>
    /// <param name="frames">Numbers of the 4 KiB frames at which the host's pages begin.</param>
    /// <param name="now">When, in cycles.</param>
    void Freed(IReadOnlyList<ulong> frames, long now);
}
