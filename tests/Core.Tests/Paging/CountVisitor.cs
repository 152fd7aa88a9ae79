using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>Counts the leaves that an operation takes out.</summary>
internal struct CountVisitor : IUnmapVisitor
{
    public long Leaves;

    public void OnUnmapped(VirtAddr address, in EntryInfo entry) => Leaves++;
}
