using Microsoft.Extensions.Logging.Abstractions;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

/// <summary>A scheduler that works, and leaves all jobs to nodes, over a store of its own.</summary>
internal sealed class Scheduled
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ServiceMetrics _metrics = new();
    private readonly Task _run;

    public Scheduled(string folder, TimeProvider clock, string? build = null)
    {
        StoreFolder store = new(folder);
        store.Create();
        Store = new JobStore(new SqliteDatabase(store.Database), clock, build);
        Scheduler = new JobScheduler(store, Store, new SchedulerOptions(0, 1, 60), _metrics, NullLogger<JobScheduler>.Instance, clock);
        _run = Scheduler.RunAsync(_stop.Token);
    }

    public JobStore Store { get; }

    public JobScheduler Scheduler { get; }

    public Job Find(long id) => Store.Find(id)!;

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _run;
        Scheduler.Dispose();
        Store.Dispose();
        _metrics.Dispose();
        _stop.Dispose();
    }
}
