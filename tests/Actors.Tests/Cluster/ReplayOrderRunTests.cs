using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Tests.Shared;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>Traces of threads that hand pages to each other, replayed in each order.</summary>
public sealed class ReplayOrderRunTests : ShardRuns
{
    private const int Pages = 100;

    public static TheoryData<string> Orders { get; } = ["areas", "pages", "full"];

    [Theory]
    [MemberData(nameof(Orders))]
    public void Run_DrawnThreads_EndsWithOneFingerprintOnAnyThreadsAndNodes(string order)
    {
        for (int seed = 1; seed <= 8; seed++)
        {
            ScenarioSpec scenario = Load(new ThreadedTrace(seed, 150).Text, order, seed % 2 == 0 ? "machine.cores=2" : "machine.cores=6");
            using World world = new(scenario, check: true);
            RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
            Assert.True(report.Outcome == RunOutcomes.Completed, $"seed {seed}: {report.Outcome}");
            foreach (int lanes in (int[])[1, 2, 4])
            {
                Assert.True(report.Fingerprint == RunOnLanes(scenario, lanes, lanes).Fingerprint, $"seed {seed} on {lanes} lanes");
            }

            foreach (int nodes in (int[])[1, 2])
            {
                Assert.True(report.Fingerprint == RunOnNodes(scenario, nodes, 0).Fingerprint, $"seed {seed} on {nodes} nodes");
            }
        }
    }

    /// <summary>A reader that is there before its writer reads zeros, unless it has to wait as it did when it was recorded.</summary>
    [Theory]
    [InlineData("areas", true)]
    [InlineData("pages", false)]
    [InlineData("full", false)]
    public void Run_ReaderBehindItsWriter_ReadsZerosOnlyInTheOrderOfAreas(string order, bool readsZeros)
    {
        string stores = string.Concat(Enumerable.Range(0, Pages).Select(i => $"W {0x100 + i:x}\n"));
        string text = $"i 100000 {Pages << 12:x} 3 22 - 0\nt 0\nn 11\nt 1\n{stores}t 0\n{stores.Replace('W', 'R')}";
        using World world = new(Load(text, order, "machine.cores=2"));
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(readsZeros, report.Total("zeroPageFaults") > 0);
        Assert.Equal(readsZeros, report.Total("minorFaults") > Pages);
    }

    [Fact]
    public void Load_UnknownOrder_NamesThoseThereAre()
    {
        ScenarioException error = Assert.Throws<ScenarioException>(() => Load("t 0\nR 1\n", "strict", "machine.cores=2"));
        Assert.Contains("replay.order", error.Message);
        Assert.Contains("areas", error.Message);
    }

    private static ScenarioSpec Load(string trace, string order, string setting)
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-order-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "drawn.vmt"), trace);
            string text = "processes = [\n {\n trace = drawn.vmt\n }\n]";
            return ScenarioLoader.Parse(text, "here", folder, [setting, $"replay.order={order}", "shootdown.protocol=linux"]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
