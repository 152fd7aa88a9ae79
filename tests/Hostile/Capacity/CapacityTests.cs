using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using VmSim.Actors.Security;
using VmSim.Host.Service;
using VmSim.Host.Tests.CommandLine;
using VmSim.Host.Tests.Service;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Capacity;

/// <summary>
/// Many jobs, and many nodes that speak to a service by TLS and only pretend to make them: each is given once and recorded once. What is
/// said of speed stands in docs/scale.md. <c>VMSIM_CAPACITY_JOBS</c> says how many wait, <c>VMSIM_CAPACITY_NODES</c> how many nodes there
/// are, <c>VMSIM_CAPACITY_MADE</c> how many jobs are given, <c>VMSIM_CAPACITY_TEXT</c> how long a scenario is, in characters, and
/// <c>VMSIM_CAPACITY_RESULTS=1</c> has each job send the files of a real run.
/// </summary>
public sealed class CapacityTests(ITestOutputHelper log) : Scratch
{
    /// <summary>Runs of one submission.</summary>
    private const int Runs = 2_000;

    /// <summary>People who submit.</summary>
    private const int Owners = 10;

    private static readonly TimeSpan Second = new(TimeSpan.TicksPerSecond);

    [Fact]
    [Trait("Category", "Long")]
    public Task Jobs_InSqlite_AreEachDoneOnce() =>
        ServeAsync("SQLite", null, () => new DirectoryInfo(Store).GetFiles("jobs.db*").Sum(file => file.Length));

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
            PostgresSettings.Parse(settings),
            () => (long)PostgresServer.Ask(settings, "SELECT pg_database_size(current_database())")!);
    }

    private string Store => Path.Combine(Folder, "store");

    private async Task ServeAsync(string name, NpgsqlConnectionStringBuilder? database, Func<long> size)
    {
        int jobs = Number("VMSIM_CAPACITY_JOBS", 2_000);
        int nodes = Number("VMSIM_CAPACITY_NODES", 100);
        int made = Number("VMSIM_CAPACITY_MADE", jobs);
        string filler = new('x', Number("VMSIM_CAPACITY_TEXT", 1));
        string[] result = Number("VMSIM_CAPACITY_RESULTS", 0) == 0 ? [] : await MakeResultAsync();
        string authority = await MakeCertificatesAsync();
        using NodeCertificate certificate = NodeCertificate.Load(Path.Combine(Folder, "ca", "service.pem"));
        StoreFolder folder = new(Store);
        folder.Create();
        string[] owners = [.. Enumerable.Range(0, Owners).Select(i => TokenFile.Add(folder.Tokens, $"user{i}", Role.Submitter))];
        string node = TokenFile.Add(folder.Tokens, "node", Role.Node);
        ServiceOptions options = new()
        {
            Store = folder,
            Database = database,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Certificate = certificate,
            Jobs = new SchedulerOptions(0, 1, 60),
            Connections = 4 * nodes,
            Requests = 1_000_000,
        };
        using X509Certificate2 trusted = X509CertificateLoader.LoadCertificateFromFile(authority);
        await using (Running first = await Running.StartAsync(options))
        {
            long before = GC.GetTotalMemory(forceFullCollection: true);
            long begun = Stopwatch.GetTimestamp();
            for (int i = 0; i < jobs; i += Runs)
            {
                using ServiceClient client = ServiceClient.Create(first.Address, owners[i / Runs % Owners], trusted);
                IEnumerable<RunRequest> runs = Enumerable.Range(i, Math.Min(Runs, jobs - i))
                    .Select(number => new RunRequest($"{number}", $"name = {number} {filler}", []));
                await client.SubmitAsync(new JobRequest("capacity", [.. runs], i / Runs / Owners % 3), CancellationToken.None);
            }

            Say($"{name}: {jobs / Stopwatch.GetElapsedTime(begun).TotalSeconds:N0} jobs a second submitted");
            long held = GC.GetTotalMemory(forceFullCollection: true) - before;
            Say($"{name}: {size() / jobs:N0} bytes a job in the database, {held >> 10:N0} KiB in memory for all");
        }

        long died = Stopwatch.GetTimestamp();
        await using Running service = await Running.StartAsync(options);
        Work work = new(service.Address, node, trusted, made, result);
        await work.UntilFirstAsync();
        Say($"{name}: {Stopwatch.GetElapsedTime(died).TotalSeconds:0.0} s from the start of the next to its first order");
        await work.JoinAsync(nodes);
        TimeSpan processor = Process.GetCurrentProcess().TotalProcessorTime;
        long started = Stopwatch.GetTimestamp();
        int soFar = work.Given.Count;
        await work.MakeAsync();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double busy = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds;
        Say($"{name}: {(work.Given.Count - soFar) / seconds:N0} jobs a second given and ended, {nodes} nodes, {jobs:N0} jobs, "
            + $"{seconds:0.0} s, {busy / seconds:0.00} processors, an answer within {work.Latency(0.5):0} ms (half of them) and "
            + $"{work.Latency(0.99):0} ms (99 %), {work.Lost} without an answer for 5 s");
        Say($"{name}: {size() / jobs:N0} bytes a job in the database, {Environment.WorkingSet >> 20:N0} MiB of memory");
        await service.StopAsync();
        using JobStore store = new(
            database is null ? new SqliteDatabase(folder.Database) : new PostgresDatabase(database, ServiceNode.Silence),
            TimeProvider.System);
        Assert.Equal(
            work.Given.Count, store.Counts().GetValueOrDefault(result.Length > 0 ? JobState.Done : JobState.Failed));
        Assert.Equal(jobs - work.Given.Count, store.Counts().GetValueOrDefault(JobState.Queued));
    }

    private void Say(string words) => log.WriteLine(words);

    private async Task<string> MakeCertificatesAsync()
    {
        string ca = Path.Combine(Folder, "ca");
        foreach (string[] arguments in (string[][])[["certs", "authority", ca], ["certs", "node", ca, "service"]])
        {
            (int code, _, string error) = await CommandRunner.RunAsync(arguments);
            Assert.True(code == 0, error);
        }

        return Path.Combine(ca, "authority.crt");
    }

    /// <summary>The files of a run, as a node sends them.</summary>
    private async Task<string[]> MakeResultAsync()
    {
        string made = Path.Combine(Folder, "made");
        (int code, _, string error) = await CommandRunner.RunAsync(
            "run", CommandRunner.At("config/scenarios/quickstart.conf"), "--out", made);
        Assert.True(code == 0, error);
        return [.. NodeApi.ResultFiles.Select(file => Path.Combine(made, file))];
    }

    /// <summary>Nodes that say that what they were given is over.</summary>
    private sealed class Work(Uri server, string token, X509Certificate2 authority, int made, string[] result)
    {
        private readonly ConcurrentBag<double> _waits = [];
        private readonly List<Node> _nodes = [];
        private int _lost;

        public ConcurrentDictionary<long, string> Given { get; } = [];

        public double Latency(double share)
        {
            double[] waits = [.. _waits.Order()];
            return waits[(int)(share * (waits.Length - 1))];
        }

        /// <summary>Beats whose answer did not come; what they were given is given again.</summary>
        public int Lost => _lost;

        public async Task UntilFirstAsync()
        {
            using Node first = new(this, "first");
            while (Given.IsEmpty)
            {
                await first.TryMakeAsync(room: 1);
            }
        }

        /// <summary>Nodes connect, some at a time.</summary>
        public async Task JoinAsync(int count)
        {
            const int AtATime = 20;
            foreach (Node[] some in Enumerable.Range(0, count).Select(number => new Node(this, $"n{number}")).Chunk(AtATime))
            {
                await Task.WhenAll(some.Select(node => node.TryMakeAsync(room: 0)));
                _nodes.AddRange(some);
            }

            _waits.Clear();
            _lost = 0;
        }

        public async Task MakeAsync()
        {
            await Task.WhenAll(_nodes.Select(MakeAsync));
            _nodes.ForEach(node => node.Dispose());
        }

        private async Task MakeAsync(Node node)
        {
            while (Given.Count < made)
            {
                if (!await node.TryMakeAsync(room: 1))
                {
                    await Task.Delay(Second);
                }
            }
        }

        private sealed class Node(Work work, string name) : IDisposable
        {
            private readonly ServiceClient _client = ServiceClient.Create(server: work.Server, work.Token, work.Authority);
            private readonly string _instance = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
            private long _beats;

            /// <summary>Asks for a job, and says that it is over.</summary>
            /// <returns>Whether there was one.</returns>
            public async Task<bool> TryMakeAsync(int room)
            {
                NodeBeat beat = new(_instance, ++_beats, Actors.Cluster.BuildIdentity.Here, 1, room, NodeState.Ready, []);
                long asked = Stopwatch.GetTimestamp();
                NodeAnswer answer;
                try
                {
                    answer = await _client.BeatAsync(name, beat, CancellationToken.None);
                }
                catch (IOException)
                {
                    Interlocked.Increment(ref work._lost);
                    return false;
                }

                work._waits.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
                if (answer.Orders.SingleOrDefault() is not { } order)
                {
                    return false;
                }

                Assert.True(work.Given.TryAdd(order.Job, order.Lease), $"job {order.Job} is given twice");
                string digest = order.Job.ToString("x16", CultureInfo.InvariantCulture);
                JobAnswer said = work.Result.Length == 0
                    ? new JobAnswer("", false, "", 1, 65, "it only pretends")
                    : new JobAnswer(digest, false, "completed", 1, 0, "");
                foreach (string file in work.Result)
                {
                    Assert.True(await _client.SendResultAsync(name, order, digest, file, CancellationToken.None));
                }

                await EndAsync(order, new NodeEnding(said, "", IsLost: false));
                return true;
            }

            /// <summary>Says that a job is over, again and again until the service has heard it, as nodes do.</summary>
            private async Task EndAsync(NodeOrder order, NodeEnding ending)
            {
                for (bool isFirst = true; ; isFirst = false)
                {
                    try
                    {
                        // What the service has not answered in time it may have written down all the same.
                        Assert.True(await _client.EndAsync(name, order, ending, CancellationToken.None) || !isFirst);
                        return;
                    }
                    catch (IOException)
                    {
                        Interlocked.Increment(ref work._lost);
                        await Task.Delay(Second);
                    }
                }
            }

            public void Dispose() => _client.Dispose();
        }

        private Uri Server => server;

        private string Token => token;

        private X509Certificate2 Authority => authority;

        private string[] Result => result;
    }

    /// <summary>A service at work in this process.</summary>
    private sealed class Running : IAsyncDisposable
    {
        private readonly ServiceHost _host;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        private Running(ServiceHost host) => (_host, _run) = (host, host.RunAsync(_stop.Token));

        public Uri Address => new(_host.Address);

        public static async Task<Running> StartAsync(ServiceOptions options) => new(await ServiceHost.StartAsync(options));

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _run.OrHangAsync();
            await _host.DisposeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (!_stop.IsCancellationRequested)
            {
                await StopAsync();
            }

            _stop.Dispose();
        }
    }
}
