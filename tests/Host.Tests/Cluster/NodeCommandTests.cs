using System.Net;
using System.Net.Sockets;
using VmSim.Actors.Security;
using VmSim.Core.Settings;
using VmSim.Host.Hosting;
using VmSim.Host.Tests.CommandLine;
using VmSim.Tests.Shared;

namespace VmSim.Host.Tests.Cluster;

/// <summary>What a node, and a run that waits for nodes, say when they cannot start: one line, with what to do.</summary>
public sealed class NodeCommandTests : IDisposable
{
    private const string Trace = "config/traces/ls.vmt.gz";
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("run", Trace, "--nodes", "1")]
    [InlineData("node", "--join", "127.0.0.1:4053")]
    public async Task Start_WithoutACertificate_SaysHowToMakeOne(params string[] arguments)
    {
        string line = await FailsAsync(arguments);
        Assert.Contains("a certificate is needed", line, StringComparison.Ordinal);
        Assert.Contains("vmsim certs node", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithACertificateThatCannotBeUsed_SaysWhy()
    {
        using CertificateAuthority before = CertificateAuthority.Create(new FixedClock(DateTimeOffset.UtcNow.AddDays(-20)));
        string expired = before.IssueInto(_authority.Folder, "expired", 10, renew: false);
        string[] node = ["node", "--join", "127.0.0.1:4053"];
        Assert.Contains("has expired on", await FailsAsync([.. node, "--set", $"cluster.certificate={expired}"]), StringComparison.Ordinal);
        Assert.Contains(
            "there is no such file", await FailsAsync([.. node, "--set", "cluster.certificate=nowhere.pem"]), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(expired, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Assert.Contains(
                $"chmod 600 {expired}", await FailsAsync([.. node, "--set", $"cluster.certificate={expired}"]), StringComparison.Ordinal);
        }
    }

    /// <summary>203.0.113.1 is nobody's address (RFC 5737).</summary>
    [Theory]
    [InlineData("203.0.113.1 is no address of this machine, which has 127.0.0.1", "203.0.113.1")]
    [InlineData("no host \"nowhere.invalid\" is known here", "nowhere.invalid")]
    [InlineData("0.0.0.0 stands for all addresses", "0.0.0.0")]
    [InlineData("is no address and no name of a host", "\"no host\"")]
    public async Task Run_HostThatIsNotItsOwn_SaysSo(string words, string host) => Assert.Contains(
        words, await FailsAsync(
            ["run", Trace, "--nodes", "1", .. _authority.Certificate("run"), "--set", $"cluster.host={host}"]), StringComparison.Ordinal);

    [Theory]
    [InlineData(65, "cluster.host: 127.0.0.1 can be reached from this machine only, and 203.0.113.1 is another", "203.0.113.1:4053")]
    [InlineData(65, "--join: no host \"nowhere.invalid\" is known here", "nowhere.invalid:4053")]
    [InlineData(64, "HOST:PORT is needed", "4053")]
    public async Task Node_WhereNobodyCouldReachIt_SaysSo(int expected, string words, string join)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(["node", "--join", join]);
        Assert.Equal(expected, code);
        Assert.Contains(words, Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    /// <summary>Also of a process of the same user, which the kernel would let share it.</summary>
    [Fact]
    public async Task Run_PortInUse_SaysSo()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(TimeProvider.System);
        using NodeCertificate certificate = authority.Issue("run");
        await using ClusterHost first = await ClusterHost.StartCoordinatorAsync(ClusterHost.Settings([]), port: 0, certificate);
        int port = first.Address.Port!.Value;
        string expected = $"cluster.port: 127.0.0.1:{port} is in use by another process; take another port";
        ScenarioException error = await Assert.ThrowsAsync<ScenarioException>(
            () => ClusterHost.StartCoordinatorAsync(ClusterHost.Settings([]), port, certificate));
        Assert.StartsWith(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(
            expected,
            await FailsAsync(["run", Trace, "--nodes", "1", .. _authority.Certificate("run"), "--set", $"cluster.port={port}"]),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Node_WhoseCoordinatorIsAStranger_NamesItAndEnds()
    {
        using CertificateAuthority other = CertificateAuthority.Create(TimeProvider.System);
        using NodeCertificate stranger = other.Issue("run");
        await using ClusterHost coordinator = await ClusterHost.StartCoordinatorAsync(ClusterHost.Settings([]), port: 0, stranger);
        (int code, _, string error) = await CommandRunner.RunAsync(
            ["node", "--once", "--threads", "1", "--join", $"127.0.0.1:{coordinator.Address.Port}", .. _authority.Certificate("node")]);
        Assert.Equal(1, code);

        // The coordinator judges the node at the same time, and may hang up first.
        string[] sentences =
        [
            "a stranger answered where a node was called: its certificate is of another authority",
            "a stranger answered where a node was called: it hung up in the handshake",
        ];
        Assert.True(Array.Exists(sentences, sentence => error.Contains(sentence, StringComparison.Ordinal)), error);
        Assert.False(coordinator.Ended.IsCompleted, "the coordinator has ended");
    }

    [Fact]
    public async Task Node_WhoseCoordinatorHangsUp_SaysSoAndEnds()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        Task<(int Code, string Output, string Error)> node = CommandRunner.RunAsync(
            ["node", "--once", "--threads", "1", "--join", $"127.0.0.1:{port}", .. _authority.Certificate("node")]);
        while (await Task.WhenAny(node, other.AcceptTcpClientAsync()) is Task<TcpClient> caller)
        {
            // Not before it has been greeted: a connection that is reset at once is one that nobody answered.
            using TcpClient client = await caller;
            _ = await client.GetStream().ReadAtLeastAsync(new byte[1], minimumBytes: 1, throwOnEndOfStream: false);
        }

        (int code, _, string error) = await node;
        Assert.Equal(1, code);
        Assert.Contains("a stranger answered where a node was called: it hung up in the handshake", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Node_NobodyAnswers_SaysSoAndGoesOn()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();
        using CommandProcess node = CommandProcess.Start(["node", "--join", $"127.0.0.1:{port}", .. _authority.Certificate("node")]);
        Assert.Contains($"nobody answers at 127.0.0.1:{port} yet", await node.SaysAsync("nobody answers"), StringComparison.Ordinal);
        Assert.False(node.HasExited);
    }

    private static async Task<string> FailsAsync(string[] arguments)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(arguments);
        Assert.Equal(65, code);

        // A run says first what memory it will need.
        string[] lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return Assert.Single(lines, line => !line.StartsWith("vmsim: the run needs about ", StringComparison.Ordinal));
    }
}
