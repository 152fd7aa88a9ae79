using System.Text.Json.Nodes;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>
/// A service with a second one that stands by, and four nodes, as processes of their own that tests kill, freeze and stop, and jobs that
/// are compared with runs that nobody disturbed.
/// </summary>
public abstract class ServiceDeaths : Scratch
{
    /// <summary>How many nodes there are.</summary>
    protected const int Nodes = 4;

    private readonly CommandProcess?[] _nodes = new CommandProcess?[Nodes];
    private readonly string[] _tokens = new string[Nodes];
    private readonly string[][] _variables = [.. Enumerable.Range(0, Nodes).Select(_ => Array.Empty<string>())];
    private readonly SortedDictionary<string, int> _deaths = new(StringComparer.Ordinal);
    private readonly List<Task> _thaws = [];
    private CommandProcess _service = null!;
    private CommandProcess _standby = null!;
    private string _server = "";

    /// <summary>What has been done to processes, and how often.</summary>
    protected string Deaths => string.Join(", ", _deaths.Select(death => $"{death.Value} {death.Key}"));

    private string Store => At("store");

    /// <summary>Starts all of them.</summary>
    /// <param name="variables">Variables of a node's environment, each NAME=VALUE.</param>
    protected async Task BeginAsync(Func<int, string[]> variables)
    {
        _service = Serve("127.0.0.1:0");
        _server = (await _service.SaysAsync("vmsim: serves ")).Split(' ')[2];
        _service.ReadRest();
        _standby = await StandByAsync();
        await AskAsync("certs", "authority", At("ca"));
        await AskAsync("certs", "node", At("ca"), "n0", "n1", "n2", "n3");
        for (int node = 0; node < Nodes; node++)
        {
            _variables[node] = variables(node);
            _tokens[node] = Write($"token-{node}", await AskAsync("tokens", "add", $"n{node}", "--role", "node"));
            await JoinAsync(node);
        }
    }

    /// <summary>Ends whatever there is.</summary>
    protected void EndAll()
    {
        foreach (CommandProcess? left in (CommandProcess?[])[_service, _standby, .. _nodes])
        {
            left?.Dispose();
        }
    }

    /// <summary>Submits a sweep.</summary>
    /// <returns>The number of its first job.</returns>
    protected Task<string> SubmitAsync(string sweep, int nodes) => AskServerAsync(
        "submit", nodes > 1 ? [sweep, "--nodes", $"{nodes}", "--set", "cluster.placement=split"] : [sweep]);

    /// <summary>Counts jobs in a state.</summary>
    protected async Task<int> CountAsync(string state) =>
        (await AskServerAsync("jobs", "--state", state, "--count", "1000")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    /// <summary>Kills the service, and waits until the other one has taken its place and a third one stands by.</summary>
    protected async Task KillServiceAsync()
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

    /// <summary>Kills a node that is not frozen, and starts it again.</summary>
    protected async Task KillAsync(int node)
    {
        if (_nodes[node] is { } victim)
        {
            Count("kills of a node");
            await victim.SignalAsync("KILL");
            await victim.ExitAsync();
            victim.Dispose();
            await JoinAsync(node);
        }
    }

    /// <summary>Asks a node that is not frozen to stop, and starts it again.</summary>
    protected async Task StopAsync(int node)
    {
        if (_nodes[node] is { } stopped)
        {
            Count("stops of a node");
            await stopped.SignalAsync("TERM");
            (int code, _, string error) = await stopped.EndAsync();
            Assert.True(code == 143, error);
            stopped.Dispose();
            await JoinAsync(node);
        }
    }

    /// <summary>Freezes a node for some time, which nobody waits for.</summary>
    protected async Task FreezeAsync(int node, TimeSpan time)
    {
        if (_nodes[node] is { } frozen)
        {
            Count("freezes of a node");
            _nodes[node] = null;
            await frozen.SignalAsync("STOP");
            _thaws.Add(ThawAsync(node, frozen, time));
        }
    }

    /// <summary>Notes that something was done.</summary>
    protected void Count(string death) => _deaths[death] = _deaths.GetValueOrDefault(death) + 1;

    /// <summary>Waits until nobody is frozen.</summary>
    protected Task ThawedAsync() => Task.WhenAll(_thaws);

    /// <summary>
    /// How far the jobs have come, by results and checkpoints in the store: on a machine on which several nodes take longer to begin
    /// together than somebody lives, nothing would ever be done.
    /// </summary>
    protected string Reached() => string.Join(' ', [
        .. Directory.GetDirectories(Path.Combine(Store, "results")).Select(Path.GetFileName),
        .. Directory.GetDirectories(Path.Combine(Store, "jobs")).Select(
            job => $"{Path.GetFileName(job)} {File.GetLastWriteTimeUtc(Path.Combine(job, "run.checkpoint")).Ticks}"),
    ]);

    /// <summary>Every job is done, with the bytes of a run of the same sweep in one process, and nothing else is left.</summary>
    /// <param name="submitted">Sweeps, with the numbers of their first jobs.</param>
    /// <param name="jobs">Jobs of all of them.</param>
    protected async Task AssertAllDoneAsync(IReadOnlyList<(string Sweep, string Id)> submitted, int jobs)
    {
        int done = await CountAsync("done");
        Assert.True(done == jobs, $"{done} of {jobs} are done\n{await TellFailedAsync()}");
        foreach ((_, string id) in submitted)
        {
            await AskServerAsync("result", id, "--out", At("disturbed"));
        }

        Assert.Equal(jobs, Directory.GetDirectories(Path.Combine(Store, "results")).Length);
        Assert.Empty(Directory.GetDirectories(Path.Combine(Store, "jobs")));
        List<string> alone = [];
        foreach ((string sweep, _) in submitted)
        {
            string folder = Path.ChangeExtension(sweep, null);
            await AskAsync("sweep", sweep, "--out", folder, "--no-bisect");
            alone.AddRange(Directory.GetDirectories(Path.Combine(folder, "runs")));
        }

        Assert.Equal(jobs, alone.Count);
        string differences = string.Join('\n', alone.Select(Difference).Where(text => text.Length > 0));
        Assert.True(differences.Length == 0, differences);
    }

    /// <summary>The jobs that are not done, each with its log.</summary>
    private async Task<string> TellFailedAsync()
    {
        string failed = await AskServerAsync("jobs", "--state", "failed", "--count", "1000");
        List<string> told = [];
        foreach (string line in failed.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            told.Add($"{line}\n{await AskServerAsync("logs", line.Trim().Split(' ')[0])}");
        }

        return string.Join('\n', told);
    }

    /// <summary>Writes a sweep whose runs are those of no other one.</summary>
    protected string Sweep(string name, int iterations, int runs) => Write(
        $"{name}.conf",
        $"scenario = \"{CommandRunner.At("config/scenarios/munmap-latr.conf")}\"\nset.processes.0.iterations = {iterations}\n"
            + $"vary.shootdown.protocol = [latr]\nrepeat = {runs}\nmetrics = [minorFaults]\nname = {name}\n");

    /// <summary>The folder in which a node has traces and checkpoints.</summary>
    protected string WorkOf(int node) => At($"work-{node}");

    private async Task ThawAsync(int node, CommandProcess frozen, TimeSpan time)
    {
        await Task.Delay(time);
        await frozen.SignalAsync("CONT");
        _nodes[node] = frozen;
    }

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
        CommandProcess joined = CommandProcess.StartWith(_variables[node], [
            "node", "--join", _server, "--token-file", _tokens[node], "--name", $"n{node}", "--jobs", "1", "--threads", "1",
            "--work", WorkOf(node), "--set", $"cluster.certificate={At($"ca/n{node}.pem")}",
        ]);
        await joined.SaysAsync("makes 1 job");
        joined.ReadRest();
        _nodes[node] = joined;
    }

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
