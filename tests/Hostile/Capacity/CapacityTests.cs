using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using VmSim.Actors.Cluster;
using VmSim.Host.Service;
using VmSim.Host.Tests.Service;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Capacity;

/// <summary>
/// Many jobs, and many nodes that only pretend to make them: each is given once and done once. What is said of speed stands in
/// docs/service.md; <c>VMSIM_CAPACITY_JOBS</c> and <c>VMSIM_CAPACITY_NODES</c> say how many.
/// </summary>
public sealed class CapacityTests(ITestOutputHelper log) : Scratch
{
    private const int Runs = 10_000;
    [Fact]
    [Trait("Category", "Long")]
    public Task Jobs_InSqlite_AreEachDoneOnce()
    {
        string path = new StoreFolder(Folder).Database;
        return ServeAsync(
            "SQLite", () => new SqliteDatabase(path), () => new DirectoryInfo(Folder).GetFiles("jobs.db*").Sum(file => file.Length));
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task Jobs_InPostgres_AreEachDoneOnce()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        using PostgresServer server = PostgresServer.StartDurable();
        string settings = server.Create();
        await ServeAsync(
            "PostgreSQL",
            () => new PostgresDatabase(PostgresSettings.Parse(settings), ServiceNode.Silence),
            () => (long)PostgresServer.Ask(settings, "SELECT pg_database_size(current_database())")!);
    }

    private async Task ServeAsync(string name, Func<StoreDatabase> database, Func<long> size)
    {
        int jobs = Number("VMSIM_CAPACITY_JOBS", 2_000);
        int nodes = Number("VMSIM_CAPACITY_NODES", 100);
        int made = Number("VMSIM_CAPACITY_MADE", jobs);
        StoreFolder folder = new(Folder);
        folder.Create();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using (Service first = new(folder, database()))
        {
            long begun = Stopwatch.GetTimestamp();
            for (int i = 0; i < jobs; i += Runs)
            {
                IEnumerable<int> numbers = Enumerable.Range(i, Math.Min(Runs, jobs - i));
                first.Scheduler.Submit(
                    new JobRequest("capacity", [.. numbers.Select(number => new RunRequest($"{number}", $"name = {number}", []))]),
                    $"user{i / Runs % 10}");
            }

            Say($"{name}: {jobs / Stopwatch.GetElapsedTime(begun).TotalSeconds:N0} jobs a second submitted");
            long held = GC.GetTotalMemory(forceFullCollection: true) - before;
            Say($"{name}: {size() / jobs:N0} bytes a job in the database, {held / jobs:N0} in memory");
            await first.StopAsync();
        }

        GC.Collect();
        long died = Stopwatch.GetTimestamp();
        using Service service = new(folder, database());
        HashSet<long> given = [];
        Node[] all = [.. Enumerable.Range(0, nodes).Select(number => new Node(service.Scheduler, number))];
        HangGuard.Until(() => all[0].Beat(given) || all[0].Holds);
        Say($"{name}: {Stopwatch.GetElapsedTime(died).TotalSeconds:0.0} s from the start of the next to its first order");
        long started = Stopwatch.GetTimestamp();
        while (given.Count < made)
        {
            foreach (Node node in all)
            {
                node.Beat(given);
            }
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        foreach (Node node in all)
        {
            node.End();
        }

        HangGuard.Until(() => service.Store.Counts().GetValueOrDefault(JobState.Done) == given.Count);
        Say($"{name}: {made / seconds:N0} jobs a second given and done, {nodes} nodes, {jobs:N0} jobs");
        Say($"{name}: {size() / jobs:N0} bytes a job in the database, {Environment.WorkingSet >> 20:N0} MiB of memory");
        await service.StopAsync();
    }

    private void Say(string words) => log.WriteLine(words);

    /// <summary>A node that says at once that what it was given is done.</summary>
    private sealed class Node(JobScheduler scheduler, int number)
    {
        private readonly string _name = $"n{number}";
        private readonly string _instance = $"{number:x16}";
        private NodeOrder? _order;
        private long _beats;

        public bool Holds => _order is not null;

        public bool Beat(HashSet<long> given)
        {
            End();
            NodeBeat beat = new(_instance, ++_beats, BuildIdentity.Here, 1, 1, NodeState.Ready, []);
            _order = scheduler.Beat(_name, beat)!.Orders.SingleOrDefault();
            Assert.True(_order is null || given.Add(_order.Job), $"job {_order?.Job} is given twice");
            return _order is not null;
        }

        public void End()
        {
            if (_order is { } order)
            {
                JobAnswer answer = new($"{order.Job:x16}", false, "completed", 1, 0, "");
                Assert.True(scheduler.End(_name, order.Job, order.Lease, new NodeEnding(answer, "", IsLost: false)));
                _order = null;
            }
        }
    }

    private sealed class Service : IDisposable
    {
        private readonly ServiceMetrics _metrics = new();
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public Service(StoreFolder folder, StoreDatabase database)
        {
            Store = new JobStore(database, TimeProvider.System);
            Scheduler = new JobScheduler(
                folder, Store, new SchedulerOptions(0, 1, 60), _metrics, NullLogger<JobScheduler>.Instance, TimeProvider.System);
            _run = Scheduler.RunAsync(_stop.Token);
        }

        public JobStore Store { get; }

        public JobScheduler Scheduler { get; }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _run;
        }

        public void Dispose()
        {
            Scheduler.Dispose();
            Store.Dispose();
            _metrics.Dispose();
            _stop.Dispose();
        }
    }
}
