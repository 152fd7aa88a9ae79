using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Security;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Hosting;

namespace VmSim.Host.Service;

/// <summary>
/// The run of a job that several nodes have together, on the node that leads: others join it, as they join <c>vmsim run --nodes</c>, and a
/// child process simulates this node's own part.
/// </summary>
internal sealed class GangRun : IAsyncDisposable
{
    private readonly JobGang _gang;
    private readonly ClusterSettings _settings;
    private readonly NodeCertificate _certificate;
    private readonly ClusterHost _host;
    private readonly LocalNodes _own;
    private readonly Submitted _submitted = new();

    private GangRun(JobGang gang, ClusterSettings settings, NodeCertificate certificate, ClusterHost host, LocalNodes own) =>
        (_gang, _settings, _certificate, _host, _own) = (gang, settings, certificate, host, own);

    /// <summary>Where others join it.</summary>
    public JobLead Lead => new($"{_host.Address.Host}:{_host.Address.Port}", _own.FirstProcess);

    /// <summary>Waits for nodes from now on.</summary>
    /// <param name="gang">How this node takes part.</param>
    /// <param name="threads">Host threads of its own part.</param>
    public static async Task<GangRun> StartAsync(JobGang gang, int threads)
    {
        ClusterSettings settings = ClusterHost.Settings(gang.Sets);
        NodeCertificate certificate = NodeCertificate.Parse(gang.Certificate, "the node's certificate");
        ClusterHost host = await ClusterHost.StartCoordinatorAsync(settings, port: 0, certificate);
        LocalNodes own = LocalNodes.StartOwn(threads, host.Address, host.Coordinator, certificate, gang.Folders);
        return new GangRun(gang, settings, certificate, host, own);
    }

    /// <summary>Carries the run out; once the nodes have been asked for it, it cannot be carried out again.</summary>
    /// <exception cref="NodeLostException">A node was lost, or could not take part.</exception>
    /// <exception cref="ScenarioException">The run cannot be carried out, or not from its checkpoint.</exception>
    public async Task<RunReport> RunAsync(
        ScenarioSpec spec, RunOptions options, IProgress<RunProgress> progress, CancellationToken stop)
    {
        // Each node has as many threads as its owner gives a job.
        RunOptions own = options with { Threads = 0 };
        try
        {
            return await new ClusterRunner(_host.Coordinator, _settings, _gang.Nodes, _submitted, null, _host.Ended)
                .RunAsync(spec, own, progress, stop);
        }
        catch (ScenarioException reason) when (_submitted.IsSet)
        {
            // It has been read here, so that what is wrong is one of the nodes'.
            throw new GangBrokenException(reason.Message, reason);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _own.DisposeAsync();
        await _host.DisposeAsync();
        _certificate.Dispose();
    }

    /// <summary>Whether the coordinator has counted nodes for the run.</summary>
    private sealed class Submitted : IProgress<int>
    {
        public volatile bool IsSet;

        public void Report(int value) => IsSet = true;
    }
}
