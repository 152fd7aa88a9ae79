using System.Diagnostics;
using System.Text.Json.Nodes;
using VmSim.Host.Tests.CommandLine;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>
/// A service, one that stands by and two nodes on one side of a network, two nodes on the other; the network between them is cut for
/// longer than the silence after which a node is missed, and healed, at drawn moments while jobs are made, whole and over several nodes.
/// In the end every job is done once, and each result has the bytes of a run that nobody disturbed.
/// </summary>
public sealed class NetworkCutTests(ITestOutputHelper log) : Scratch
{
    private const int Nodes = 4;

    /// <summary>Jobs of one node, before each cut: short ones, so that nodes beyond end some that others are given meanwhile.</summary>
    private const int Whole = 8;

    /// <summary>Jobs that nodes of both sides have together, before each cut.</summary>
    private const int Split = 2;

    private static readonly TimeSpan LeastCut = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan MostCut = TimeSpan.FromSeconds(40);

    private readonly List<CommandProcess> _processes = [];
    private string _server = "";

    private string Store => At("store");

    private string[] Client => ["--server", _server, "--authority", At("ca/authority.crt"), "--token-file", Path.Combine(Store, "token")];

    [Fact]
    [Trait("Category", "Long")]
    public async Task Jobs_WhoseNetworkIsCut_AreEachDoneOnce()
    {
        int seed = Number("VMSIM_HOSTILE_SEED", 1);
        int cuts = Number("VMSIM_HOSTILE_RUNS", 4);
        if (CutNetwork.TryCreate(out string problem) is not { } network)
        {
            // Only root may have a network of his own, and not everywhere.
            Assert.StartsWith("ip ", problem, StringComparison.Ordinal);
            Assert.Null(Environment.GetEnvironmentVariable("VMSIM_HOSTILE_SEED"));
            return;
        }

        using (network)
        {
            try
            {
                await StartAsync(network);
                await CutAsync(network, new Random(seed), seed, cuts);
            }
            finally
            {
                _processes.ForEach(process => process.Dispose());
            }
        }
    }

    private async Task CutAsync(CutNetwork network, Random random, int seed, int cuts)
    {
        List<(string Sweep, string Id)> submitted = [];
        List<string> moments = [];
        long begun = Stopwatch.GetTimestamp();
        for (int cut = 0; cut < cuts; cut++)
        {
            // Each sweep's runs are those of no other one.
            string whole = Sweep($"whole{cut}", 100 + cut, Whole);
            string split = Sweep($"split{cut}", 10 + cut, Split);
            submitted.Add((split, await AskAsync("submit", split, "--nodes", "3", "--set", "cluster.placement=split")));
            submitted.Add((whole, await AskAsync("submit", whole)));
            while (await CountAsync("running") == 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(0.1));
            }

            TimeSpan before = random.NextDouble() * TimeSpan.FromSeconds(15);
            TimeSpan length = LeastCut + (random.NextDouble() * (MostCut - LeastCut));
            await Task.Delay(before);
            int running = await CountAsync("running");
            network.Cut();
            await Task.Delay(length);
            network.Heal();
            moments.Add($"{length.TotalSeconds:0} s with {running} running");
        }

        while (await CountAsync("queued") + await CountAsync("running") > 0)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        int jobs = (Whole + Split) * cuts;
        Assert.Equal(jobs, await CountAsync("done"));
        Assert.Equal(jobs, Directory.GetDirectories(Path.Combine(Store, "results")).Length);
        Assert.Empty(Directory.GetDirectories(Path.Combine(Store, "jobs")));
        foreach ((string sweep, string id) in submitted)
        {
            string name = Path.GetFileNameWithoutExtension(sweep);
            await AskAsync("result", id, "--out", At($"{name}-disturbed"));
            await RunAsync("sweep", sweep, "--out", At($"{name}-alone"), "--no-bisect");
            string[] alone = Directory.GetDirectories(At($"{name}-alone/runs"));
            Assert.Equal(name.StartsWith("whole", StringComparison.Ordinal) ? Whole : Split, alone.Length);
            Assert.All(alone, run => Assert.Equal(
                ReportIn(run), ReportIn(Path.Combine(At($"{name}-disturbed/runs"), Path.GetFileName(run)))));
        }

        log.WriteLine($"{jobs} jobs in {seconds:0} s, seed {seed}: cut for {string.Join(", ", moments)}; {Attempts()} attempts");
    }

    /// <summary>Attempts in all, of which those beyond one for each job were given up.</summary>
    private string Attempts()
    {
        using Host.Service.SqliteDatabase database = new(Path.Combine(Store, "jobs.db"));
        object? begun = Host.Service.StoreCommand.Scalar(
            database.Connect(), "SELECT count(*) FROM logs WHERE text LIKE 'begun by%'");
        return $"{begun}";
    }

    private async Task StartAsync(CutNetwork network)
    {
        await RunAsync("certs", "authority", At("ca"));
        await RunAsync("certs", "node", At("ca"), "service", "n0", "n1", "n2", "n3");
        CommandProcess service = Serve($"{network.Here}:0");
        _server = (await service.SaysAsync("vmsim: serves ")).Split(' ')[2].TrimEnd('/');
        service.ReadRest();
        CommandProcess standby = Serve(new Uri(_server).Authority, "--standby");
        await standby.SaysAsync("stands by");
        standby.ReadRest();
        for (int node = 0; node < Nodes; node++)
        {
            string token = Write(
                $"token-{node}", await RunAsync("tokens", "add", $"n{node}", "--role", "node", "--store", Store));
            bool isHere = node < Nodes / 2;
            CommandProcess joined = CommandProcess.StartWith(
                isHere ? [] : network.Beyond,
                ["node", "--join", _server, "--authority", At("ca/authority.crt"), "--token-file", token, "--name", $"n{node}",
                    "--jobs", "1", "--threads", "1", "--work", At($"work-{node}"), "--set", $"cluster.certificate={At($"ca/n{node}.pem")}",
                    "--set", $"cluster.host={(isHere ? network.Here : network.There)}"]);
            _processes.Add(joined);
            await joined.SaysAsync("makes 1 job");
            joined.ReadRest();
        }
    }

    private CommandProcess Serve(string listen, params string[] options)
    {
        CommandProcess service = CommandProcess.Start(
            ["serve", "--store", Store, "--listen", listen, "--certificate", At("ca/service.pem"), "--nodes-only", "--checkpoint", "2s",
                .. options]);
        _processes.Add(service);
        return service;
    }

    private string Sweep(string name, int iterations, int runs) => Write(
        $"{name}.conf",
        $"scenario = \"{CommandRunner.At("config/scenarios/munmap-latr.conf")}\"\nset.processes.0.iterations = {iterations}\n"
            + $"vary.shootdown.protocol = [latr]\nrepeat = {runs}\nmetrics = [minorFaults]\nname = {name}\n");

    private static string ReportIn(string folder)
    {
        JsonObject report = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "report.json")))!.AsObject();
        report.Remove("host");
        return report.ToJsonString();
    }

    private async Task<int> CountAsync(string state) =>
        (await AskAsync("jobs", "--state", state, "--count", "1000")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    private async Task<string> AskAsync(string command, params string[] arguments) =>
        (await RunAsync([command, .. arguments, .. Client])).Trim();

    private static async Task<string> RunAsync(params string[] arguments)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(arguments);
        Assert.True(code == 0, $"{arguments[0]}: {code} {output} {error}");
        return output;
    }
}
