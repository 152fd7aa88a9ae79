using System.Diagnostics;
using System.Text.Json.Nodes;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.Cluster;
using VmSim.Host.Tests.CommandLine;
using VmSim.Host.Tests.Running;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>Services as a person uses them, in processes of their own, that are ended in all ways.</summary>
public sealed class ServeTests : IDisposable
{
    private static readonly string Short = CommandRunner.At("config/scenarios/munmap-latr.conf");
    private static readonly string Long = CommandRunner.At("config/scenarios/throughput-64.conf");
    private static readonly string Split = CommandRunner.At("config/scenarios/web-server.conf");
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-serve-").FullName;
    private string _server = "";

    private string Store => Path.Combine(_folder, "store");

    /// <summary>A job gives what <c>vmsim run</c> gives, and the same job again is no run.</summary>
    [Fact]
    public async Task Submit_AScenario_GivesTheReportOfARun()
    {
        string[] sets = ["--set", "processes.0.iterations=10"];
        using CommandProcess service = await ServeAsync();
        foreach ((string command, string words) in new[] { ("jobs", "there are no jobs"), ("nodes", "there are no nodes") })
        {
            (_, string none, string said) = await CommandRunner.RunAsync(command, "--server", _server, "--store", Store);
            Assert.Equal("", none);
            Assert.Contains(words, said, StringComparison.Ordinal);
        }

        string first = await AskAsync("submit", [Short, .. sets]);
        await AskAsync("status", [first, "--wait"]);
        await AskAsync("result", [first, "--out", Path.Combine(_folder, "result")]);
        Assert.Equal(await RunAsync([Short, .. sets]), ReportIn("result"));

        string second = await AskAsync("submit", [Short, .. sets]);
        Assert.Contains("the store had the result", await AskAsync("status", [second]), StringComparison.Ordinal);
        await service.SignalAsync("TERM");
        (int code, _, string error) = await service.EndAsync();
        Assert.True(code == 143, error);
    }

    /// <summary>
    /// The process of a job is killed, then the service with it, and then the service is asked to stop: the job goes on from its last
    /// checkpoint each time, and its report has the bytes of a run that nobody disturbed.
    /// </summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task Job_WhoseProcessesDie_GivesTheReportOfARun()
    {
        string[] sets = ["--set", "until=60ms"];
        string id;
        using (CommandProcess service = await ServeAsync("--checkpoint", "1s"))
        {
            id = await AskAsync("submit", [Long, .. sets]);
            await LogHasAsync(id, "checkpoint written", 1);
            Process child = Assert.Single(service.Children());
            child.Kill();
            await LogHasAsync(id, "goes on from its last checkpoint", 1);
            await service.SignalAsync("KILL");
            await service.ExitAsync();
        }

        using (CommandProcess service = await ServeAsync("--checkpoint", "1s"))
        {
            await LogHasAsync(id, "goes on from its last checkpoint", 2);
            await service.SignalAsync("TERM");
            (int code, _, string error) = await service.EndAsync();
            Assert.True(code == 143, error);
        }

        using (CommandProcess service = await ServeAsync("--checkpoint", "600s"))
        {
            await AskAsync("status", [id, "--wait"]);
            await AskAsync("result", [id, "--out", Path.Combine(_folder, "result")]);
        }

        Assert.Equal(await RunAsync([Long, .. sets]), ReportIn("result"));
        Assert.Empty(Directory.GetDirectories(Path.Combine(Store, "jobs")));
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task Jobs_CancelledFailedAndSwept_SayWhatBecameOfThem()
    {
        using CommandProcess service = await ServeAsync("--jobs", "1");
        string running = await AskAsync("submit", [Long, "--set", "until=100s"]);
        string waiting = await AskAsync("submit", [Long, "--set", "until=101s"]);
        HangGuard.Until(() => service.Children().Count == 1);
        await AskAsync("cancel", [waiting]);
        await AskAsync("cancel", [running]);
        Assert.Contains("cancelled by local", await AskAsync("status", [running, "--wait"], ExitCodes.Broken), StringComparison.Ordinal);
        Assert.Contains("cancelled by local", await AskAsync("status", [waiting], ExitCodes.Broken), StringComparison.Ordinal);
        HangGuard.Until(() => service.Children().Count == 0);

        string sweep = Path.Combine(_folder, "sweep.conf");
        await File.WriteAllTextAsync(
            sweep,
            $"scenario = \"{Short}\"\nset.processes.0.iterations = 5\nvary.machine.cores = [16, 32]\nrepeat = 2\n"
                + "metrics = [minorFaults]\n");
        string submission = await AskAsync("submit", [sweep]);
        await AskAsync("status", [submission, "--wait"]);
        string folder = Path.Combine(_folder, "swept");
        await AskAsync("result", [submission, "--out", folder]);

        // The first of them alone, which goes into no sweep's folder, nor all of them into its own.
        Assert.Equal(4, (await AskAsync("status", [submission])).Split('\n').Length);
        Assert.Single((await AskAsync("status", [submission, "--alone"])).Split('\n'));
        string alone = Path.Combine(_folder, "alone");
        await AskAsync("result", [submission, "--alone", "--out", alone]);
        Assert.True(File.Exists(Path.Combine(alone, "report.json")));
        Assert.Contains(
            "a sweep's folder", await RefusedAsync("result", [submission, "--alone", "--out", folder]), StringComparison.Ordinal);
        Assert.Contains("a run's folder", await RefusedAsync("result", [submission, "--out", alone]), StringComparison.Ordinal);

        // A sweep of one run is one, whose run the store has from the others.
        string narrow = Path.Combine(_folder, "narrow.conf");
        string wide = await File.ReadAllTextAsync(sweep);
        await File.WriteAllTextAsync(narrow, wide.Replace("[16, 32]\nrepeat = 2", "[16]\nrepeat = 1", StringComparison.Ordinal));
        string one = await AskAsync("submit", [narrow]);
        await AskAsync("status", [one, "--wait"]);
        await AskAsync("result", [one, "--out", folder]);
        Assert.Equal(4, Directory.GetDirectories(Path.Combine(folder, "runs")).Length);

        // What the service has made is not made again where the sweep's tables are made of it.
        (int code, string output, string error) = await CommandRunner.RunAsync("sweep", sweep, "--out", folder, "--no-bisect");
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("0 runs made, 4 there before, 0 failed", output, StringComparison.Ordinal);
    }

    /// <summary>A job that needs more memory than there is at all says how much, and ends as failed.</summary>
    [Fact]
    public async Task Job_WithoutTheMemory_FailsWithTheFigure()
    {
        using CommandProcess service = await ServeAsync();
        string scenario = Path.Combine(_folder, "vast.conf");
        await File.WriteAllTextAsync(scenario, RunMemoryTests.Vast);
        string id = await AskAsync("submit", [scenario]);
        string status = await AskAsync("status", [id, "--wait"], ExitCodes.Broken);
        Assert.Contains("failed", status, StringComparison.Ordinal);
        Assert.Contains("the run needs about", status, StringComparison.Ordinal);
    }

    /// <summary>A node makes what the service leaves to it, and ends when it is drained.</summary>
    [Fact]
    public async Task Job_MadeByANode_GivesTheReportOfARun()
    {
        string[] sets = ["--set", "processes.0.iterations=10"];
        using CommandProcess service = await ServeAsync("--nodes-only");
        using CommandProcess node = await JoinAsync("one");
        string id = await AskAsync("submit", [Short, .. sets]);
        await AskAsync("status", [id, "--wait"]);
        await AskAsync("result", [id, "--out", Path.Combine(_folder, "result")]);
        Assert.Equal(await RunAsync([Short, .. sets]), ReportIn("result"));
        Assert.Contains("node one", await AskAsync("logs", [id]), StringComparison.Ordinal);
        Assert.Contains("one  ready, 0 of 1 job", await AskAsync("nodes", []), StringComparison.Ordinal);
        await AskAsync("node", ["drain", "one"]);
        (int code, _, string error) = await node.EndAsync();
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("has drained", error, StringComparison.Ordinal);
        Assert.Empty(await AskAsync("nodes", []));
        Assert.Empty(Directory.GetDirectories(Path.Combine(_folder, "work-one", "results")));
    }

    /// <summary>Two nodes make a job together; with a limit that it is over it fails for both.</summary>
    [Fact]
    public async Task Job_SplitOverTwoNodes_GivesTheReportOfARun()
    {
        string[] sets = ["--set", "processes.0.iterations=10"];
        string[] split = ["--nodes", "2", "--set", "cluster.placement=split"];
        using TestAuthority authority = new();
        using CommandProcess service = await ServeAsync("--nodes-only");
        using CommandProcess one = await JoinAsync("one", authority.Certificate("one"));
        using CommandProcess two = await JoinAsync("two", authority.Certificate("two"));
        string id = await AskAsync("submit", [Short, .. sets, .. split]);
        await AskAsync("status", [id, "--wait"]);
        await AskAsync("result", [id, "--out", Path.Combine(_folder, "result")]);
        Assert.Equal(await RunAsync([Short, .. sets]), ReportIn("result"));
        Assert.Contains("begun by nodes one, two, attempt 1", await AskAsync("logs", [id]), StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(Path.Combine(Store, "jobs")));

        string over = await AskAsync("submit", [Long, .. split, "--max-virtual-time", "10us"]);
        await AskAsync("status", [over, "--wait"], ExitCodes.Broken);
        Assert.Contains("over its limit of virtual time", await AskAsync("status", [over], ExitCodes.Broken), StringComparison.Ordinal);
        Assert.Contains("begun by nodes", await AskAsync("logs", [over]), StringComparison.Ordinal);
    }

    /// <summary>
    /// The service of a job that two nodes have together is killed, and then one of them: the job goes on from its last checkpoint on the
    /// node that is left, and its report has the bytes of a run that nobody disturbed.
    /// </summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task SplitJob_WhoseNodeAndServiceDie_GivesTheReportOfARun()
    {
        string[] sets = ["--set", "until=400us"];
        string[] options = ["--nodes-only", "--checkpoint", "1s"];
        using TestAuthority authority = new();
        using CommandProcess first = await ServeAsync(options);
        using CommandProcess one = await JoinAsync("one", authority.Certificate("one"));
        using CommandProcess two = await JoinAsync("two", authority.Certificate("two"));
        string id = await AskAsync("submit", [Split, .. sets, "--nodes", "2", "--set", "cluster.placement=split"]);
        using CommandProcess second = CommandProcess.Start(
            ["serve", "--store", Store, "--listen", new Uri(_server).Authority, "--standby", .. options]);
        await second.SaysAsync("stands by");
        HangGuard.Until(() => File.Exists(Path.Combine(Store, "jobs", id, "run.checkpoint")));
        await first.SignalAsync("KILL");
        await first.ExitAsync();
        await second.SaysAsync("vmsim: serves ");
        await LogHasAsync(id, "node one has gone on with it", 1);
        await two.SignalAsync("KILL");
        await two.ExitAsync();
        await one.SaysAsync($"job {id} begun from its last checkpoint");
        await AskAsync("status", [id, "--wait"]);
        await AskAsync("result", [id, "--out", Path.Combine(_folder, "result")]);
        Assert.Equal(await RunAsync([Split, .. sets]), ReportIn("result"));
        Assert.Empty(Directory.GetDirectories(Path.Combine(Store, "jobs")));
    }

    /// <summary>
    /// The node of a job is killed, then the service whose place another one takes, then the next node is asked to stop: the job goes on
    /// each time, and its report has the bytes of a run that nobody disturbed.
    /// </summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task Job_WhoseNodesAndServiceDie_GivesTheReportOfARun()
    {
        string[] sets = ["--set", "until=60ms"];
        string[] options = ["--nodes-only", "--checkpoint", "1s"];
        using CommandProcess first = await ServeAsync(options);
        string id = await AskAsync("submit", [Long, .. sets]);
        using (CommandProcess one = await JoinAsync("one"))
        {
            HangGuard.Until(() => File.Exists(Path.Combine(Store, "jobs", id, "run.checkpoint")));
            await one.SignalAsync("KILL");
            await one.ExitAsync();
        }

        using CommandProcess two = await JoinAsync("two");
        await LogHasAsync(id, "goes on from its last checkpoint", 1);
        using CommandProcess second = CommandProcess.Start(
            ["serve", "--store", Store, "--listen", new Uri(_server).Authority, "--standby", .. options]);
        await second.SaysAsync("stands by");
        await first.SignalAsync("KILL");
        await first.ExitAsync();
        await second.SaysAsync("vmsim: serves ");
        await LogHasAsync(id, "node two has gone on with it", 1);
        await two.SignalAsync("TERM");
        (int code, _, string error) = await two.EndAsync();
        Assert.True(code == 143, error);
        using CommandProcess three = await JoinAsync("three");
        await AskAsync("status", [id, "--wait"]);
        await AskAsync("result", [id, "--out", Path.Combine(_folder, "result")]);
        Assert.Equal(await RunAsync([Long, .. sets]), ReportIn("result"));
        Assert.Empty(Directory.GetDirectories(Path.Combine(Store, "jobs")));
    }

    [Theory]
    [InlineData("needs TLS", "serve", "--listen", "0.0.0.0:0")]
    [InlineData("at least what --keep-results says", "serve", "--keep-results", "2d", "--keep-jobs", "1d")]
    [InlineData("an address and a port", "serve", "--listen", "nowhere")]
    [InlineData("\"king\" found; one of node, reader, submitter, operator is allowed", "tokens", "add", "x", "--role", "king")]
    [InlineData("https alone", "jobs", "--server", "http://192.0.2.1:1")]
    [InlineData("--authority", "jobs", "--server", "https://192.0.2.1:1")]
    [InlineData("a URL", "jobs", "--server", "ftp://x")]
    [InlineData("--join is needed", "node")]
    [InlineData("a URL", "node", "--join", "ftp://x", "--token-file", "x")]
    [InlineData("role node", "node", "--join", "http://127.0.0.1:1")]
    [InlineData("https alone", "node", "--join", "http://192.0.2.1:1", "--token-file", "x")]
    [InlineData("letters, digits", "node", "--join", "http://127.0.0.1:1", "--token-file", "x", "--name", "a/b")]
    public async Task Serve_WrongOptions_IsAUsageError(string words, params string[] arguments)
    {
        string[] store = arguments[0] == "node" ? [] : ["--store", Store];
        (int code, _, string error) = await CommandRunner.RunAsync([.. arguments, .. store]);
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Jobs_WithoutAService_SaysHowToStartOne()
    {
        string token = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(token, "x");
        (int code, _, string error) = await CommandRunner.RunAsync(
            "jobs", "--server", "http://127.0.0.1:1", "--token-file", token);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("vmsim serve starts a service", error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A job over one of its limits has failed at its first attempt, and says which.</summary>
    [Theory]
    [InlineData("--max-memory", "32MiB", "over its limit of memory")]
    [InlineData("--max-time", "1s", "over its limit of wall time: 1.00 s allowed")]
    [InlineData("--max-virtual-time", "20us", "over its limit of virtual time: 20.0 us allowed")]
    public async Task Job_OverALimit_HasFailed(string option, string most, string words)
    {
        using CommandProcess service = await ServeAsync();
        string id = await AskAsync("submit", [Long, option, most]);
        await AskAsync("status", [id, "--wait"], ExitCodes.Broken);
        string status = await AskAsync("status", [id], ExitCodes.Broken);
        Assert.Contains("failed", status, StringComparison.Ordinal);
        Assert.Contains(words, status, StringComparison.Ordinal);
        string log = await AskAsync("logs", [id]);
        Assert.Equal(2, log.Split("attempt 1").Length);
        Assert.DoesNotContain("attempt 2", log, StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(Path.Combine(Store, "jobs")));
    }

    /// <summary>What the service allows holds for jobs that ask for nothing, on nodes too; whoever asks for more is told.</summary>
    [Fact]
    public async Task Job_OverWhatTheServiceAllows_HasFailedOnItsNode()
    {
        using CommandProcess service = await ServeAsync("--nodes-only", "--max-memory", "32MiB", "--max-virtual-time", "10s");
        using CommandProcess node = await JoinAsync("one");
        string id = await AskAsync("submit", [Long]);
        await AskAsync("status", [id, "--wait"], ExitCodes.Broken);
        Assert.Contains("32.0 MiB allowed", await AskAsync("status", [id], ExitCodes.Broken), StringComparison.Ordinal);
        (int code, _, string error) = await CommandRunner.RunAsync(
            "submit", Short, "--max-memory", "1GiB", "--server", _server, "--store", Store);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("1.00 GiB of memory found; this service allows a job at most 32.0 MiB", error, StringComparison.Ordinal);
    }

    private async Task<CommandProcess> ServeAsync(params string[] options)
    {
        CommandProcess service = CommandProcess.Start(["serve", "--store", Store, "--listen", "127.0.0.1:0", .. options]);
        string line = await service.SaysAsync("vmsim: serves ");
        _server = line.Split(' ')[2];
        return service;
    }

    private async Task<CommandProcess> JoinAsync(string name, params string[] options)
    {
        string token = Path.Combine(_folder, $"token-{name}");
        (int code, string output, string error) = await CommandRunner.RunAsync(
            "tokens", "add", name, "--role", "node", "--store", Store);
        Assert.True(code == ExitCodes.Ok, error);
        await File.WriteAllTextAsync(token, output);
        CommandProcess node = CommandProcess.Start(
            ["node", "--join", _server, "--token-file", token, "--name", name, "--jobs", "1", "--threads", "1",
            "--work", Path.Combine(_folder, $"work-{name}"), .. options]);
        await node.SaysAsync($"node {name} makes 1 job");
        return node;
    }

    /// <summary>Asks the service by a command.</summary>
    private async Task<string> AskAsync(string command, string[] arguments, int expected = ExitCodes.Ok)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(
            [command, .. arguments, "--server", _server, "--store", Store]);
        Assert.True(code == expected, $"{command}: {code} {output} {error}");
        return output.Trim();
    }

    private async Task<string> RefusedAsync(string command, string[] arguments)
    {
        (int code, _, string error) = await CommandRunner.RunAsync([command, .. arguments, "--server", _server, "--store", Store]);
        Assert.True(code == ExitCodes.BadInput, $"{command}: {code} {error}");
        return error;
    }

    /// <summary>Waits until a job's log has a text so many times.</summary>
    private async Task LogHasAsync(string id, string text, int times)
    {
        string log;
        do
        {
            log = await AskAsync("logs", [id]);
            Assert.False(log.EndsWith(" done", StringComparison.Ordinal), log);
        }
        while (log.Split(text).Length - 1 < times);
    }

    private async Task<string> RunAsync(string[] arguments)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(
            ["run", .. arguments, "--quiet", "--out", Path.Combine(_folder, "run")]);
        Assert.True(code == ExitCodes.Ok, error);
        return ReportIn("run");
    }

    private string ReportIn(string folder)
    {
        JsonObject report = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, folder, "report.json")))!.AsObject();
        report.Remove("host");
        return report.ToJsonString();
    }
}
