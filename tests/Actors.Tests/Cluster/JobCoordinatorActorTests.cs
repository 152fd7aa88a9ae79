using Akka.Actor;
using Akka.TestKit;
using VmSim.Actors.Cluster;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

public sealed class JobCoordinatorActorTests() : ActorTest(SecureNodes.Configuration(), SecureNodes.Setup())
{
    private static readonly JobProtocol.Submit Submit = new(
        new RunPlan { Scenario = "", Nodes = 2, CoresPerNode = 1, Window = 100 }, JoinSeconds: 86_400, Progress: null, Joined: null);

    [Fact]
    public void Submit_WhileAJobIsUnderWay_IsRefusedAndTheFirstGoesOn()
    {
        IActorRef coordinator = Sys.ActorOf(JobCoordinatorActor.Props());
        TestProbe first = CreateTestProbe();
        TestProbe second = CreateTestProbe();
        coordinator.Tell(Submit, first);
        coordinator.Tell(Submit, second);
        JobProtocol.Failed refused = second.ExpectMsg<JobProtocol.Failed>();
        Assert.StartsWith("the coordinator carries out another run", refused.Reason.Message, StringComparison.Ordinal);

        coordinator.Tell(new JobProtocol.Stop());
        Assert.IsType<OperationCanceledException>(first.ExpectMsg<JobProtocol.Failed>().Reason);
        Assert.False(second.HasMessages);
    }

    [Fact]
    public void Submit_WhenTheLastJobIsOver_BeginsAnother()
    {
        IActorRef coordinator = Sys.ActorOf(JobCoordinatorActor.Props());
        for (int i = 0; i < 2; i++)
        {
            coordinator.Tell(Submit, TestActor);
            coordinator.Tell(new JobProtocol.Stop(), TestActor);
            Assert.IsType<OperationCanceledException>(ExpectMsg<JobProtocol.Failed>().Reason);
        }
    }

    [Fact]
    public void Stop_OfTheCoordinator_EndsTheJob()
    {
        IActorRef coordinator = Sys.ActorOf(JobCoordinatorActor.Props());
        coordinator.Tell(Submit, TestActor);
        coordinator.Tell(PoisonPill.Instance);
        Assert.IsType<NodeLostException>(ExpectMsg<JobProtocol.Failed>().Reason);
    }
}
