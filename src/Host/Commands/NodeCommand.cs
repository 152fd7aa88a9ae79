using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Actors.Simulation;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim node</c>: simulate for runs that are started elsewhere, or make jobs for a service.</summary>
internal static class NodeCommand
{
    private static readonly TimeSpan LifeSign = TimeSpan.FromSeconds(1);

    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string?> join = new("--join")
        {
            Description = "Where runs are started: the address on which vmsim run --nodes waits, or the URL of a vmsim serve; "
                + "of several hosts, n[01-04]:4053 or slurm for those of a job, the first that answers.",
            HelpName = "HOST:PORT|slurm|URL",
        };
        Option<string[]> set = new("--set")
        {
            Description = "Change a cluster setting: --set cluster.host=192.168.1.7. May be repeated.",
            HelpName = "key=value",
        };
        Option<int> threads = NumberOption.Create(
            "--threads",
            "Host threads that simulate; 0, the default, is one per processor, and with a URL one in each job. Never changes results.",
            0,
            Lanes.Max,
            fallback: 0,
            "0 for the default");
        Option<bool> once = new("--once") { Description = "End after one run; the default is to wait for the next." };
        Option<bool> attached = new("--attached")
        {
            Description = "Take certificate and folders from standard input; end when it ends.",
            Hidden = true,
        };
        JobNodeArguments jobNode = new();
        Command command = new("node", "Simulates a part of runs that are started elsewhere, or makes jobs for a service (vmsim serve).")
        {
            join, set, threads, once, attached,
        };
        jobNode.AddTo(command);
        command.Subcommands.Add(JobCommands.CreateDrain(error));
        command.SetAction(async (parsed, cancellation) =>
        {
            string address = parsed.GetValue(join)
                ?? throw new UsageException("--join is needed: HOST:PORT, where vmsim run --nodes waits, or the URL of a vmsim serve");
            int lanes = parsed.GetValue(threads);
            List<string> sets = [.. parsed.GetValue(set) ?? []];
            if (sets.Find(item => !item.StartsWith(ClusterSettings.Prefix, StringComparison.Ordinal)) is { } other)
            {
                throw new UsageException(
                    $"--set {other}: only {ClusterSettings.Prefix} settings are a node's own; the scenario's come with the run");
            }

            if (address.Contains("://", StringComparison.Ordinal))
            {
                await jobNode.RunAsync(parsed, address, Math.Max(1, lanes), sets, error, cancellation);
                return ExitCodes.Ok;
            }

            ClusterSettings settings = ClusterHost.Settings(OwnHost(address, sets));
            JoinPlace place = JoinPlace.Parse(address, settings.Port, SlurmJob.Own);
            await NodeAddress.RequireReachableAsync(settings.Host, place.Hosts[0]);
            NodeGrant? grant = parsed.GetValue(attached) ? Attach() : null;
            NodeService service = new(
                settings, place, lanes == 0 ? Math.Clamp(Environment.ProcessorCount, 1, Lanes.Max) : lanes, grant, error);
            if (parsed.GetValue(once))
            {
                return await service.ServeAsync(cancellation) ? ExitCodes.Ok : ExitCodes.Broken;
            }

            await service.ServeAllAsync(cancellation);
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Takes what the parent hands over, and ends the node when the parent has gone.</summary>
    private static NodeGrant Attach()
    {
        Interruption.IsParents = true;
        new Thread(SayThatItLives) { IsBackground = true }.Start();
        Stream input = Console.OpenStandardInput();
        NodeGrant grant = NodeGrant.Read(input);
        _ = Task.Run(() => EndWithInput(input), CancellationToken.None);
        return grant;
    }

    /// <summary>A line a second on standard output, which the parent reads: from a thread of its own, whatever else is at work.</summary>
    private static void SayThatItLives()
    {
        using StandardOutput parent = new();
        using ManualResetEventSlim never = new();
        try
        {
            do
            {
                parent.Write(".\n"u8);
            }
            while (!never.Wait(LifeSign));
        }
        catch (IOException)
        {
            // The parent is gone, and standard input says so too.
        }
    }

    private static void EndWithInput(Stream input)
    {
        byte[] nothing = new byte[64];
        while (input.Read(nothing) > 0)
        {
        }

        // Whatever this node is at: nobody waits for it any more.
        Interruption.Ask(ExitCodes.Broken);
    }

    /// <summary>In a job of SLURM, where no setting says otherwise, a node listens under the name that the job has for its host.</summary>
    private static IReadOnlyList<string> OwnHost(string join, List<string> sets) =>
        join.Split(':')[0] == SlurmJob.Word && !sets.Exists(set => set.StartsWith("cluster.host", StringComparison.Ordinal))
            ? [.. sets, $"cluster.host={SlurmJob.Word}"]
            : sets;
}
