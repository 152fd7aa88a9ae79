using VmSim.Core.Addresses;

namespace VmSim.Core.Workloads;

/// <summary>By how much each address of a program moves. A struct, so that reading operations makes no virtual call for each.</summary>
public interface IAddressMove
{
    /// <summary>Bytes that an address moves by, a multiple of the page size, as an unsigned difference.</summary>
    ulong Of(ulong address);

    /// <summary>The same for an end of the heap, where another area may begin.</summary>
    ulong OfBreak(VirtAddr address);
}
