using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Running;

public sealed class CancellationTests
{
    [Fact]
    public async Task Run_CancelledInTheMiddle_StillReports()
    {
        ScenarioSpec scenario = ScenarioLoader.Load(CommandRunner.At("config/scenarios/throughput-64.conf"), []);
        await using SimulationHost host = await SimulationHost.StartAsync(4);
        using CancellationTokenSource cancellation = new(TimeSpan.FromSeconds(1));
        RunReport report = await host.Runner.RunAsync(scenario, new RunOptions { Threads = 4 }, null, cancellation.Token).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(RunOutcomes.Stopped, report.Outcome);
        Assert.Equal(64, report.Cores.Count);
    }
}
