using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>One list of faults and one timeline, however a run is carried out.</summary>
public sealed class ListedFingerprintTests : FingerprintRuns
{
    /// <summary>What is kept one by one is the same too, and keeping it changes nothing.</summary>
    [Theory]
    [InlineData("traces/mt.vmt.gz", "machine.cores=4 until=120us warmup=30us", 30_000)]
    [InlineData("scenarios/bgsave.conf", "until=100us kernel.traps=park", 0)]
    [InlineData("scenarios/munmap-latr.conf", "until=200us shootdown.protocol=latr", 0)]
    public void Lists_AnyWindowThreadsAndNodes_AreTheSame(string file, string settings, long from)
    {
        ScenarioSpec scenario = Load(file, settings);
        string fingerprint = TestWorlds.Run(scenario).Fingerprint;
        Lists = new RunLists { Faults = true, Timeline = true, TimelineFrom = from, TimelineEnd = 400_000 };
        RunReport expected = RunOnLanes(scenario, 1);
        Assert.Equal(fingerprint, expected.Fingerprint);
        Assert.NotEmpty(expected.OperationRecords);
        Assert.Contains(expected.Timeline!.Cores, slices => slices.Count > 0);
        foreach (IReadOnlyList<CoreSlice> slices in expected.Timeline.Cores)
        {
            AssertNest(slices);
        }

        Assert.Equal(expected.Total("accesses"), expected.Intervals!.Series[0].Value.Sum());
        Assert.Equal(expected.Total("ipisSent"), expected.Interrupts?.Rows.Sum(row => row.Sum()) ?? 0);
        Assert.Equal(Digest(expected), Digest(RunOnLanes(scenario, 2, 7)));
        Assert.Equal(Digest(expected), Digest(RunOnLanes(scenario, 2, stops: [0, 1])));
        Assert.Equal(Digest(expected), Digest(RunOnNodes(scenario, 2, coresPerNode: 0, 2)));
    }

    private static void AssertNest(IReadOnlyList<CoreSlice> slices)
    {
        Stack<CoreSlice> open = [];
        foreach (CoreSlice slice in slices)
        {
            while (open.TryPeek(out CoreSlice last) && last.End <= slice.Begin)
            {
                open.Pop();
            }

            Assert.True(slice.End >= slice.Begin && (open.Count == 0 || slice.End <= open.Peek().End), $"{slice} crosses another one");
            open.Push(slice);
        }
    }
}
