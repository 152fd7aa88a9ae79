using System.Diagnostics;
using System.Text.Json.Nodes;
using VmSim.Host;
using VmSim.Host.Service;
using VmSim.Host.Tests.CommandLine;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>
/// A service and its nodes become another build, one process after the other, while there are jobs. Each is made once, by one build, and
/// its result is of that.
/// </summary>
public sealed class ServiceUpgradeTests(ITestOutputHelper log) : Scratch
{
    private const int Before = 12;
    private const int After = 3;
    private const string Free = "127.0.0.1:0";

    private static readonly string Own = VmSim.Actors.Cluster.BuildIdentity.Here;

    private readonly string _own = typeof(CommandLineApp).Assembly.Location;
    private readonly List<CommandProcess> _started = [];
    private string _server = "";

    private string Store => At("store");

    [Fact]
    [Trait("Category", "Long")]
    public async Task Upgrade_WhileAnOldNodeIsLeft_HasItMakeTheOldJobs()
    {
        string next = OtherBuild.In(At("next"));
        try
        {
            long begun = Stopwatch.GetTimestamp();
            CommandProcess old = await ServeAsync(_own, Free);
            CommandProcess first = await JoinAsync(_own, "n0");
            CommandProcess second = await JoinAsync(_own, "n1");
            await AskAsync("submit", Sweep("before", Before));

            CommandProcess service = Start(
                next, "serve", "--store", Store, "--listen", new Uri(_server).Authority, "--nodes-only", "--standby");
            await service.SaysAsync("stands by");
            await UntilAsync(() => CountAsync("done"), done => done >= 2);
            await StopAsync(old, 143);
            await service.SaysAsync("vmsim: serves ");
            service.ReadRest();
            await AskAsync("submit", Sweep("after", After));
            await AskAsync("node", "drain", "n1");
            await EndAsync(second, 0);
            second = await JoinAsync(next, "n1");
            await UntilAsync(() => CountAsync("done"), done => done == Before + After);
            double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            await StopAsync(first, 143);
            await StopAsync(second, 143);
            await StopAsync(service, 143);
            AssertBuilds(moved: 0);
            log.WriteLine($"{Before} jobs of the old build and {After} of the new one in {seconds:0} s");
        }
        finally
        {
            _started.ForEach(process => process.Dispose());
        }
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task Upgrade_WhereNoOldNodeIsLeft_HasTheNewOnesMakeTheOldJobs()
    {
        string next = OtherBuild.In(At("next"));
        try
        {
            CommandProcess old = await ServeAsync(_own, Free);
            await AskAsync("submit", Sweep("before", Before));
            await StopAsync(old, 143);
            CommandProcess service = await ServeAsync(next, new Uri(_server).Authority);
            await AskAsync("submit", Sweep("after", After));
            CommandProcess node = await JoinAsync(next, "n0");
            await UntilAsync(() => CountAsync("done"), done => done == Before + After);
            await StopAsync(node, 143);
            await StopAsync(service, 143);
            AssertBuilds(moved: Before);
        }
        finally
        {
            _started.ForEach(process => process.Dispose());
        }
    }

    /// <summary>Each job is of one build, and so is its report; those that the old one left say so.</summary>
    private void AssertBuilds(int moved)
    {
        using JobStore store = new(new SqliteDatabase(new StoreFolder(Store).Database), TimeProvider.System);
        IReadOnlyList<Job> jobs = store.List(null, long.MaxValue, Before + After + 1);
        Assert.Equal(Before + After, jobs.Count);
        foreach (Job job in jobs)
        {
            string report = Path.Combine(new StoreFolder(Store).ResultOf(job.Digest), "report.json");
            Assert.Equal(job.Build, (string)JsonNode.Parse(File.ReadAllText(report))!["provenance"]!["build"]!);
            Assert.Equal((JobState.Done, 1), (job.State, job.Attempts));
        }

        string other = Assert.Single(jobs.Select(job => job.Build).Distinct(), build => build != Own);
        Job[] left = [.. jobs.Where(job => job.Id <= Before && job.Build == other)];
        Assert.Equal(moved, left.Length);
        Assert.All(jobs.Where(job => job.Id > Before), job => Assert.Equal(other, job.Build));
        Assert.All(left, job => Assert.Contains(
            store.LogOf(job.Id), line => line.Text.Contains($"no node of build {Own}", StringComparison.Ordinal)));
    }

    private string Sweep(string name, int runs) => Write(
        $"{name}.conf",
        $"scenario = \"{CommandRunner.At("config/scenarios/munmap-latr.conf")}\"\nset.processes.0.iterations = 4000\n"
            + $"vary.shootdown.protocol = [latr]\nrepeat = {runs}\nmetrics = [minorFaults]\nname = {name}\n"
            + (name == "after" ? "set.processes.0.pages = 3\n" : ""));

    private async Task<CommandProcess> ServeAsync(string program, string listen)
    {
        CommandProcess service = Start(program, "serve", "--store", Store, "--listen", listen, "--nodes-only");
        _server = (await service.SaysAsync("vmsim: serves ")).Split(' ')[2];
        service.ReadRest();
        return service;
    }

    private CommandProcess Start(string program, params string[] arguments)
    {
        CommandProcess process = CommandProcess.StartProgram(program, [], arguments);
        _started.Add(process);
        return process;
    }

    /// <summary>Starts a node, which may have to wait until its namesake is missed.</summary>
    private async Task<CommandProcess> JoinAsync(string program, string name)
    {
        string token = At($"token-{name}");
        if (!File.Exists(token))
        {
            Write($"token-{name}", await AskAsync("tokens", "add", name, "--role", "node"));
        }

        CommandProcess node = Start(
            program, "node", "--join", _server, "--token-file", token, "--name", name, "--jobs", "1", "--work", At($"work-{name}"));
        await node.SaysAsync("makes 1 job");
        node.ReadRest();
        return node;
    }

    private static async Task StopAsync(CommandProcess process, int code)
    {
        await process.SignalAsync("TERM");
        await EndAsync(process, code);
    }

    private static async Task EndAsync(CommandProcess process, int code)
    {
        (int ended, _, string error) = await process.EndAsync();
        Assert.True(ended == code, $"{ended}: {error}");
    }

    private async Task<int> CountAsync(string state) =>
        (await AskAsync("jobs", "--state", state, "--count", "1000")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    private static async Task UntilAsync(Func<Task<int>> count, Func<int, bool> isEnough)
    {
        while (!isEnough(await count()))
        {
            await Task.Delay(TimeSpan.FromSeconds(0.2));
        }
    }

    private async Task<string> AskAsync(string command, params string[] arguments)
    {
        string[] server = command == "tokens" ? [] : ["--server", _server];
        (int code, string output, string error) = await CommandRunner.RunAsync([command, .. arguments, .. server, "--store", Store]);
        Assert.True(code == 0, $"{command}: {code} {output} {error}");
        return output.Trim();
    }
}
