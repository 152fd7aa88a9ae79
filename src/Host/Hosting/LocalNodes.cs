using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Security;
using VmSim.Host.Files;

namespace VmSim.Host.Hosting;

/// <summary>
/// Nodes as child processes of this one, for trying a cluster out. They end with this process, however it ends: their standard input does.
/// </summary>
internal sealed class LocalNodes : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly IActorRef _coordinator;
    private readonly List<Child> _children = [];
    private readonly CancellationTokenSource _over = new();
    private Task _watch = Task.CompletedTask;

    private LocalNodes(IActorRef coordinator) => _coordinator = coordinator;

    /// <summary>Starts nodes that join a coordinator in this process.</summary>
    /// <param name="count">How many.</param>
    /// <param name="threads">Host threads of each.</param>
    /// <param name="address">The coordinator's address.</param>
    /// <param name="coordinator">Who is told when a process ends.</param>
    /// <param name="authority">Who issues their certificates.</param>
    /// <param name="folders">Folders from which they may load files.</param>
    public static LocalNodes Start(
        int count, int threads, Address address, IActorRef coordinator, CertificateAuthority authority, IReadOnlyList<string> folders)
    {
        LocalNodes nodes = new(coordinator);
        for (int i = 0; i < count; i++)
        {
            using NodeCertificate certificate = authority.Issue($"local-{i + 1}");
            nodes.Start($"local node {i + 1} of {count}", StartInfo(threads, Join(address)), GrantOf(certificate, folders));
        }

        nodes._watch = nodes.WatchAsync();
        return nodes;
    }

    /// <summary>Starts the one node of this machine beside those of others.</summary>
    /// <param name="threads">Its host threads.</param>
    /// <param name="address">The coordinator's address, of which it has the host too.</param>
    /// <param name="coordinator">Who is told when the process ends.</param>
    /// <param name="certificate">Its certificate.</param>
    /// <param name="folders">Folders from which it may load files.</param>
    public static LocalNodes StartOwn(
        int threads, Address address, IActorRef coordinator, NodeCertificate certificate, IReadOnlyList<string> folders)
    {
        LocalNodes nodes = new(coordinator);
        nodes.Start("this machine's own node", StartInfo(threads, Join(address), address.Host), GrantOf(certificate, folders));
        nodes._watch = nodes.WatchAsync();
        return nodes;
    }

    /// <summary>The number of the first process.</summary>
    public int FirstProcess => _children[0].Process.Id;

    /// <summary>How a node is started as a child process.</summary>
    /// <param name="threads">Its host threads.</param>
    /// <param name="join">Host and port of the coordinator.</param>
    /// <param name="host">The address under which others reach it; null for what its configuration says.</param>
    public static ProcessStartInfo StartInfo(int threads, string join, string? host = null)
    {
        string lanes = threads.ToString(CultureInfo.InvariantCulture);
        string[] own = host is null ? [] : ["--set", $"{ClusterSettings.Prefix}host={host}"];
        return OwnProgram.Start(["node", "--join", join, "--threads", lanes, "--once", "--attached", .. own]);
    }

    /// <summary>Hands a child what it needs; a child that has ended already says why by its exit code.</summary>
    public static void Hand(byte[] grant, Process process)
    {
        try
        {
            process.StandardInput.BaseStream.Write(grant);
            process.StandardInput.BaseStream.Flush();
        }
        catch (Exception reason) when (reason is IOException or InvalidOperationException)
        {
            // The child or the run is over before it has begun.
        }
    }

    private static string Join(Address address) => $"{address.Host}:{address.Port}";

    private static byte[] GrantOf(NodeCertificate certificate, IReadOnlyList<string> folders)
    {
        using MemoryStream grant = new();
        new NodeGrant(certificate, folders).Write(grant);
        return grant.ToArray();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _watch;
        _children.ForEach(child => OwnProgram.Close(child.Process));

        // One patience for all: that of each child in turn would add up.
        using CancellationTokenSource patience = new(Patience);
        foreach (Child child in _children)
        {
            try
            {
                await child.Process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                OwnProgram.Kill(child.Process);
            }

            child.Process.Dispose();
        }

        _over.Dispose();
    }

    private void Start(string name, ProcessStartInfo start, byte[] grant)
    {
        Process process = new() { StartInfo = start, EnableRaisingEvents = true };
        Child child = new(process, name);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                child.HasSpoken = true;
                _coordinator.Tell(new JobProtocol.ProcessHeard(child.Name));
            }
        };
        process.ErrorDataReceived += (_, line) => child.Said = line.Data ?? child.Said;
        process.Exited += (_, _) => _coordinator.Tell(new JobProtocol.ProcessEnded(
            $"{name} (process {process.Id}, exit code {process.ExitCode}; it last said \"{child.Said}\")"));
        process.Start();
        child.Name = $"{name} (process {process.Id})";
        _coordinator.Tell(new JobProtocol.ProcessStarted(child.Name));
        Action kill = () => OwnProgram.Kill(process);
        Leftovers.Add(kill);
        process.Exited += (_, _) => Leftovers.Forget(kill);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        _children.Add(child);

        // Apart: a child that is frozen before it reads would keep this process waiting, once the pipe is full.
        _ = Task.Run(() => Hand(grant, process), CancellationToken.None);
    }

    /// <summary>
    /// Tells the coordinator once a second which children have been at work on a processor, as long as they cannot say so themselves: the
    /// runtime of many children on few processors takes its time to start, and one that is frozen takes no time at all.
    /// </summary>
    private async Task WatchAsync()
    {
        using PeriodicTimer timer = new(Second);
        try
        {
            while (await timer.WaitForNextTickAsync(_over.Token))
            {
                foreach (Child child in _children.Where(child => child.HasMoved()))
                {
                    _coordinator.Tell(new JobProtocol.ProcessMoved(child.Name));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    /// <summary>A process that was started.</summary>
    private sealed class Child(Process process, string name)
    {
        private TimeSpan _worked;

        public Process Process { get; } = process;

        /// <summary>What to call it.</summary>
        public string Name { get; set; } = name;

        /// <summary>Its last words.</summary>
        public string Said { get; set; } = "";

        /// <summary>Whether it has said that it lives.</summary>
        public bool HasSpoken { get; set; }

        /// <summary>Whether it has been at work since it was last asked; not if it can say so itself.</summary>
        public bool HasMoved()
        {
            try
            {
                TimeSpan before = _worked;
                _worked = HasSpoken ? before : Process.TotalProcessorTime;
                return _worked > before;
            }
            catch (Exception reason) when (reason is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It has ended, which is told apart.
                return false;
            }
        }
    }
}
