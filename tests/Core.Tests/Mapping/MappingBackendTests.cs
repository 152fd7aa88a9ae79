using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Testing;

namespace VmSim.Core.Tests.Mapping;

/// <summary>The backend and page table of docs/memory-set.md keep the contract.</summary>
public sealed class MappingBackendTests : MappingBackendContract<VirtAddr, MemorySetExamples.Rights, MemorySetExamples.PageArray>
{
    private const byte Present = 0x80;

    /// <inheritdoc/>
    protected override IMappingBackend<VirtAddr, MemorySetExamples.Rights, MemorySetExamples.PageArray> Backend { get; } =
        new MemorySetExamples.PageBackend();

    /// <inheritdoc/>
    protected override AddrRange<VirtAddr> Range => AddrRange.Of(new VirtAddr(0x4000), 0x18000);

    /// <inheritdoc/>
    protected override IReadOnlyList<MemorySetExamples.Rights> Flags =>
        [MemorySetExamples.Rights.Read, MemorySetExamples.Rights.Read | MemorySetExamples.Rights.Write];

    /// <inheritdoc/>
    protected override MemorySetExamples.PageArray CreatePageTable() => new(pages: 64);

    /// <inheritdoc/>
    protected override MemorySetExamples.Rights? Read(MemorySetExamples.PageArray pageTable, VirtAddr page)
    {
        byte entry = pageTable.Entries[page.PageNumber];
        return entry == 0 ? null : (MemorySetExamples.Rights)(entry & ~Present);
    }
}
