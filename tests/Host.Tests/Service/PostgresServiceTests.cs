using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using VmSim.Actors.Cluster;
using VmSim.Host.Service;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>A service whose jobs are in a PostgreSQL database, when the server or the service dies.</summary>
[Collection(PostgresTests.Name)]
public sealed class PostgresServiceTests(PostgresServer server) : IDisposable
{
    private static readonly string Short = CommandRunner.At("config/scenarios/munmap-latr.conf");
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-pgserve-").FullName;
    private readonly List<NodeOrder> _held = [];
    private string _server = "";
    private long _beat;

    /// <summary>
    /// The server dies while a job is on a node and another one waits: that is said, a submission is refused, and when the server is back
    /// both jobs end.
    /// </summary>
    [Fact]
    public async Task Server_KilledAndStartedAgain_LosesNothing()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        string settings = server.Create();
        using Scheduling scheduling = new(_folder, settings);
        JobScheduler scheduler = scheduling.Scheduler;
        await scheduler.SubmitAsync(RequestOf("first"), "ada");
        await scheduler.SubmitAsync(RequestOf("second"), "ada");
        NodeOrder first = GivenTo(scheduler);
        server.Kill();
        await Assert.ThrowsAsync<StoreAwayException>(() => scheduler.SubmitAsync(RequestOf("third"), "ada"));
        HangGuard.Until(() => scheduler.Problem.Contains("PostgreSQL database", StringComparison.Ordinal));
        await Assert.ThrowsAsync<StoreAwayException>(() => EndAsync(scheduler, first));
        server.Start();
        HangGuard.Until(() => Done(settings) == 1);
        NodeOrder second = GivenTo(scheduler);
        Assert.NotEqual(first.Job, second.Job);
        Assert.True(await EndAsync(scheduler, second));
        HangGuard.Until(() => Done(settings) == 2);
        HangGuard.Until(() => scheduler.Problem.Length == 0);
        Assert.Equal((2L, 2L), (scheduling.Store.Counts().Values.Sum(), Convert.ToInt64(
            PostgresServer.Ask(settings, "SELECT sum(attempts) FROM jobs"), System.Globalization.CultureInfo.InvariantCulture)));
        await scheduling.EndAsync();
    }

    /// <summary>The answer to a submission's last word is lost: it was refused, and stands in the store. It is made all the same.</summary>
    [Fact]
    public async Task Submission_WhoseLastAnswerIsLost_IsMade()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        string settings = server.Create();
        using Scheduling scheduling = new(_folder, settings);
        JobScheduler scheduler = scheduling.Scheduler;
        await scheduler.SubmitAsync(RequestOf("first"), "ada");
        Assert.True(await EndAsync(scheduler, GivenTo(scheduler)));
        await using NpgsqlConnection other = new($"{settings};Pooling=false");
        await other.OpenAsync();
        await SayAsync(other, "BEGIN; LOCK TABLE jobs");
        Task submitted = scheduler.SubmitAsync(RequestOf("second"), "ada");
        HangGuard.Until(() => (long)PostgresServer.Ask(settings, "SELECT count(*) FROM pg_locks WHERE NOT granted")! == 1);
        PostgresServer.EndSessions(settings);
        await Assert.ThrowsAsync<StoreAwayException>(() => submitted.OrHangAsync());

        // The table is locked until what the submission would have left is in it.
        await SayAsync(
            other,
            "INSERT INTO scenarios VALUES ('r', 'second', '[]'); INSERT INTO jobs (submission, name, label, owner, priority, state, "
                + "request, submitted, build) SELECT 0, 'test', '', 'ada', 5, 0, 'r', 0, number FROM builds; COMMIT");
        NodeOrder second = GivenTo(scheduler);
        Assert.Equal("second", second.Scenario);
        Assert.True(await EndAsync(scheduler, second));
        HangGuard.Until(() => Done(settings) == 2);
        await scheduling.EndAsync();
    }

    /// <summary>Another service takes the database while this one cannot speak with it: this one ends, and says why.</summary>
    [Fact]
    public async Task Service_WhoseDatabaseIsTaken_Ends()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        string settings = server.Create();
        using CommandProcess first = await ServeAsync("one", settings);
        string id = await AskAsync("one", "submit", Short, "--set", "processes.0.iterations=10");
        await AskAsync("one", "status", id, "--wait");

        // As by a process that stands by, in the moment in which the session of this one has ended.
        PostgresServer.Ask(settings, "UPDATE service SET epoch = epoch + 1");
        PostgresServer.EndSessions(settings);
        (int code, _, string error) = await first.EndAsync();
        Assert.True(code == ExitCodes.BadInput, error);
        Assert.Contains("has taken this database over", error, StringComparison.Ordinal);
        Assert.DoesNotContain(PostgresServer.Password, error, StringComparison.Ordinal);
        using CommandProcess next = await ServeAsync("one", settings);
        Assert.Contains("done", await AskAsync("one", "status", id), StringComparison.Ordinal);
    }

    /// <summary>One that stands by, with a folder of its own, goes on when the first is killed; a third is refused.</summary>
    [Fact]
    public async Task Standby_WhenTheFirstIsKilled_HasItsJobs()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        string settings = server.Create();
        using CommandProcess first = await ServeAsync("one", settings, "--nodes-only");
        string id = await AskAsync("one", "submit", Short, "--set", "processes.0.iterations=10");
        using CommandProcess second = CommandProcess.Start(Arguments("two", settings, "--standby"));
        await second.SaysAsync("stands by; PostgreSQL database");
        (int code, _, string error) = await CommandRunner.RunAsync(Arguments("three", settings));
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("another vmsim serve has this database", error, StringComparison.Ordinal);
        await first.SignalAsync("KILL");
        await first.ExitAsync();
        _server = (await second.SaysAsync("vmsim: serves ")).Split(' ')[2];
        await AskAsync("two", "status", id, "--wait");
        await AskAsync("two", "result", id, "--out", Path.Combine(_folder, "result"));
        Assert.True(File.Exists(Path.Combine(_folder, "result", "report.json")));
        await second.SignalAsync("TERM");
        (code, _, error) = await second.EndAsync();
        Assert.True(code == 143, error);
    }

    [Fact]
    public async Task Serve_WithAPasswordOnTheCommandLine_IsAUsageErrorWithoutIt()
    {
        (int code, _, string error) = await CommandRunner.RunAsync(
            "serve", "--store", _folder, "--database", "Host=db;Database=vmsim;Password=in plain sight");
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("PGPASSFILE", error, StringComparison.Ordinal);
        Assert.DoesNotContain("in plain sight", error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task SayAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static JobRequest RequestOf(string scenario) => new("test", [new RunRequest("", scenario, [])]);

    private static long Done(string settings) =>
        (long)PostgresServer.Ask(settings, $"SELECT count(*) FROM jobs WHERE state = {(int)JobState.Done}")!;

    private static Task<bool> EndAsync(JobScheduler scheduler, NodeOrder order) => scheduler.EndAsync(
        "one", order.Job, order.Lease, new NodeEnding(new JobAnswer("0123456789abcdef", false, "completed", 1, 0, ""), "", IsLost: false));

    private NodeOrder GivenTo(JobScheduler scheduler)
    {
        NodeOrder? order = null;
        HangGuard.Until(() =>
        {
            NodeAnswer answer = scheduler.BeatAsync("one", new NodeBeat(
                "00000000000000a1", ++_beat, BuildIdentity.Here, 1, 1, NodeState.Ready,
                [.. _held.Select(held => new NodeClaim(held.Job, held.Lease, null, []))])).GetAwaiter().GetResult()!;
            order = answer.Orders.SingleOrDefault();
            return order is not null;
        });
        _held.Clear();
        _held.Add(order!);
        return order!;
    }

    private string[] Arguments(string store, string settings, params string[] options) =>
        ["serve", "--store", Path.Combine(_folder, store), "--database", settings, "--listen", "127.0.0.1:0", .. options];

    private async Task<CommandProcess> ServeAsync(string store, string settings, params string[] options)
    {
        CommandProcess service = CommandProcess.Start(Arguments(store, settings, options));
        _server = (await service.SaysAsync("vmsim: serves ")).Split(' ')[2];
        return service;
    }

    private async Task<string> AskAsync(string store, string command, params string[] arguments)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(
            [command, .. arguments, "--server", _server, "--store", Path.Combine(_folder, store)]);
        Assert.True(code == ExitCodes.Ok, $"{command}: {code} {output} {error}");
        return output.Trim();
    }

    /// <summary>A scheduler at work in this process, with its jobs in a database.</summary>
    private sealed class Scheduling : IDisposable
    {
        private readonly ServiceMetrics _metrics = new();
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public Scheduling(string root, string settings)
        {
            StoreFolder folder = new(root);
            folder.Create();
            Store = new JobStore(new PostgresDatabase(PostgresSettings.Parse(settings), ServiceNode.Silence), TimeProvider.System);
            Scheduler = new JobScheduler(
                folder, Store, new SchedulerOptions(0, 1, 60), _metrics, NullLogger<JobScheduler>.Instance, TimeProvider.System);
            _run = Scheduler.RunAsync(_stop.Token);
        }

        public JobStore Store { get; }

        public JobScheduler Scheduler { get; }

        public async Task EndAsync()
        {
            await _stop.CancelAsync();
            await _run.OrHangAsync();
        }

        public void Dispose()
        {
            _stop.Dispose();
            Scheduler.Dispose();
            _metrics.Dispose();
            Store.Dispose();
        }
    }
}
