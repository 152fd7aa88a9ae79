using VmSim.Core.Engine;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Engine;

public sealed class NodePlacementTests
{
    [Fact]
    public void WholeDomains_AreSpreadEvenly()
    {
        using World world = new(Processes(6, threads: 2));
        NodePlacement placement = new(world, 3, coresPerNode: 100);
        Assert.All(world.Domains, domain => Assert.Single(placement.NodesOf(domain)));
        Assert.Equal([4, 4, 4], Enumerable.Range(0, 3).Select(node => placement.CoresOf(node).Count));
        Assert.All(world.Spaces, space => Assert.Empty(placement.ReadersOf(space)));
    }

    [Fact]
    public void ADomainThatDoesNotFit_IsSplitWithItsGroupOnOneNode()
    {
        using World world = new(Processes(1, threads: 12));
        NodePlacement placement = new(world, 4, coresPerNode: 11);
        Assert.Equal([0, 1, 2, 3], placement.NodesOf(world.Domains[0]));
        Assert.Equal([3, 3, 3, 3], Enumerable.Range(0, 4).Select(node => placement.CoresOf(node).Count));
        int home = placement.NodeOfGroup(0);
        Assert.Equal(home, placement.NodeOfTarget(world.Cores.Count));
        Assert.Equal(Enumerable.Range(0, 4).Where(node => node != home), placement.ReadersOf(world.Spaces[0]));
    }

    [Fact]
    public void ASplitDomain_HasEachSpaceBesideMostOfItsCores()
    {
        ScenarioSpec scenario = Processes(4, threads: 3);
        using World world = new(
            scenario with { Memory = new MemorySpec { Shared = false }, Machine = scenario.Machine with { Cores = 6 } });
        Assert.Single(world.Domains, domain => domain.Cores.Count == 3 && domain.Groups.Count == 2 && domain.Index == 0);
        NodePlacement placement = new(world, 2, coresPerNode: 0);
        foreach (Domain domain in world.Domains)
        {
            Assert.Equal(2, placement.NodesOf(domain).Count);
        }
    }

    [Fact]
    public void MoreNodesThanDomains_LeavesTheOthersEmpty()
    {
        using World world = new(Processes(1, threads: 2));
        NodePlacement placement = new(world, 3, coresPerNode: 8);
        Assert.Equal([0], placement.NodesOf(world.Domains[0]));
        Assert.Empty(placement.GroupsOf(2));
    }

    private static ScenarioSpec Processes(int count, int threads)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(
            count * threads, [.. Enumerable.Range(0, threads).Select(number => TestWorlds.Toucher($"t{number}", number, 4))]);
        return scenario with { Processes = [scenario.Processes[0] with { Count = count }] };
    }
}
