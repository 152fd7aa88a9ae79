using Akka.Cluster.SBR;
using Akka.Configuration;
using VmSim.Actors.Security;
using VmSim.Host.Hosting;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;
using AkkaCluster = Akka.Cluster.Cluster;

namespace VmSim.Host.Tests.Cluster;

/// <summary>Who stays in a cluster that is cut, and how soon somebody is out of it who is dead or silent.</summary>
public sealed class SplitBrainTests : IDisposable
{
    private readonly CertificateAuthority _authority = CertificateAuthority.Create(TimeProvider.System);
    private readonly NodeCertificate _certificate;
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    public SplitBrainTests()
    {
        _authority.Save(_folder);
        _certificate = _authority.Issue("run");
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The sum is of the settings, so that no load of this machine counts.</summary>
    [Fact]
    public async Task Settings_KeepTheSideOfTheCoordinatorWithin20Seconds()
    {
        await using ClusterHost host = await StartAsync();
        Config cluster = host.System.Settings.Config.GetConfig("akka.cluster");
        Assert.IsType<SplitBrainResolverProvider>(AkkaCluster.Get(host.System).DowningProvider);
        Config resolver = cluster.GetConfig("split-brain-resolver");
        Assert.Equal("keep-oldest", resolver.GetString("active-strategy"));
        Assert.Equal("coordinator", resolver.GetString("keep-oldest.role"));
        Assert.False(resolver.GetBoolean("keep-oldest.down-if-alone"));
        TimeSpan[] steps =
        [
            cluster.GetTimeSpan("failure-detector.heartbeat-interval"),
            cluster.GetTimeSpan("failure-detector.acceptable-heartbeat-pause"),
            cluster.GetTimeSpan("unreachable-nodes-reaper-interval"),
            resolver.GetTimeSpan("stable-after"),
            cluster.GetTimeSpan("gossip-interval"),
            cluster.GetTimeSpan("leader-actions-interval"),
        ];
        Assert.True(new TimeSpan(steps.Sum(step => step.Ticks)) < new TimeSpan(0, 0, 20), string.Join(" + ", steps));
    }

    /// <summary>A process that dies is missed, as is one that says nothing; that one joins anew when it goes on.</summary>
    [Theory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    public async Task Node_ThatIsGone_IsOutOfTheCluster(string signal)
    {
        await using ClusterHost host = await StartAsync();
        string certificate = _authority.IssueInto(_folder, "node", CertificateAuthority.NodeDays, renew: false);
        using CommandProcess node = CommandProcess.Start(
            "node", "--join", $"127.0.0.1:{host.Address.Port}", "--threads", "1", "--set", $"cluster.certificate={certificate}");
        await node.SaysAsync("joined");
        AkkaCluster cluster = AkkaCluster.Get(host.System);
        HangGuard.Until(() => cluster.State.Members.Count == 2);
        await node.SignalAsync(signal);
        HangGuard.Until(() => cluster.State.Members.Count == 1);
        Assert.Empty(cluster.State.Unreachable);
        Assert.False(host.Ended.IsCompleted, "the coordinator has ended");
        if (signal == "STOP")
        {
            await node.SignalAsync("CONT");
            await node.SaysAsync("joined");
        }
    }

    private Task<ClusterHost> StartAsync() => ClusterHost.StartCoordinatorAsync(ClusterHost.Settings([]), port: 0, _certificate);
}
