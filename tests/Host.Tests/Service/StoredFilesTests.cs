using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Host.Hosting;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

/// <summary>A job's traces lie in the store under their digests, and nobody sees that in what its run finds.</summary>
public sealed class StoredFilesTests : IDisposable
{
    private const string Parent = """
        # vmt 1 app pagesize 4096
        t 0
        m 7f0000000 4000 3 22 - 0
        W 7f0000
        k fork 7
        t 1
        W 7f0001
        x 1
        t 0
        W 7f0002

        """;

    private const string Child = """
        # vmt 1 app pagesize 4096
        t 0
        W 7f0000
        W 7f0003

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-stored-").FullName;

    [Fact]
    public void Run_OfATraceAndItsChild_IsThatOfTheFilesAsTheyWere()
    {
        string trace = Path.Combine(_folder, "app.vmt");
        File.WriteAllText(trace, Parent);
        File.WriteAllText(Path.Combine(_folder, "app.child.7.vmt"), Child);
        ScenarioSpec own = ScenarioLoader.Load(trace, ["machine.cores=2"]);
        Assert.Equal(2, RunPlan.FilesOf(own).Count());

        StoreFolder store = new(Path.Combine(_folder, "store"));
        store.Create();
        List<InputName> inputs = [];
        foreach (string path in RunPlan.FilesOf(own))
        {
            string digest = RunInput.Of(path).Digest;
            File.Copy(path, store.InputOf(digest, StoredFiles.EndingOf(path)));
            inputs.Add(new InputName(path, digest));
        }

        ScenarioSpec stored = ScenarioLoader.Parse(RunDigest.Effective(own), "scenario", new StoredFiles(inputs, store), []);
        RunReport here = Run(own);
        RunReport there = Run(stored);
        Assert.Equal(here.Fingerprint, there.Fingerprint);
        Assert.Equal(here.Threads.Select(thread => thread.Name), there.Threads.Select(thread => thread.Name));
        Assert.Contains(there.Threads, thread => thread.Name.StartsWith("app.7", StringComparison.Ordinal));
        Assert.Equal(1, there.Total("forks"));
        Assert.Empty(stored.Processes[0].Warnings);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static RunReport Run(ScenarioSpec scenario)
    {
        using World world = new(scenario);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run());
    }
}
