using System.Net;
using System.Net.NetworkInformation;
using System.Net.Security;
using System.Net.Sockets;
using System.Reflection;
using System.Reflection.Emit;
using Akka.Actor;
using Akka.Cluster;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Security;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Host.Hosting;
using VmSim.Testing;
using VmSim.Tests.Shared;
using ClusterSettings = VmSim.Actors.Configuration.ClusterSettings;

namespace VmSim.Host.Tests.Cluster;

/// <summary>
/// A coordinator and a node that waits, and strangers who try all that a member could do: nothing runs, nothing is told, nothing stops.
/// </summary>
public sealed class StrangerTests : IDisposable
{
    private const string Program = "processes = [\n {\n program = map-touch-unmap\n iterations = 10\n pages = 16\n }\n]";
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;
    private readonly CertificateAuthority _authority;
    private readonly NodeCertificate _expired;

    public StrangerTests()
    {
        using CertificateAuthority before = CertificateAuthority.Create(new FixedClock(DateTimeOffset.UtcNow.AddDays(-20)));
        _expired = before.Issue("node", days: 10);
        before.Save(_folder);
        _authority = CertificateAuthority.Load(_folder, TimeProvider.System);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _expired.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Strangers_OnLoopbackAndBeyond_RunNothingLearnNothingStopNothing(bool beyond)
    {
        IPAddress host = beyond ? OtherAddress() : IPAddress.Loopback;
        ClusterSettings settings = ClusterHost.Settings([$"cluster.host={host}", "cluster.join-seconds=600"]);
        (string plugIn, string assembly) = PlugIn();
        using NodeCertificate run = _authority.Issue("run");
        using NodeCertificate worker = _authority.Issue("worker");
        TaskCompletionSource<string> over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ClusterHost coordinator = await ClusterHost.StartCoordinatorAsync(settings, port: 0, run);
        await using ClusterHost node = await ClusterHost.StartNodeAsync(
            settings, $"{host}:{coordinator.Address.Port}", lanes: 1, worker, new NodeFolders([_folder]), over);
        HangGuard.Until(() => Up(coordinator) == 2 && Up(node) == 2);
        Address[] members = [coordinator.Address, node.Address];
        Assert.All(members, member => Assert.Equal((SecureRemoting.Protocol, host.ToString()), (member.Protocol, member.Host)));

        // They stay connected to the end, and say nothing.
        using TcpClient silent = await ConnectAsync(node.Address);
        using TcpClient silentToo = await ConnectAsync(coordinator.Address);
        RunPlan plan = PlanWith(plugIn);
        foreach (Disguise disguise in Enum.GetValues<Disguise>())
        {
            Stranger stranger = Stranger.Create(disguise, _expired, host);
            await Task.WhenAll(members.Select(victim => stranger.AttackAsync(victim, members, plan)));
            await stranger.DisposeAsync();
            Assert.Empty(stranger.Told);
        }

        Assert.Equal((2, 2), (Up(coordinator), Up(node)));
        Assert.DoesNotContain(AppDomain.CurrentDomain.GetAssemblies(), loaded => loaded.GetName().Name == assembly);
        Assert.False(over.Task.IsCompleted, "the node has ended");

        // Both work as if nothing had happened.
        ScenarioSpec scenario = ScenarioLoader.Parse(Program, "here", ".", []);
        RunReport report = await new ClusterRunner(coordinator.Coordinator, settings, 1, null, null, coordinator.Ended)
            .RunAsync(scenario, new RunOptions { Threads = 1 }, null, CancellationToken.None).OrHangAsync();
        await using SimulationHost here = await SimulationHost.StartAsync(lanes: 1);
        Assert.Equal(
            (await here.Runner.RunAsync(scenario, new RunOptions { Threads = 1 }, null, CancellationToken.None)).Fingerprint,
            report.Fingerprint);
        Assert.Equal("the run is over", await over.Task.OrHangAsync());
        Assert.False(coordinator.Ended.IsCompleted, "the coordinator has ended");
    }

    /// <summary>
    /// What a stranger sees of a node before it is refused: a certificate, and the end of the connection. Nothing older than TLS 1.2 is
    /// spoken.
    /// </summary>
    [Fact]
    public async Task Handshake_WithoutACertificate_EndsBeforeAnythingIsSaid()
    {
        using NodeCertificate run = _authority.Issue("run");
        await using ClusterHost coordinator = await ClusterHost.StartCoordinatorAsync(ClusterHost.Settings([]), port: 0, run);
        using TcpClient client = await ConnectAsync(coordinator.Address);
        await using SslStream stream = new(
            client.GetStream(),
            leaveInnerStreamOpen: false,
            (_, certificate, _, _) => certificate!.GetPublicKeyString() == run.Certificate.GetPublicKeyString());
        byte[] answer = new byte[1];
        try
        {
            await stream.AuthenticateAsClientAsync("run").OrHangAsync();
            Assert.Equal(0, await stream.ReadAsync(answer).AsTask().OrHangAsync());
        }
        catch (Exception reason) when (reason is IOException or System.Security.Authentication.AuthenticationException)
        {
            Assert.False(stream.IsAuthenticated && stream.IsMutuallyAuthenticated);
        }

        Assert.Equal(0, answer[0]);
    }

    private static int Up(ClusterHost host) =>
        Akka.Cluster.Cluster.Get(host.System).State.Members.Count(member => member.Status == MemberStatus.Up);

    private static async Task<TcpClient> ConnectAsync(Address address)
    {
        TcpClient client = new();
        await client.ConnectAsync(address.Host, address.Port!.Value).OrHangAsync();
        return client;
    }

    /// <summary>
    /// An address of this machine that is not the loopback's first; where there is no network, another one of the loopback.
    /// </summary>
    private static IPAddress OtherAddress() => NetworkInterface.GetAllNetworkInterfaces()
        .SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(item => item.Address)
        .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address))
            ?? IPAddress.Parse("127.0.0.2");

    /// <summary>A plug-in in the node's folder, so that nothing but the stranger's certificate is in its way.</summary>
    private (string Path, string Assembly) PlugIn()
    {
        string name = "Planted" + Guid.NewGuid().ToString("N");
        PersistedAssemblyBuilder assembly = new(new AssemblyName(name), typeof(object).Assembly);
        assembly.DefineDynamicModule(name).DefineType("Planted.Backend", TypeAttributes.Public).CreateType();
        string path = Path.Combine(_folder, name + ".dll");
        assembly.Save(path);
        return (path, name);
    }

    private static RunPlan PlanWith(string plugIn) => new()
    {
        Scenario = $"plug-ins = [ \"{plugIn}\" ]\n{Program}",
        Inputs = [RunInput.Of(plugIn), new RunInput("/etc/hostname", new string('0', RunInput.DigestLength))],
        Nodes = 1,
        CoresPerNode = 1,
        Window = 1,
    };
}
