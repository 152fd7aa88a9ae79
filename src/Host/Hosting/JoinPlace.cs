using System.Net.Sockets;
using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.Host.Hosting;

/// <summary>
/// Where a node looks for a run: at one address, or on the hosts of a list, of which it joins the first that answers. The one is found by
/// a connection to the port, which is closed again: of the hosts of a job one alone has a run, and Akka would go on calling all the others.
/// </summary>
/// <param name="Text">As somebody gave it.</param>
/// <param name="Hosts">The hosts, at least one.</param>
/// <param name="Port">The port on each.</param>
internal sealed record JoinPlace(string Text, IReadOnlyList<string> Hosts, int Port)
{
    /// <summary>A host that does not even refuse is down, or behind a firewall.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Between one look at all hosts and the next.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    /// <summary>After so long without an answer a stranger is asked again: its port may be another's by now.</summary>
    private static readonly TimeSpan Grudge = TimeSpan.FromSeconds(10);

    /// <summary>Whether there is more than one host.</summary>
    public bool IsList => Hosts.Count > 1;

    /// <summary>Reads <c>HOST:PORT</c>, <c>HOSTLIST:PORT</c>, <c>slurm</c> or <c>slurm:PORT</c>.</summary>
    /// <param name="text">What the command line says.</param>
    /// <param name="usualPort">The port if it names none.</param>
    /// <param name="job">The job of SLURM that this process is in, if any.</param>
    /// <exception cref="ScenarioException">It is none of these.</exception>
    public static JoinPlace Parse(string text, int usualPort, SlurmJob job)
    {
        const string Option = "--join";
        if (text == SlurmJob.Word)
        {
            return usualPort > 0
                ? new JoinPlace(text, job.Hosts(Option), usualPort)
                : throw new ScenarioException($"{Option} {text}: cluster.port is 0, and the run's port is needed: {SlurmJob.Word}:PORT");
        }

        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), out ushort port) || port == 0)
        {
            throw new Terminal.UsageException(
                $"{Option}: \"{text}\" found; HOST:PORT is needed, such as 127.0.0.1:4053, or n[01-04]:4053, or {SlurmJob.Word} in a job");
        }

        string hosts = text[..colon];
        bool isOne = hosts.AsSpan().IndexOfAny(',', '[') < 0 || Uri.CheckHostName(hosts) == UriHostNameType.IPv6;
        IReadOnlyList<string> all = hosts == SlurmJob.Word ? job.Hosts(Option) : isOne ? [hosts] : HostList.Parse(hosts, Option);
        return new JoinPlace(text, all, port);
    }

    /// <summary>Waits until a host answers; one that stands alone need not.</summary>
    /// <param name="strangers">Hosts that are left out; all are asked again if no other answers for long.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <returns>Host and port.</returns>
    public async Task<string> FindAsync(ISet<string> strangers, CancellationToken stop)
    {
        long begun = Environment.TickCount64;
        while (IsList)
        {
            foreach (string host in Hosts.Where(host => !strangers.Contains(host)).ToList())
            {
                if (await AnswersAsync(host, stop))
                {
                    return $"{host}:{Port}";
                }
            }

            await Task.Delay(Rest, stop);
            if (Environment.TickCount64 - begun > Grudge.TotalMilliseconds)
            {
                strangers.Clear();
            }
        }

        return $"{Hosts[0]}:{Port}";
    }

    private async Task<bool> AnswersAsync(string host, CancellationToken stop)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        using TcpClient caller = new();
        try
        {
            await caller.ConnectAsync(host, Port, patience.Token);
            return true;
        }
        catch (Exception reason) when (reason is SocketException || (reason is OperationCanceledException && !stop.IsCancellationRequested))
        {
            // Refused, unknown, or silent: the next one, and this one again later.
            return false;
        }
    }
}
