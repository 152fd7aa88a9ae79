using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;

// A program with an actor system of its own, on which simulations run beside whatever else it does.
HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddAkka("simulations", akka => akka.WithSimulationLanes(threads: 2));
builder.Services.AddSimulationRunner();
using IHost host = builder.Build();
await host.StartAsync();

// Scenarios are found by name: the package brings those that ship. Settings are those of `vmsim run --set`.
ISimulationRunner runner = host.Services.GetRequiredService<ISimulationRunner>();
foreach (string protocol in new[] { "broadcast", "linux", "latr" })
{
    ScenarioSpec scenario = ScenarioLoader.Load("quickstart", [$"shootdown.protocol={protocol}"]);
    RunReport report = await runner.RunAsync(scenario, new RunOptions { Threads = 2 }, progress: null, CancellationToken.None);
    Console.WriteLine($"{protocol}: {report.Outcome}, {report.Total("shootdowns")} shootdowns, {report.Total("ipisSent")} interrupts");
}

await host.StopAsync();
