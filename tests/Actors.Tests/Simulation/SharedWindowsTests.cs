using CsCheck;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

public sealed class SharedWindowsTests
{
    private static readonly Delays Least = WorldParts.DelaysOf(TestWorlds.Scenario(1));
    private static readonly long Bound = Least.WindowBound.Value;
    private static readonly long ToGroup = Least.CoreToSpace.Value;
    private static readonly long ToCore = Least.StoreVisibility.Value;

    [Fact]
    public void Next_NothingHeardYet_IsAnExchange() => Assert.Equal(DomainAction.Exchange, New().Next(Horizon(0, 0, 0)).Action);

    [Fact]
    public void Next_TheOtherNodeIsIdle_OpensOneWindowAfterTheOther()
    {
        SharedWindows windows = Exchanged(NodeHorizon.Empty, Others());
        Assert.Equal(new DomainStep(DomainAction.RunCores, 100, 100 + Bound), windows.Next(Horizon(100, 100)));
        Assert.Equal(new DomainStep(DomainAction.RunCores, 9_999, 9_999 + Bound), windows.Next(Horizon(9_999, 9_999)));
    }

    [Fact]
    public void Next_OneCoreIsAlone_RunsUntilTheOtherNodeCouldReachIt()
    {
        SharedWindows windows = Exchanged(NodeHorizon.Empty, Others(NodeHorizon.Empty with { Core = 50_000 }));
        Assert.Equal(
            new DomainStep(DomainAction.RunCores, 100, 50_000 + Bound, IsAlone: true), windows.Next(Horizon(100, long.MaxValue)));
        windows = Exchanged(NodeHorizon.Empty, Others(NodeHorizon.Empty with { Group = 50_000 }));
        Assert.Equal(
            new DomainStep(DomainAction.RunCores, 100, 50_000 + ToCore, IsAlone: true), windows.Next(Horizon(100, long.MaxValue)));
    }

    [Fact]
    public void Next_AGroupIsDue_ComesBeforeCoresAsFarAsNoCoreCanReachIt()
    {
        SharedWindows windows = Exchanged(NodeHorizon.Empty, Others(NodeHorizon.Empty with { Core = 1_000 }));
        Assert.Equal(
            new DomainStep(DomainAction.RunMemorySets, 1_050 - ToGroup, 1_000 + ToGroup), windows.Next(Horizon(5_000, 5_000, 1_050)));
        Assert.Equal(DomainAction.Exchange, windows.Next(Horizon(5_000, 5_000, 1_000 + ToGroup)).Action);
    }

    [Fact]
    public void OnSent_ToAGroup_BoundsTheNodeByTheAnswer()
    {
        SharedWindows windows = Exchanged(NodeHorizon.Empty, Others());
        windows.OnSent(700, toCore: false);
        Assert.Equal((700 + ToCore, 700 + ToCore + ToGroup), (windows.CoreBound, windows.GroupBound));
        Assert.Equal(NodeHorizon.Empty with { Core = 900, SentToGroups = 700 }, windows.Say(Horizon(900, 900)));
        Assert.Equal(NodeHorizon.Empty with { Core = 900 }, windows.Say(Horizon(900, 900)));
    }

    [Fact]
    public void OnSent_ToACore_BoundsTheNodeByWhatThatCoreCanDo()
    {
        SharedWindows windows = Exchanged(NodeHorizon.Empty, Others());
        windows.OnSent(700, toCore: true);
        Assert.Equal((700 + Bound, 700 + ToGroup), (windows.CoreBound, windows.GroupBound));
        Assert.Equal(NodeHorizon.Empty with { SentToCores = 700 }, windows.Say(DomainHorizon.Empty));
    }

    /// <summary>What one node has sent to a second counts for the third, too.</summary>
    [Fact]
    public void OnExchanged_AMessageIsOnItsWayToAnother_CountsAsWorkThere()
    {
        SharedWindows windows = Exchanged(NodeHorizon.Empty, Others(NodeHorizon.Empty with { SentToCores = 400 }, NodeHorizon.Empty));
        Assert.Equal(400 + Bound, windows.CoreBound);
        windows = Exchanged(NodeHorizon.Empty with { SentToGroups = 300 }, Others());
        Assert.Equal(300 + ToCore, windows.CoreBound);
        Assert.False(windows.IsFinished);
    }

    [Fact]
    public void IsFinished_NobodyHasAnythingToDoBeforeTheEnd_IsSoOnEveryNode()
    {
        SharedWindows windows = New(until: 1_000);
        windows.OnExchanged(NodeHorizon.Empty with { Core = 1_000 }, Others(NodeHorizon.Empty with { Group = 1_000 + ToGroup }));
        Assert.True(windows.IsFinished);
        windows.OnExchanged(NodeHorizon.Empty with { Core = 1_000 }, Others(NodeHorizon.Empty with { Group = 999 + ToGroup }));
        Assert.False(windows.IsFinished);
    }

    [Fact]
    public void EndAt_EarlierThanTheEnd_EndsThere()
    {
        SharedWindows windows = Exchanged(NodeHorizon.Empty, Others());
        windows.EndAt(1_000);
        Assert.Equal(new DomainStep(DomainAction.RunCores, 900, 1_000), windows.Next(Horizon(900, 900)));
        Assert.Equal(DomainAction.Exchange, windows.Next(Horizon(1_000, 1_000)).Action);
    }

    /// <summary>
    /// Whatever the nodes have to do, the one that is first can go on without hearing more, and all agree on whether anybody has anything
    /// to do: no run of exchanges is without end.
    /// </summary>
    [Fact]
    public void OnExchanged_AnyHorizons_LetSomebodyGoOnAndAgreeOnTheEnd()
    {
        Gen<long> time = Gen.Frequency((3, Gen.Long[2_000, 9_000]), (1, Gen.Const(long.MaxValue)));
        Gen.Select(time, time, time, time, (core, group, toCores, toGroups) => new NodeHorizon(core, group, toCores, toGroups))
            .Array[2, 4].Sample(
            said =>
            {
                // Without what is on its way, as after the next exchange in which nobody sends.
                NodeHorizon[] settled = [.. said.Select((_, node) => new NodeHorizon(
                    said.Where((_, other) => other != node).Select(other => other.SentToCores.Value).Append(said[node].Core.Value).Min(),
                    said.Where((_, other) => other != node).Select(other => other.SentToGroups.Value).Append(said[node].Group.Value).Min(),
                    long.MaxValue,
                    long.MaxValue))];
                SharedWindows[] nodes = [.. said.Select((own, node) => Exchanged(own, Envelopes(said, node)))];
                bool over = settled.All(node => node.Core.Value == long.MaxValue && node.Group.Value == long.MaxValue);
                Assert.All(nodes, windows => Assert.Equal(over, windows.IsFinished));
                bool goesOn = settled.Select((node, i) => nodes[i].Next(Horizon(node.Core.Value, long.MaxValue, node.Group.Value)))
                    .Any(step => step.Action != DomainAction.Exchange);
                Assert.Equal(!over, goesOn);
            });
    }

    private static SharedWindows New(long until = long.MaxValue) => new(Least, Bound, until);

    private static SharedWindows Exchanged(NodeHorizon own, IReadOnlyList<PhaseEnvelope> envelopes)
    {
        SharedWindows windows = New();
        windows.OnExchanged(own, envelopes);
        return windows;
    }

    private static PhaseEnvelope[] Others(params NodeHorizon[] horizons) =>
        Envelopes([NodeHorizon.Empty, .. horizons.Length == 0 ? [NodeHorizon.Empty] : horizons], except: 0);

    private static PhaseEnvelope[] Envelopes(NodeHorizon[] horizons, int except) =>
    [
        .. horizons.Select((horizon, node) => new PhaseEnvelope { Domain = 0, Node = node, Exchange = 0, Limit = 0, Horizon = horizon })
            .Where(envelope => envelope.Node != except),
    ];

    private static DomainHorizon Horizon(long first, long second, long group = long.MaxValue) => DomainHorizon.Of([first, second], [group]);
}
