using System.Diagnostics;
using System.Text.Json.Nodes;
using VmSim.Host.Tests.CommandLine;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>
/// A service with a second one that stands by, and four nodes, all of which are killed, frozen and stopped at drawn moments while jobs are
/// made, a third of which two or three nodes have together. In the end every job is done, each result has the bytes of a run that nobody
/// disturbed, and nothing else is left.
/// </summary>
public sealed class ServiceDeathTests(ITestOutputHelper log) : Scratch
{
    private const int Nodes = 4;
    private static readonly TimeSpan LeastPause = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan MostPause = TimeSpan.FromSeconds(12);

    /// <summary>Longer than the silence after which a node counts as lost.</summary>
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(20);

    private readonly CommandProcess?[] _nodes = new CommandProcess?[Nodes];
    private readonly string[] _tokens = new string[Nodes];
    private readonly SortedDictionary<string, int> _deaths = new(StringComparer.Ordinal);
    private CommandProcess _service = null!;
    private CommandProcess _standby = null!;
    private string _server = "";

    private string Store => At("store");

    [Fact]
    [Trait("Category", "Long")]
    public async Task Jobs_WhoseNodesAndServicesDie_AreEachDoneOnce()
    {
        int seed = Number("VMSIM_HOSTILE_SEED", 1);
        int jobs = Number("VMSIM_HOSTILE_RUNS", 1_000);
        Random random = new(seed);
        string whole = Sweep("whole", 1500, jobs - (jobs / 3));
        string two = Sweep("two", 60, (jobs / 3) - (jobs / 6));
        string three = Sweep("three", 61, jobs / 6);
        try
        {
            _service = Serve("127.0.0.1:0");
            _server = (await _service.SaysAsync("vmsim: serves ")).Split(' ')[2];
            _service.ReadRest();
            _standby = await StandByAsync();
            await AskAsync("certs", "authority", At("ca"));
            await AskAsync("certs", "node", At("ca"), "n0", "n1", "n2", "n3");
            for (int node = 0; node < Nodes; node++)
            {
                _tokens[node] = Write($"token-{node}", await AskAsync("tokens", "add", $"n{node}", "--role", "node"));
                await JoinAsync(node);
            }

            long begun = Stopwatch.GetTimestamp();
            string[] ids =
            [
                await AskServerAsync("submit", two, "--nodes", "2", "--set", "cluster.placement=split"),
                await AskServerAsync("submit", whole),
                await AskServerAsync("submit", three, "--nodes", "3", "--set", "cluster.placement=split"),
            ];
            using CancellationTokenSource over = new();
            Task deaths = DieAsync(random, over.Token);
            while (await CountAsync("queued") + await CountAsync("running") > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
            }

            double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            await over.CancelAsync();
            await deaths;
            Assert.Equal(jobs, await CountAsync("done"));
            foreach (string id in ids)
            {
                await AskServerAsync("result", id, "--out", At("disturbed"));
            }

            string[] results = Directory.GetDirectories(Path.Combine(Store, "results"));
            Assert.Equal(jobs, results.Length);
            Assert.Empty(Directory.GetDirectories(Path.Combine(Store, "jobs")));
            foreach ((string sweep, string alike) in new[] { (whole, "whole"), (two, "two"), (three, "three") })
            {
                await AskAsync("sweep", sweep, "--out", At(alike), "--no-bisect");
            }

            string[] alone = [.. ((string[])["whole", "two", "three"]).SelectMany(name => Directory.GetDirectories(At($"{name}/runs")))];
            Assert.Equal(jobs, alone.Length);
            Assert.Equal("", string.Join('\n', alone.Select(Difference).Where(text => text.Length > 0)));
            log.WriteLine(
                $"{jobs} jobs in {seconds:0} s, seed {seed}: {string.Join(", ", _deaths.Select(death => $"{death.Value} {death.Key}"))}");
        }
        finally
        {
            foreach (CommandProcess? left in (CommandProcess?[])[_service, _standby, .. _nodes])
            {
                left?.Dispose();
            }
        }
    }

    /// <summary>Has somebody suffer something, again and again.</summary>
    private async Task DieAsync(Random random, CancellationToken over)
    {
        List<Task> thaws = [];
        while (true)
        {
            TimeSpan pause = LeastPause + ((MostPause - LeastPause) * random.NextDouble());
            string before = Reached();
            do
            {
                await Task.Delay(pause, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            while (!over.IsCancellationRequested && Reached() == before);
            if (over.IsCancellationRequested)
            {
                await Task.WhenAll(thaws);
                return;
            }

            int node = random.Next(Nodes);
            int what = random.Next(10);
            if (what == 0)
            {
                Count("kills of the service");
                await _service.SignalAsync("KILL");
                await _service.ExitAsync();
                _service.Dispose();
                await _standby.SaysAsync("vmsim: serves ");
                _service = _standby;
                _service.ReadRest();
                _standby = await StandByAsync();
            }
            else if (_nodes[node] is { } victim && what <= 6)
            {
                Count("kills of a node");
                await victim.SignalAsync("KILL");
                await victim.ExitAsync();
                victim.Dispose();
                await JoinAsync(node);
            }
            else if (_nodes[node] is { } stopped && what == 7)
            {
                Count("stops of a node");
                await stopped.SignalAsync("TERM");
                (int code, _, string error) = await stopped.EndAsync();
                Assert.True(code == 143, error);
                stopped.Dispose();
                await JoinAsync(node);
            }
            else if (_nodes[node] is { } frozen)
            {
                Count("freezes of a node");
                _nodes[node] = null;
                await frozen.SignalAsync("STOP");
                thaws.Add(ThawAsync(node, frozen));
            }
        }
    }

    private async Task ThawAsync(int node, CommandProcess frozen)
    {
        await Task.Delay(Frozen);
        await frozen.SignalAsync("CONT");
        _nodes[node] = frozen;
    }

    /// <summary>
    /// How far the jobs have come, by results and checkpoints in the store: on a machine on which several nodes take longer to begin
    /// together than somebody lives, nothing would ever be done.
    /// </summary>
    private string Reached() => string.Join(' ', [
        .. Directory.GetDirectories(Path.Combine(Store, "results")).Select(Path.GetFileName),
        .. Directory.GetDirectories(Path.Combine(Store, "jobs")).Select(
            job => $"{Path.GetFileName(job)} {File.GetLastWriteTimeUtc(Path.Combine(job, "run.checkpoint")).Ticks}"),
    ]);

    private void Count(string death) => _deaths[death] = _deaths.GetValueOrDefault(death) + 1;

    /// <summary>What differs between a run that was left alone and the result of the service.</summary>
    private string Difference(string alone)
    {
        string name = Path.GetFileName(alone);
        string disturbed = Path.Combine(At("disturbed/runs"), name);
        return !Directory.Exists(disturbed) ? $"{name} has no result"
            : ReportIn(alone) != ReportIn(disturbed) ? $"{name} has other bytes"
            : "";
    }

    private static string ReportIn(string folder)
    {
        JsonObject report = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "report.json")))!.AsObject();
        report.Remove("host");
        return report.ToJsonString();
    }

    /// <summary>Writes a sweep whose runs are those of no other one.</summary>
    private string Sweep(string name, int iterations, int runs) => Write(
        $"{name}.conf",
        $"scenario = \"{CommandRunner.At("config/scenarios/munmap-latr.conf")}\"\nset.processes.0.iterations = {iterations}\n"
            + $"vary.shootdown.protocol = [latr]\nrepeat = {runs}\nmetrics = [minorFaults]\nname = {name}\n");

    private CommandProcess Serve(string listen, params string[] options) =>
        CommandProcess.Start(["serve", "--store", Store, "--listen", listen, "--nodes-only", "--checkpoint", "2s", .. options]);

    private async Task<CommandProcess> StandByAsync()
    {
        CommandProcess standby = Serve(new Uri(_server).Authority, "--standby");
        await standby.SaysAsync("stands by");
        return standby;
    }

    /// <summary>Starts a node, which may have to wait until its dead namesake is missed.</summary>
    private async Task JoinAsync(int node)
    {
        CommandProcess joined = CommandProcess.Start(
            "node", "--join", _server, "--token-file", _tokens[node], "--name", $"n{node}", "--jobs", "1", "--threads", "1", "--work",
            At($"work-{node}"), "--set", $"cluster.certificate={At($"ca/n{node}.pem")}");
        await joined.SaysAsync("makes 1 job");
        joined.ReadRest();
        _nodes[node] = joined;
    }

    private async Task<int> CountAsync(string state) =>
        (await AskServerAsync("jobs", "--state", state, "--count", "1000")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    /// <summary>Asks the service by a command, again while another one takes its place.</summary>
    private async Task<string> AskServerAsync(string command, params string[] arguments)
    {
        while (true)
        {
            (int code, string output, string error) = await CommandRunner.RunAsync(
                [command, .. arguments, "--server", _server, "--store", Store]);
            if (code == 0)
            {
                return output.Trim();
            }

            Assert.True(error.Contains("vmsim serve starts a service", StringComparison.Ordinal), $"{command}: {code} {output} {error}");
            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }

    private async Task<string> AskAsync(string command, params string[] arguments)
    {
        string[] store = command == "tokens" ? ["--store", Store] : [];
        (int code, string output, string error) = await CommandRunner.RunAsync([command, .. arguments, .. store]);
        Assert.True(code == 0, $"{command}: {code} {output} {error}");
        return output;
    }
}
