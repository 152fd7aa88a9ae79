using System.Diagnostics;
using System.Text.Json.Nodes;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Host.Tests.Cluster;

/// <summary>Runs over real processes on the loopback.</summary>
public sealed class LocalNodesTests : IDisposable
{
    private static readonly string Threads = CommandRunner.At("config/traces/mt.vmt.gz");
    private static readonly string Endless = CommandRunner.At("config/scenarios/throughput-64.conf");

    /// <summary>Nodes may take their time to start.</summary>
    private static readonly string[] Patient = ["--set", "cluster.join-seconds=600"];

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    [Fact]
    public async Task Run_SplitOverTwoProcesses_GivesTheSameReport()
    {
        string[] sets = ["--set", "machine.cores=6", "--set", "until=1ms"];
        JsonObject here = await ReportOf("here", [Threads, .. sets]);
        JsonObject spread = await ReportOf(
            "spread", [Threads, .. sets, "--local-nodes", "2", "--set", "cluster.placement=split", .. Patient]);
        JsonArray nodes = spread["host"]!["nodes"]!.AsArray();
        Assert.Equal(2, nodes.Count);
        Assert.Equal(6, nodes.Sum(node => (int)node!["cores"]!));
        Assert.Equal(1, nodes.Sum(node => (int)node!["spaces"]!));
        Assert.All(nodes, node => Assert.True((long)node!["envelopes"]! > 0 && (long)node["bytes"]! > 0));
        here.Remove("host");
        spread.Remove("host");
        Assert.Equal(here.ToJsonString(), spread.ToJsonString());
    }

    [Fact]
    public async Task Run_NodesThatDoNotJoin_SaysHowManyDid()
    {
        using TestAuthority authority = new();
        (int code, _, string error) = await CommandRunner.RunAsync(
            ["run", Threads, "--nodes", "2", .. authority.Certificate("run"), .. Sets("cluster.port=0", "cluster.join-seconds=1")]);
        Assert.Equal(65, code);
        Assert.Contains("vmsim node --join 127.0.0.1:", error, StringComparison.Ordinal);
        Assert.Contains("0 of 2 nodes joined within 1 s", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64, "--nodes", "--nodes", "-1")]
    [InlineData(64, "one of them", "--nodes", "2", "--local-nodes", "2")]
    [InlineData(65, "whole", "--local-nodes", "2", "--set", "cluster.placement=scattered")]
    [InlineData(65, "did you mean placement?", "--local-nodes", "2", "--set", "cluster.placment=split")]
    public async Task Run_WrongClusterOptions_SaysWhatIsAllowed(int expected, string words, params string[] options)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(["run", Threads, .. options]);
        Assert.Equal(expected, code);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    /// <summary>More than there are processors for would make the machine stand still; a person may insist.</summary>
    [Fact]
    public async Task Run_MoreLocalNodesThanThereAreProcessorsFor_SaysHowToInsist()
    {
        int allowed = LocalNodeCap.Of(Environment.ProcessorCount);
        string[] run = ["run", "nowhere.conf", "--local-nodes"];
        (int code, _, string error) = await CommandRunner.RunAsync([.. run, $"{allowed + 1}"]);
        Assert.Equal(71, code);
        Assert.Contains($"--local-nodes: {allowed + 1} found; {allowed} are allowed with ", error, StringComparison.Ordinal);
        Assert.Contains("--force-local-nodes", error, StringComparison.Ordinal);
        foreach (string[] accepted in (string[][])[[.. run, $"{allowed}"], [.. run, $"{allowed + 1}", "--force-local-nodes"]])
        {
            (code, _, error) = await CommandRunner.RunAsync(accepted);
            Assert.Equal(65, code);
            Assert.Contains("nowhere.conf", error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(1, 4)]
    [InlineData(2, 8)]
    [InlineData(96, 384)]
    public void Cap_OfProcessors_IsAFewForEach(int processors, int nodes)
    {
        Assert.Equal(nodes, LocalNodeCap.Of(processors));
        LocalNodeCap.Require(nodes, processors);
        Assert.Throws<ShortageException>(() => LocalNodeCap.Require(nodes + 1, processors));
    }

    [Theory]
    [InlineData("--join")]
    [InlineData("--join", "nowhere")]
    [InlineData("--join", "h:1", "--threads", "-1")]
    [InlineData("--join", "h:1", "--set", "machine.cores=4")]
    public async Task Node_WrongOptions_IsAUsageError(params string[] options) =>
        Assert.Equal(64, (await CommandRunner.RunAsync(["node", .. options])).Code);

    /// <summary>A node whose process is gone, or hangs, is named, and the run ends without a process left over.</summary>
    [Theory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    public async Task Run_ANodeIsLost_NamesItAndLeavesNoProcess(string signal)
    {
        using CommandProcess run = CommandProcess.Start(
            ["run", Endless, "--local-nodes", "2", "--threads", "1", .. Sets("until=100s", "cluster.placement=split"), .. Patient]);
        await run.SaysAsync(CommandProcess.Simulates);
        List<Process> nodes = run.Children();
        Assert.Equal(2, nodes.Count);
        await CommandProcess.SignalAsync(nodes[0].Id, signal);
        (int code, _, string error) = await run.EndAsync();
        Assert.Equal(1, code);
        Assert.Matches(@"vmsim: (local )?node [12] of 2 \(.+\) was lost[;:].* the run has stopped", error);
        foreach (Process node in nodes)
        {
            await node.WaitForExitAsync().OrHangAsync();
            Assert.True(node.HasExited);
        }
    }

    /// <summary>Invalidations that nobody waits for, and a fork, over three processes.</summary>
    [Theory]
    [InlineData("latr", "invalidationsSwept", "program = munmap-shared\n threads = 6\n iterations = 20\n pages = 2")]
    [InlineData("linux", "forks", "program = snapshot\n threads = 3\n iterations = 2\n pages = 40\n accesses = 300")]
    public async Task Run_SplitOverThreeProcesses_GivesTheSameReport(string protocol, string counter, string program)
    {
        string scenario = Path.Combine(_folder, "small.conf");
        await File.WriteAllTextAsync(
            scenario,
            $"name = small\nmachine.cores = 6\nmachine.sockets = 2\nkernel.tick-cycles = 50000\nshootdown.protocol = "
                + $"{protocol}\nuntil = 1ms\n"
            + $"processes = [\n {{\n {program}\n }}\n]\n");
        JsonObject here = await ReportOf("here", [scenario]);
        JsonObject spread = await ReportOf(
            "spread", [scenario, "--local-nodes", "3", "--threads", "1", "--set", "cluster.placement=split", .. Patient]);
        Assert.Equal(3, spread["host"]!["nodes"]!.AsArray().Count);
        Assert.True((long)here["totals"]![counter]! > 0);
        here.Remove("host");
        spread.Remove("host");
        Assert.Equal(here.ToJsonString(), spread.ToJsonString());
    }

    [Fact]
    public async Task Run_ItselfIsKilled_EndsItsNodes()
    {
        using CommandProcess run = CommandProcess.Start(["run", Endless, "--set", "until=100s", "--local-nodes", "1", .. Patient]);
        await run.SaysAsync(CommandProcess.Simulates);
        Process node = Assert.Single(run.Children());
        await run.SignalAsync("KILL");
        await node.WaitForExitAsync().OrHangAsync();
        Assert.True(node.HasExited);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string[] Sets(params string[] sets) => [.. sets.SelectMany(set => (string[])["--set", set])];

    private async Task<JsonObject> ReportOf(string name, string[] arguments)
    {
        string folder = Path.Combine(_folder, name);
        (int code, _, string error) = await CommandRunner.RunAsync(["run", .. arguments, "--out", folder]);
        Assert.True(code == 0, error);
        return JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "report.json")))!.AsObject();
    }
}
