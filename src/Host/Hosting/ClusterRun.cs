using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Security;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Hosting;

/// <summary>A run that is spread over nodes: those that join this process, or child processes of it.</summary>
/// <param name="Settings">How it is spread.</param>
/// <param name="Nodes">Nodes that will join; 0 for none.</param>
/// <param name="LocalNodes">Nodes to start as child processes; 0 for none.</param>
internal sealed record ClusterRun(ClusterSettings Settings, int Nodes, int LocalNodes)
{
    /// <summary>Whether nodes are wanted at all.</summary>
    public bool IsWanted => Nodes + LocalNodes > 0;

    /// <summary>Processes on this machine that build the world, at least 1.</summary>
    public int ProcessesHere => Math.Max(1, LocalNodes);

    /// <summary>Carries the run out.</summary>
    public async Task<RunReport> RunAsync(ScenarioSpec spec, RunOptions options, TextWriter error, CancellationToken cancellation)
    {
        ClusterRunner.RequireRunnable(spec, options);
        foreach (string path in RunPlan.FilesOf(spec))
        {
            // Each node reads it anew.
            TraceInput.RequireFile(path);
        }

        int count = Nodes + LocalNodes;
        using CertificateAuthority? authority = LocalNodes > 0 ? CertificateAuthority.Create(TimeProvider.System) : null;
        using NodeCertificate certificate = authority?.Issue("run") ?? ClusterHost.Certificate(Settings);
        await using ClusterHost host = await ClusterHost.StartCoordinatorAsync(Settings, LocalNodes > 0 ? 0 : Settings.Port, certificate);
        if (Nodes > 0)
        {
            await error.WriteLineAsync($"vmsim: waits for {count} nodes: vmsim node --join {host.Address.Host}:{host.Address.Port}");
        }

        int threads = options.Threads > 0 ? options.Threads : Math.Max(1, Environment.ProcessorCount / count);
        await using LocalNodes? local = authority is null
            ? null
            : Hosting.LocalNodes.Start(LocalNodes, threads, host.Address, host.Coordinator, authority, FoldersOf(spec, options));
        using ProgressLine progress = new(error, spec.Machine.Ghz, spec.Until);
        return await new ClusterRunner(
            host.Coordinator, Settings, count, progress, progress, host.Ended).RunAsync(spec, options, progress, cancellation);
    }

    /// <summary>Folders of the files that a scenario was read from: a child process may load what this one has loaded.</summary>
    private static string[] FoldersOf(ScenarioSpec spec, RunOptions options) =>
    [
        .. RunPlan.FilesOf(spec).Concat(options.Checkpoints?.From is FileStream from ? [from.Name] : [])
            .Select(path => Path.GetDirectoryName(Path.GetFullPath(path))!).Distinct(StringComparer.Ordinal),
    ];
}
