using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;
using Xunit;

namespace Samples.Backend;

/// <summary>The contract of all backends: random system calls and accesses of several processes, beside a naive model.</summary>
public sealed class ClusterBackendContract : MemoryBackendContract
{
    protected override IEnumerable<BackendKind> Subjects => [new("cluster", "four pages at the first touch", new ClusterBackend())];
}

/// <summary>What is special about this one.</summary>
public sealed class ClusterBackendTests
{
    [Fact]
    public void Run_SixtyFourPagesTouched_FaultsSixteenTimes()
    {
        ThreadProgram toucher = new ThreadBuilder("toucher").Map(0x10_0000, 64).Touch(0x10_0000, 64).Build();
        ScenarioSpec lazy = new()
        {
            Name = "touch",
            Processes = [new ProcessSpec { Name = "p", Program = _ => new ProgramImage { Name = "p", Threads = [toucher] } }],
        };

        // A scenario's file says the same: memory { anonymous = "Samples.ClusterBackend, Samples.Backend" }.
        ScenarioSpec cluster = lazy with { Memory = new MemorySpec { Anonymous = typeof(ClusterBackend).AssemblyQualifiedName! } };
        RunReport before = TestWorlds.Run(lazy);
        RunReport after = TestWorlds.Run(cluster);
        Assert.Equal(64, before.Total("minorFaults"));
        Assert.Equal(16, after.Total("minorFaults"));
        Assert.Equal(before.Total("framesAllocated"), after.Total("framesAllocated"));
    }
}
