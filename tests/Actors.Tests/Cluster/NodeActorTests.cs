using System.Reflection;
using System.Reflection.Emit;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using VmSim.Actors.Cluster;
using VmSim.Actors.Simulation;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>A node that waits, and a member of its cluster that asks it for what it should not give.</summary>
public sealed class NodeActorTests : ActorTest
{
    private const string Program = "processes = [\n {\n program = map-touch-unmap\n iterations = 1\n pages = 1\n }\n]";
    private readonly string _root = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;
    private readonly TaskCompletionSource<string> _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public NodeActorTests()
        : base(
            Lanes.Configuration(1)
                .WithFallback(ConfigurationFactory.ParseString("akka.cluster.roles = [coordinator, worker]"))
                .WithFallback(SecureNodes.Configuration()),
            SecureNodes.Setup())
    {
        Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(Sys);
        cluster.Join(cluster.SelfAddress);
        HangGuard.Until(() => cluster.State.Members.Any(member => member.Status == MemberStatus.Up));
    }

    [Fact]
    public void Prepare_FileOutsideTheFolders_TellsNothingOfIt()
    {
        string secret = Write("secret.vmt", "not a trace");
        string folder = Directory.CreateDirectory(Path.Combine(_root, "folder")).FullName;
        string there = Refusal(new NodeFolders([folder]), RunInput.Of(secret));
        string wrong = Refusal(new NodeFolders([folder]), new RunInput(secret, new string('0', RunInput.DigestLength)));
        string missing = Refusal(new NodeFolders([folder]), new RunInput(secret + "x", RunInput.Of(secret).Digest));
        Assert.Equal(there, wrong.Replace(new string('0', RunInput.DigestLength), RunInput.Of(secret).Digest, StringComparison.Ordinal));
        Assert.Equal(there, missing.Replace(secret + "x", secret, StringComparison.Ordinal));
        Assert.DoesNotContain(folder, there, StringComparison.Ordinal);
        Assert.Contains("this node has no folders", Refusal(NodeFolders.None, RunInput.Of(secret)), StringComparison.Ordinal);
    }

    /// <summary>A scenario that names files which its plan does not list: a trace, a plug-in, another file of settings.</summary>
    [Theory]
    [InlineData("processes = [\n {\n trace = \"{0}\"\n }\n]")]
    [InlineData("plug-ins = [ \"{0}\" ]\n" + Program)]
    [InlineData("machine-profile = \"{0}\"\n" + Program)]
    [InlineData("machine-profile = \"../../../../../../../..{0}\"\n" + Program)]
    [InlineData("include \"{0}\"\n" + Program)]
    public void Prepare_FileThatThePlanDoesNotList_IsNotRead(string scenario)
    {
        string secret = Write("secret.conf", "secret-word = 42");
        string answer = Refusal(new NodeFolders([_root]), scenario.Replace("{0}", secret, StringComparison.Ordinal));
        Assert.DoesNotContain("42", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Prepare_PlugInOfAFolder_IsLoadedIfItsDigestFits()
    {
        string name = "Given" + Guid.NewGuid().ToString("N");
        string path = Path.Combine(_root, name + ".dll");
        PersistedAssemblyBuilder assembly = new(new AssemblyName(name), typeof(object).Assembly);
        assembly.DefineDynamicModule(name).DefineType("Given.Type", TypeAttributes.Public).CreateType();
        assembly.Save(path);
        string scenario = $"plug-ins = [ \"/elsewhere/{name}.dll\" ]\n{Program}";
        RunInput input = new($"/elsewhere/{name}.dll", RunInput.Of(path).Digest);
        RunInput other = input with { Digest = new string('0', RunInput.DigestLength) };
        Assert.Contains("do not have this file", Refusal(new NodeFolders([_root]), scenario, other), StringComparison.Ordinal);
        Assert.DoesNotContain(AppDomain.CurrentDomain.GetAssemblies(), loaded => loaded.GetName().Name == name);
        IActorRef node = Node(new NodeFolders([_root]));
        node.Tell(new NodeProtocol.Prepare(Plan(scenario, input), 0), TestActor);
        FishForMessage<NodeProtocol.Prepared>(prepared => prepared.Node == 0);
        Assert.Contains(AppDomain.CurrentDomain.GetAssemblies(), loaded => loaded.GetName().Name == name);
    }

    /// <summary>
    /// Who asks first is heard once a second, also while the world is being built; others are refused, and cannot end the run.
    /// </summary>
    [Fact]
    public async Task Prepare_SecondCoordinator_IsRefused()
    {
        IActorRef node = Node(NodeFolders.None);
        node.Tell(new NodeProtocol.Prepare(Plan(Program), 3), TestActor);
        Assert.Equal(3, ExpectMsg<NodeProtocol.Busy>().Node);
        FishForMessage<NodeProtocol.Prepared>(prepared => prepared.Threads == 1);
        Akka.TestKit.TestProbe other = CreateTestProbe();
        node.Tell(new NodeProtocol.Prepare(Plan(Program), 0), other.Ref);
        Assert.Equal("the node has a run already", other.ExpectMsg<NodeProtocol.Refused>().Reason);
        node.Tell(new NodeProtocol.Prepare(Plan(Program), 3), TestActor);
        FishForMessage<NodeProtocol.Busy>(busy => busy.Node == 3);
        Assert.False(_over.Task.IsCompleted);
        node.Tell(new NodeProtocol.Dismiss(), TestActor);
        Assert.Equal("the run is over", await _over.Task.OrHangAsync());
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_root, recursive: true);
    }

    private IActorRef Node(NodeFolders folders) => Sys.ActorOf(NodeActor.Props(1, folders, SecureNodes.Remoting("node"), _over));

    private string Refusal(NodeFolders folders, params RunInput[] inputs) =>
        Refusal(folders, $"processes = [\n {{\n trace = \"{inputs[0].Path}\"\n }}\n]", inputs);

    private string Refusal(NodeFolders folders, string scenario, params RunInput[] inputs)
    {
        IActorRef node = Node(folders);
        node.Tell(new NodeProtocol.Prepare(Plan(scenario, inputs), 0), TestActor);
        object answer = FishForMessage(message => message is NodeProtocol.Refused or NodeShardProtocol.Failed or NodeProtocol.Prepared);
        Sys.Stop(node);
        return Assert.IsType<NodeProtocol.Refused>(answer).Reason;
    }

    private static RunPlan Plan(string scenario, params RunInput[] inputs) =>
        new() { Scenario = scenario, Inputs = inputs, Nodes = 1, CoresPerNode = 1_024, Window = 100 };

    private string Write(string name, string text)
    {
        string path = Path.Combine(_root, name);
        File.WriteAllText(path, text);
        return path;
    }
}
