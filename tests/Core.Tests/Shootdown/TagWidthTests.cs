using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>A protocol that gives tags to spaces for good has as many as the page-table format.</summary>
public sealed class TagWidthTests
{
    [Theory]
    [InlineData("broadcast", "loongarch64", 1_023, true)]
    [InlineData("broadcast", "loongarch64", 1_024, false)]
    [InlineData("broadcast", "x86-64", 1_024, true)]
    [InlineData("freebsd", "loongarch64", 1_024, false)]
    public void Run_ManySpaces_FlushesAtEachLoadWithoutATagForEach(string protocol, string format, int spaces, bool hasTags)
    {
        ThreadProgram thread = TestWorlds.Toucher("p", 0, 1);
        ScenarioSpec scenario = TestWorlds.Scenario(2, thread);
        RunReport report = TestWorlds.Run(scenario with
        {
            Machine = scenario.Machine with { PageTable = format },
            Memory = new MemorySpec { Bytes = 1 << 22 },
            Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = true },
            Processes = [scenario.Processes[0] with { Count = spaces }],
        });
        Assert.Equal(spaces, report.Total("spaceLoads"));
        Assert.Equal(hasTags ? 0 : spaces, report.Total("fullFlushes"));
    }
}
