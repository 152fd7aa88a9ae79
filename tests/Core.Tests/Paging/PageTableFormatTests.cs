using VmSim.Core.Paging;
using VmSim.Testing;

namespace VmSim.Core.Tests.Paging;

/// <summary>The contract of every format that a machine can name.</summary>
public sealed class PageTableFormatTests : PageTableFormatContract
{
    /// <inheritdoc/>
    protected override IEnumerable<PageTableFormat> Subjects => PageTableFormats.All;
}
