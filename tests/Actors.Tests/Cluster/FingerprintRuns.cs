using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>Scenarios of which one fingerprint is compared; docs/determinism.md lists them.</summary>
public abstract class FingerprintRuns : ShardRuns
{
    /// <summary>Scenario file or trace, and the settings that make it short.</summary>
    public static TheoryData<string, string> Scenarios { get; } = new()
    {
        { "traces/mt.vmt.gz", "machine.cores=6 until=1ms shootdown.protocol=linux" },
        { "traces/mt.vmt.gz", "machine.cores=4 until=600us replay.order=full" },
        { "traces/ls.vmt.gz", "" },
        { "scenarios/bgsave.conf", "until=600us" },
        { "scenarios/context-switch1.conf", "until=400us" },
        { "scenarios/many-processes.conf", "until=300us shootdown.protocol=linux threads.placement=single kernel.time-slice-cycles=20000" },
        { "scenarios/page-fault2.conf", "until=200us" },
        { "scenarios/page-fault3.conf", "until=200us memory.shared=on" },
        { "scenarios/page-fault1.conf", "until=400us memory.transparent-huge-pages=always" },
        { "scenarios/web-server.conf", "until=400us memory.shared=on" },
        { "scenarios/garbage-collector.conf", "until=300us" },
        {
            "scenarios/buffer-pool.conf",
            "until=300us memory.warm-page-cache=off processes.0.memory=file processes.0.eviction=process-madvise processes.0.batch=32"
        },
        { "scenarios/munmap-latr.conf", "until=1500us shootdown.protocol=latr" },
        { "scenarios/fault-locks.conf", "until=300us" },
        { "scenarios/throughput-64.conf", "until=150us" },
    };

    /// <summary>Loads a scenario with settings, blanks between.</summary>
    protected static ScenarioSpec Load(string file, string settings) =>
        ScenarioLoader.Load(ConfigFiles.Find(file), settings.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>The digest of a plain run, which is no violation.</summary>
    protected static string RunSequentially(ScenarioSpec scenario, bool check)
    {
        using World world = new(scenario, check);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.NotEqual(RunOutcomes.Violation, report.Outcome);
        return Digest(report);
    }
}
