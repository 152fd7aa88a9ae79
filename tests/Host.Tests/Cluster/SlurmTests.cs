using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using VmSim.Actors.Security;
using VmSim.Core.Settings;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Cluster;

/// <summary>Runs in a job of SLURM: the variables alone, with addresses of the loopback as hosts.</summary>
public sealed class SlurmTests : IDisposable
{
    private static readonly string Threads = CommandRunner.At("config/traces/mt.vmt.gz");
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("slurm", "n01 n02", 4053)]
    [InlineData("slurm:70", "n01 n02", 70)]
    [InlineData("a,b[1-2]:70", "a b1 b2", 70)]
    [InlineData("host:70", "host", 70)]
    [InlineData("[::1]:70", "[::1]", 70)]
    public void Place_OfAList_HasItsHosts(string text, string hosts, int port)
    {
        JoinPlace place = JoinPlace.Parse(text, 4053, JobOf(("SLURM_JOB_NODELIST", "n[01-02]")));
        Assert.Equal(hosts.Split(' '), place.Hosts);
        Assert.Equal(port, place.Port);
    }

    [Fact]
    public void Place_WithoutAJobOrAPort_SaysWhatIsMissing()
    {
        Assert.Contains(
            "SLURM_JOB_NODELIST is not set", Fails<ScenarioException>("slurm", 4053), StringComparison.Ordinal);
        Assert.Contains("slurm:PORT", Fails<ScenarioException>("slurm", 0, ("SLURM_JOB_NODELIST", "n1")), StringComparison.Ordinal);
        Assert.Contains(
            "SLURM_JOB_NODELIST: character 3",
            Fails<ScenarioException>("slurm", 1, ("SLURM_JOB_NODELIST", "n[x]")),
            StringComparison.Ordinal);
        Assert.Contains("HOST:PORT is needed", Fails<UsageException>("slurm:", 4053), StringComparison.Ordinal);
        Assert.Contains("cluster.host: slurm found, and SLURMD_NODENAME", Assert.Throws<ScenarioException>(
            () => ClusterHost.Settings(["cluster.host=slurm"])).Message, StringComparison.Ordinal);
        Assert.Equal(["old"], JoinPlace.Parse("slurm", 1, JobOf(("SLURM_NODELIST", "old"))).Hosts);
    }

    /// <summary>Hosts before it do not listen, or are strangers that were met.</summary>
    [Fact]
    public async Task Place_OfAList_IsTheFirstThatAnswers()
    {
        using TcpListener third = new(IPAddress.Parse("127.0.0.4"), 0);
        third.Start();
        int port = ((IPEndPoint)third.LocalEndpoint).Port;
        using TcpListener second = new(IPAddress.Parse("127.0.0.3"), port);
        second.Start();
        JoinPlace place = JoinPlace.Parse($"127.0.0.[2-4]:{port}", 0, JobOf());
        Assert.Equal($"127.0.0.3:{port}", await place.FindAsync(new HashSet<string>(), CancellationToken.None));
        Assert.Equal($"127.0.0.4:{port}", await place.FindAsync(new HashSet<string> { "127.0.0.3" }, CancellationToken.None));
        second.Stop();
        Assert.Equal($"127.0.0.4:{port}", await place.FindAsync(new HashSet<string>(), CancellationToken.None));
    }

    /// <summary>The run is on the second host, so that the nodes have to look; on the first somebody else listens.</summary>
    [Fact]
    public async Task Run_InAJob_IsFoundByItsNodes()
    {
        using CertificateAuthority others = CertificateAuthority.Create(TimeProvider.System);
        using NodeCertificate other = others.Issue("run");
        await using ClusterHost stranger = await ClusterHost.StartCoordinatorAsync(
            ClusterHost.Settings(["cluster.host=127.0.0.2"]), port: 0, other);
        string[] port = ["--set", $"cluster.port={stranger.Address.Port}"];
        string[] folders = ["--set", $"cluster.folders={CommandRunner.At("config/traces")}"];
        string[] run = _authority.Certificate("run");
        CommandProcess[] nodes =
        [
            .. ((string[])["127.0.0.2", "127.0.0.4"]).Select(host => InJob(
                host, ["node", "--join", "slurm", "--once", "--threads", "1", .. port, .. folders, .. _authority.Certificate(host)])),
        ];
        string folder = Path.Combine(_authority.Folder, "out");
        using CommandProcess first = InJob(
            "127.0.0.3",
            ["run", Threads, "--nodes", "2", "--set", "cluster.host=slurm", "--set", "cluster.placement=split", "--set",
                "cluster.join-seconds=600", "--out", folder, "--set", "until=1ms", .. port, .. run]);
        (int code, _, string error) = await first.EndAsync();
        Assert.True(code == 0, error);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "report.json")))!;
        Assert.Equal(2, report["host"]!["nodes"]!.AsArray().Count);
        foreach (CommandProcess node in nodes)
        {
            (code, _, error) = await node.EndAsync();
            Assert.True(code == 0, error);
            Assert.Contains("of 3 hosts, 127.0.0.2 first", error, StringComparison.Ordinal);
            Assert.Contains("joined 127.0.0.3:", error, StringComparison.Ordinal);
            node.Dispose();
        }
    }

    private static CommandProcess InJob(string host, string[] arguments) => CommandProcess.StartWith(
        ["SLURM_JOB_NODELIST=127.0.0.[2-4]", $"SLURMD_NODENAME={host}"], arguments);

    private static SlurmJob JobOf(params (string Name, string Value)[] variables) => new(
        name => variables.FirstOrDefault(variable => variable.Name == name).Value);

    private static string Fails<T>(string text, int port, params (string Name, string Value)[] variables)
        where T : Exception => Assert.Throws<T>(() => JoinPlace.Parse(text, port, JobOf(variables))).Message;
}
