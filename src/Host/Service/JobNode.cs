using System.Collections.Concurrent;
using System.Security.Cryptography;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Core.Settings;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// A node that makes jobs for a service on another machine. It asks once a second, so that no machine need reach it. What it is given it
/// makes in processes of its own; their checkpoints and results go to the service's store. While the service is away it goes on.
/// </summary>
/// <param name="client">Asks the service.</param>
/// <param name="name">What the service calls this node.</param>
/// <param name="jobs">Jobs at a time.</param>
/// <param name="threads">Host threads that simulate in each.</param>
/// <param name="work">Where traces, checkpoints and results are before the service has them.</param>
/// <param name="sets">Settings of this node in the clusters of jobs that it has together with others.</param>
/// <param name="error">Takes what happens.</param>
internal sealed class JobNode(
    ServiceClient client, string name, int jobs, int threads, StoreFolder work, IReadOnlyList<string> sets, TextWriter error)
{
    /// <summary>How often it asks, and how long it waits before it tries something again.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    /// <summary>How long it takes no jobs after one that it could not begin.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private readonly ClusterSettings _settings = ClusterHost.Settings(sets);
    private readonly string _instance = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NodeRules.LeaseLength / 2));
    private readonly ConcurrentDictionary<string, NodeWork> _works = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _wake = new(0);
    private long _number;
    private long _begun;
    private long _peak;
    private long _restsUntil;
    private bool _isDraining;
    private string _said = "";

    /// <summary>Makes jobs until it is asked to stop, or drained.</summary>
    /// <param name="stop">Asks it: jobs that are not over are written down and given back.</param>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !(_isDraining && _works.IsEmpty))
        {
            await AskAsync(stop);
            Task woken = _wake.WaitAsync(Beat, stop);
            await woken.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (NodeWork left in _works.Values)
        {
            left.Stop();
        }

        await Task.WhenAll(_works.Values.Select(left => left.Made));
        await LeaveAsync();
        await error.WriteLineAsync($"vmsim: node {name} has {(stop.IsCancellationRequested ? "stopped" : "drained")}");
    }

    private async Task AskAsync(CancellationToken stop)
    {
        List<(NodeWork Work, NodeClaim Claim)> claims = [.. _works.Values.Select(one => (one, one.Claim()))];
        bool rests = Environment.TickCount64 < Volatile.Read(ref _restsUntil);
        bool hasRoom = claims.Count == 0 || HostMemory.Available() >= Interlocked.Read(ref _peak);
        NodeBeat beat = new(
            _instance,
            ++_number,
            BuildIdentity.Here,
            jobs,
            _isDraining || rests || !hasRoom ? 0 : Math.Max(0, jobs - claims.Count),
            _isDraining ? NodeState.Draining : NodeState.Ready,
            [.. claims.Select(one => one.Claim)],
            HostMemory.Total,
            threads,
            _settings.Certificate.Length > 0 ? _settings.Host : "");
        try
        {
            NodeAnswer answer = await client.BeatAsync(name, beat, stop);
            foreach ((NodeWork one, NodeClaim claim) in claims)
            {
                one.Heard(claim);
            }

            foreach (string lease in answer.Void)
            {
                if (_works.TryGetValue(lease, out NodeWork? unwanted))
                {
                    unwanted.GiveUp();
                }
            }

            foreach (string lease in answer.Looked ?? [])
            {
                _works.GetValueOrDefault(lease)?.Look();
            }

            foreach (NodeOrder order in answer.Orders)
            {
                Begin(order);
            }

            _isDraining |= answer.Drains;
            await SayAsync("");
        }
        catch (Exception reason) when (reason is IOException or ScenarioException)
        {
            await SayAsync(reason.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // It is about to leave.
        }
    }

    private void Begin(NodeOrder order)
    {
        NodeWork made = new(client, name, order, ++_begun, threads, work, sets);
        _works[order.Lease] = made;
        made.Begin(ending => End(order, ending));
        string together = order.Gang is { } gang ? $", one of {gang.Nodes} nodes" : "";
        error.WriteLine($"vmsim: job {order.Job} begun{together}{(order.HasCheckpoint ? " from its last checkpoint" : "")}");
    }

    private void End(NodeOrder order, NodeEnding? ending)
    {
        long peak = ending?.Answer?.PeakBytes ?? 0;
        long known;
        while ((known = Interlocked.Read(ref _peak)) < peak && Interlocked.CompareExchange(ref _peak, peak, known) != known)
        {
            // Another job has ended meanwhile.
        }

        if (ending is { IsLost: true })
        {
            Volatile.Write(ref _restsUntil, Environment.TickCount64 + (long)Rest.TotalMilliseconds);
        }

        _works.TryRemove(order.Lease, out _);
        string how = ending is null ? "not wanted any more"
            : ending.Answer is { } answer ? $"{answer.Outcome}{answer.Error}"
            : ending.Death;
        error.WriteLine($"vmsim: job {order.Job}: {PlainWriter.Plain(how)}");
        _wake.Release();
    }

    /// <summary>Gives back what it had, so that others need not wait for its silence.</summary>
    private async Task LeaveAsync()
    {
        try
        {
            await client.BeatAsync(
                name, new NodeBeat(_instance, ++_number, BuildIdentity.Here, jobs, 0, NodeState.Leaving, []), CancellationToken.None);
        }
        catch (Exception reason) when (reason is IOException or ScenarioException)
        {
            await SayAsync(reason.Message);
        }
    }

    /// <summary>Says once what is wrong, and once that it is well again.</summary>
    private async Task SayAsync(string problem)
    {
        if (problem != _said)
        {
            _said = problem;
            await error.WriteLineAsync(problem.Length > 0 ? $"vmsim: {problem}; goes on trying" : "vmsim: the service answers");
        }
    }
}
