using Samples;
using VmSim.Core.Memory.Backends;
using VmSim.Testing;

namespace VmSim.Core.Tests.Memory.Backends;

/// <summary>The backend of the guide keeps the contract.</summary>
public sealed class ClusterBackendTests : MemoryBackendContract
{
    /// <inheritdoc/>
    protected override IEnumerable<BackendKind> Subjects => [new("cluster", "four pages at a touch", new ClusterBackend())];
}
