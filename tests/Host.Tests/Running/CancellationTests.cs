using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Host.Hosting;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Host.Tests.Running;

public sealed class CancellationTests
{
    [Fact]
    public async Task Run_CancelledInTheMiddle_StillReports()
    {
        ScenarioSpec scenario = ScenarioLoader.Load(CommandRunner.At("config/scenarios/throughput-64.conf"), ["until=100s"]);
        await using SimulationHost host = await SimulationHost.StartAsync(4);
        using CancellationTokenSource cancellation = new();
        RunReport report = await host.Runner.RunAsync(
            scenario, new RunOptions { Threads = 4 }, new CancelAtFirst(cancellation), cancellation.Token).OrHangAsync();
        Assert.Equal(RunOutcomes.Stopped, report.Outcome);
        Assert.Equal(64, report.Cores.Count);
    }

    /// <summary>Cancels a run as soon as it says how far it has come.</summary>
    private sealed class CancelAtFirst(CancellationTokenSource cancellation) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => cancellation.Cancel();
    }
}
