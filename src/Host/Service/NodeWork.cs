using VmSim.Actors.Security;
using VmSim.Core.Settings;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>A job that this node makes: what it needs is fetched, a process makes it, and what comes of it is sent.</summary>
/// <param name="client">Asks the service.</param>
/// <param name="node">This node.</param>
/// <param name="order">The job.</param>
/// <param name="number">What this node calls it in <paramref name="work"/>: a job that comes back is another one there.</param>
/// <param name="threads">Host threads that simulate.</param>
/// <param name="work">Where files are meanwhile.</param>
/// <param name="sets">Settings of this node in the clusters of jobs that it has together with others.</param>
internal sealed class NodeWork(
    ServiceClient client, string node, NodeOrder order, long number, int threads, StoreFolder work, IReadOnlyList<string> sets)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>How long the node that leads says nothing of the loss of another, so that who knows why says it first.</summary>
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly List<string> _log = [];
    private readonly CancellationTokenSource _void = new();
    private readonly CancellationTokenSource _stop = new();
    private JobProcess? _process;
    private JobProgress? _progress;
    private JobFigures? _figures;
    private Task _sent = Task.CompletedTask;
    private bool _isStopping;

    /// <summary>Ends when the service has all of it.</summary>
    public Task Made { get; private set; } = Task.CompletedTask;

    /// <summary>What is said of it next.</summary>
    public NodeClaim Claim()
    {
        lock (_gate)
        {
            return new NodeClaim(
                order.Job,
                order.Lease,
                _progress,
                [.. _log.Take(NodeRules.LinesMax)],
                _process?.Address ?? "",
                Interlocked.Exchange(ref _figures, null));
        }
    }

    /// <summary>Somebody looks at the job.</summary>
    public void Look()
    {
        lock (_gate)
        {
            _process?.Look();
        }
    }

    /// <summary>The service has heard what was said.</summary>
    public void Heard(NodeClaim claim)
    {
        lock (_gate)
        {
            _log.RemoveRange(0, claim.Log.Count);
        }
    }

    /// <summary>Begins.</summary>
    /// <param name="ended">Takes how it ended; null if nobody wants to know.</param>
    public void Begin(Action<NodeEnding?> ended) => Made = Task.Run(
        async () =>
        {
            NodeEnding? ending = null;
            try
            {
                ending = await MakeAsync();
            }
            finally
            {
                ended(ending);
            }
        },
        CancellationToken.None);

    /// <summary>Has its process write a last checkpoint and end.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopping = true;
            _stop.Cancel();
            _process?.Stop();
        }
    }

    /// <summary>The lease counts no more: nobody wants what comes of it.</summary>
    public void GiveUp()
    {
        lock (_gate)
        {
            _void.Cancel();
            _process?.Kill();
        }
    }

    private async Task<NodeEnding?> MakeAsync()
    {
        NodeEnding ending;
        try
        {
            ending = await FetchAsync() ? await RunAsync() : Lost("has stopped");
        }
        catch (OperationCanceledException)
        {
            work.Clear(number);
            return null;
        }
        catch (Exception reason) when (
            reason is IOException or UnauthorizedAccessException or ScenarioException or CertificateException)
        {
            ending = Lost($"cannot begin it: {reason.Message}");
        }

        await _sent;
        await TellAsync(ending);
        work.Clear(number);
        work.ClearResult(ending.Answer?.Digest ?? "");
        return ending;
    }

    private NodeEnding Lost(string why) => new(null, NodeRules.Sendable($"node {node} {why}"), IsLost: true);

    /// <summary>Fetches what the job needs.</summary>
    /// <returns>Whether there is a use for it still.</returns>
    private async Task<bool> FetchAsync()
    {
        Directory.CreateDirectory(work.FolderOf(number));
        foreach (InputName input in order.Inputs)
        {
            string path = work.InputOf(input.Digest, StoredFiles.EndingOf(input.Path));
            if (!File.Exists(path))
            {
                await client.FetchInputAsync(input, path, _void.Token);
            }
        }

        if (order.HasCheckpoint)
        {
            await client.FetchCheckpointAsync(node, order, work.CheckpointOf(number), _void.Token);
        }
        else
        {
            File.Delete(work.CheckpointOf(number));
        }

        return !_isStopping;
    }

    private async Task<NodeEnding> RunAsync()
    {
        JobGang? gang = order.Gang is { } part ? GangOf(part) : null;
        JobOrder own = new(number, work.Root, order.Scenario, order.Inputs, threads, order.CheckpointSeconds, order.Bounds, gang);
        lock (_gate)
        {
            _void.Token.ThrowIfCancellationRequested();
            _process = gang is { Join.Length: > 0 } ? JobProcess.StartPart(gang, threads, order.Bounds) : JobProcess.Start(own);
        }

        JobEnding ending = await _process.WaitAsync(
            progress => Volatile.Write(ref _progress, progress), figures => Volatile.Write(ref _figures, figures), Note);
        bool isPartDone = gang is { Join.Length: > 0 } && ending.Answer is null && _process.HasEndedWell;
        lock (_gate)
        {
            _process.Dispose();
            _process = null;
        }

        if (isPartDone || ending.Answer is { IsNodeLost: true })
        {
            await WaitAsync(isPartDone ? Timeout.InfiniteTimeSpan : Courtesy);
        }

        _void.Token.ThrowIfCancellationRequested();
        return ending.Answer is { IsNodeLost: true } lost ? Lost($"has the job no more: {lost.Error}")
            : isPartDone ? Lost("has stopped")
            : ending.Answer is { IsDiskFull: true } full ? Lost($"has a full disk: {full.Error}")
            : ending.Answer is { IsMemoryShort: true } little ? Lost($"has too little memory now: {little.Error}")
            : ending.Answer is null && _isStopping ? Lost("has stopped")
            : new NodeEnding(
                ending.Answer is { } answer ? answer with { Error = NodeRules.Sendable(answer.Error) } : null,
                NodeRules.Sendable(ending.Death),
                IsLost: false);
    }

    /// <summary>
    /// Waits for what the service says of the attempt: a node that has done its part has nothing to say until the job is over for all.
    /// </summary>
    private async Task WaitAsync(TimeSpan time)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(_void.Token, _stop.Token);
        await Task.Delay(time, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>How this node takes part in a job that others have too; of its cluster the job decides the placement alone.</summary>
    private JobGang GangOf(GangOrder gang)
    {
        string[] all = [.. sets, .. gang.Sets.Where(JobRules.IsPlacement)];
        using NodeCertificate certificate = ClusterHost.Certificate(ClusterHost.Settings(all));
        string[] folders = [work.FolderOf(number), work.Inputs];
        return new JobGang(gang.Nodes, gang.Join, all, certificate.ToPem(), folders);
    }

    private void Note(string text)
    {
        lock (_gate)
        {
            // While the service is away, the same may happen again and again.
            string line = NodeRules.Sendable(text);
            if (_log.Count == 0 || _log[^1] != line || text == JobWorker.HasCheckpoint)
            {
                _log.Add(line);
            }
        }

        // One that takes longer than the time to the next leaves that out: the last one is what counts.
        if (text == JobWorker.HasCheckpoint && _sent.IsCompleted)
        {
            _sent = SendCheckpointAsync();
        }
    }

    private async Task SendCheckpointAsync()
    {
        try
        {
            await client.SendCheckpointAsync(node, order, work.CheckpointOf(number), _void.Token);
        }
        catch (Exception reason) when (
            reason is IOException or ScenarioException or UnauthorizedAccessException or OperationCanceledException)
        {
            Note($"a checkpoint has not reached the service: {reason.Message}");
        }
    }

    /// <summary>Sends what has come of the job, again and again until the service has it or does not want it.</summary>
    private async Task TellAsync(NodeEnding ending)
    {
        while (!_void.IsCancellationRequested)
        {
            try
            {
                await SendAsync(ending);
                return;
            }
            catch (Exception reason) when (reason is OperationCanceledException or UnauthorizedAccessException)
            {
                return;
            }
            catch (ScenarioException reason) when (ending.Answer is { Code: ExitCodes.Ok })
            {
                // What it has made is none to the service: it is made again, as often as one whose process dies.
                ending = new NodeEnding(
                    new JobAnswer("", false, "", 0, ExitCodes.System, NodeRules.Sendable($"node {node}: {reason.Message}")), "", false);
            }
            catch (ScenarioException reason)
            {
                Note(reason.Message);
                return;
            }
            catch (IOException reason)
            {
                Note($"what has come of it has not reached the service: {reason.Message}");
                if (_isStopping)
                {
                    return;
                }

                await Task.Delay(Patience);
            }
        }
    }

    private async Task SendAsync(NodeEnding ending)
    {
        if (ending.Answer is null && File.Exists(work.CheckpointOf(number)))
        {
            await client.SendCheckpointAsync(node, order, work.CheckpointOf(number), _void.Token);
        }

        if (ending.Answer is { Code: ExitCodes.Ok } answer)
        {
            foreach (string file in NodeApi.ResultFiles)
            {
                string path = Path.Combine(work.ResultOf(answer.Digest), file);
                if (!await client.SendResultAsync(node, order, answer.Digest, path, _void.Token))
                {
                    return;
                }
            }
        }

        await client.EndAsync(node, order, ending, _void.Token);
    }
}
