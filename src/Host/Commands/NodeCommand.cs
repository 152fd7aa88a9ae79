using System.CommandLine;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Simulation;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim node</c>: simulate for runs that are started elsewhere.</summary>
internal static class NodeCommand
{
    /// <summary>How long a node waits before it says that nobody answers.</summary>
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(10);

    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string> join = new("--join") { Description = "Where runs are started: the address on which vmsim run --nodes waits.", HelpName = "HOST:PORT", Required = true };
        Option<string[]> set = new("--set") { Description = "Change a cluster setting: --set cluster.host=192.168.1.7. May be repeated.", HelpName = "key=value" };
        Option<int> threads = RunArguments.Threads();
        Option<bool> once = new("--once") { Description = "End after one run; the default is to wait for the next." };
        Option<bool> attached = new("--attached") { Description = "End when standard input ends.", Hidden = true };
        Command command = new("node", "Joins a cluster and simulates a part of the runs that are started there.") { join, set, threads, once, attached };
        command.SetAction(async (parsed, cancellation) =>
        {
            string address = parsed.GetValue(join)!;
            int lanes = parsed.GetValue(threads);
            RequireAddress(address);
            List<string> sets = [.. parsed.GetValue(set) ?? []];
            if (sets.Find(item => !item.StartsWith(ClusterSettings.Prefix, StringComparison.Ordinal)) is { } other)
            {
                throw new UsageException($"--set {other}: only {ClusterSettings.Prefix} settings are a node's own; the scenario's come with the run");
            }

            ClusterSettings settings = ClusterHost.Settings(sets);
            using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (parsed.GetValue(attached))
            {
                _ = Task.Run(() => EndWithInput(ended), CancellationToken.None);
            }

            do
            {
                await ServeAsync(settings, address, lanes == 0 ? Math.Clamp(Environment.ProcessorCount, 1, Lanes.Max) : lanes, error, ended.Token);
            }
            while (!parsed.GetValue(once) && !ended.IsCancellationRequested);
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Takes part in one run.</summary>
    private static async Task ServeAsync(ClusterSettings settings, string join, int lanes, TextWriter error, CancellationToken cancellation)
    {
        TaskCompletionSource<string> over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ClusterHost host = await ClusterHost.StartNodeAsync(settings, join, lanes, over);
        await error.WriteLineAsync($"vmsim: node {host.Address.Host}:{host.Address.Port} with {lanes} threads waits for a run at {join}");
        using CancellationTokenSource joined = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Akka.Cluster.Cluster.Get(host.System).RegisterOnMemberUp(() =>
        {
            joined.Cancel();
            error.WriteLine($"vmsim: joined {join}");
        });
        _ = SayThatNobodyAnswersAsync(join, error, joined.Token);
        try
        {
            await error.WriteLineAsync($"vmsim: {await over.Task.WaitAsync(cancellation)}");
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("vmsim: node stopped");
        }
    }

    private static async Task SayThatNobodyAnswersAsync(string join, TextWriter error, CancellationToken joined)
    {
        await Task.Delay(s_quiet, joined).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!joined.IsCancellationRequested)
        {
            await error.WriteLineAsync($"vmsim: nobody answers at {join} yet; the node goes on trying (a run is started there with vmsim run --nodes)");
        }
    }

    private static void EndWithInput(CancellationTokenSource ended)
    {
        using Stream input = Console.OpenStandardInput();
        byte[] nothing = new byte[64];
        while (input.Read(nothing) > 0)
        {
        }

        ended.Cancel();
    }

    private static void RequireAddress(string address)
    {
        int colon = address.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(address.AsSpan(colon + 1), out ushort port) || port == 0)
        {
            throw new UsageException($"--join: \"{address}\" found; HOST:PORT is needed, such as 127.0.0.1:4053");
        }
    }
}
