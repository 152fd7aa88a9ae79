using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>A walk found nothing for a guest-physical page in the host's table of its virtual machine.</summary>
/// <param name="Thread">The thread whose access walked.</param>
/// <param name="GuestPage">Number of the guest-physical 4 KiB page.</param>
public readonly record struct HostFault(ThreadId Thread, ulong GuestPage);

/// <summary>The host of a virtual machine has its cores drop all translations, or one of them has done so.</summary>
/// <param name="Flush">The flush's number within the virtual machine.</param>
public readonly record struct HostFlush(long Flush);
