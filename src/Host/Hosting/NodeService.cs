using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Security;
using VmSim.Host.Terminal;

namespace VmSim.Host.Hosting;

/// <summary>A node that simulates for runs that are started elsewhere, one after another; for each it joins the cluster anew.</summary>
/// <param name="settings">Where it listens, its certificate, the folders it may load files from.</param>
/// <param name="place">Where runs are started.</param>
/// <param name="lanes">Host threads that simulate.</param>
/// <param name="grant">What the run that started this process as its child has handed over; null where a person did.</param>
/// <param name="error">Where to say what happens.</param>
internal sealed class NodeService(ClusterSettings settings, JoinPlace place, int lanes, NodeGrant? grant, TextWriter error)
{
    /// <summary>How long a node waits before it says that nobody answers, and before it tries again after a refusal.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    /// <summary>Takes part in one run.</summary>
    /// <param name="cancellation">Ends the node.</param>
    /// <returns>Whether it has: false if it could not join, because it and all who answered are strangers to each other.</returns>
    /// <exception cref="CertificateException">The certificate cannot be used, or not any more.</exception>
    public async Task<bool> ServeAsync(CancellationToken cancellation)
    {
        HashSet<string> strangers = new(StringComparer.Ordinal);
        do
        {
            // Read anew for each run, so that a renewed certificate is taken up.
            using NodeCertificate? own = grant is null ? ClusterHost.Certificate(settings) : null;
            if (await FindAsync(strangers, cancellation) is not { } join || await ServeAsync(join, own ?? grant!.Certificate, cancellation))
            {
                return true;
            }

            strangers.Add(join[..join.LastIndexOf(':')]);
        }
        while (strangers.Count < place.Hosts.Count);
        return false;
    }

    /// <summary>Finds where a run is.</summary>
    /// <returns>Host and port; null if the node is to end.</returns>
    private async Task<string?> FindAsync(ISet<string> strangers, CancellationToken cancellation)
    {
        using CancellationTokenSource found = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            if (place.IsList)
            {
                await error.WriteLineAsync(
                    $"vmsim: looks for a run at port {place.Port} of {Quantities.Of(place.Hosts.Count, "host")}, {place.Hosts[0]} first");
                _ = SayThatNobodyAnswersAsync(place.Text, found.Token);
            }

            return await place.FindAsync(strangers, cancellation);
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("vmsim: node stopped");
            return null;
        }
        finally
        {
            await found.CancelAsync();
        }
    }

    private async Task<bool> ServeAsync(string join, NodeCertificate certificate, CancellationToken cancellation)
    {
        NodeFolders folders = grant is null ? NodeFolders.Parse(settings.Folders) : new NodeFolders(grant.Folders);
        TaskCompletionSource<string> over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ClusterHost host = await ClusterHost.StartNodeAsync(settings, join, lanes, certificate, folders, over);
        string threads = Quantities.Of(lanes, "thread");
        await error.WriteLineAsync($"vmsim: node {host.Address.Host}:{host.Address.Port} with {threads} waits for a run at {join}");
        using CancellationTokenSource joined = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Akka.Cluster.Cluster.Get(host.System).RegisterOnMemberUp(() =>
        {
            joined.Cancel();
            error.WriteLine($"vmsim: joined {join}");
        });
        _ = SayThatNobodyAnswersAsync(join, joined.Token);
        try
        {
            bool ended = await Task.WhenAny(over.Task, host.Ended).WaitAsync(cancellation) == over.Task;
            await error.WriteLineAsync($"vmsim: {(ended ? await over.Task : await host.Ended)}");
            await joined.CancelAsync();
            return ended;
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("vmsim: node stopped");
            return true;
        }
    }

    /// <summary>Takes part in runs until it is ended.</summary>
    /// <param name="cancellation">Ends the node.</param>
    public async Task ServeAllAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            if (!await ServeAsync(cancellation))
            {
                await Task.Delay(Quiet, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task SayThatNobodyAnswersAsync(string join, CancellationToken joined)
    {
        await Task.Delay(Quiet, joined).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!joined.IsCancellationRequested)
        {
            await error.WriteLineAsync(
                $"vmsim: nobody answers at {join} yet; the node goes on trying (a run is started there with vmsim run --nodes)");
        }
    }
}
