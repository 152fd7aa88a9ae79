using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using VmSim.Actors.Cluster;
using VmSim.Actors.Security;
using VmSim.Host.Files;

namespace VmSim.Host.Hosting;

/// <summary>
/// Nodes as child processes of this one, for trying a cluster out. They end with this process, however it ends: their standard input does.
/// </summary>
internal sealed class LocalNodes : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly List<Process> _processes = [];

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
        LocalNodes nodes = new();
        for (int i = 0; i < count; i++)
        {
            using NodeCertificate certificate = authority.Issue($"local-{i + 1}");
            nodes.Start($"local node {i + 1} of {count}", threads, address, coordinator, new NodeGrant(certificate, folders));
        }

        return nodes;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (Process process in _processes)
        {
            Close(process);
        }

        foreach (Process process in _processes)
        {
            using CancellationTokenSource patience = new(Patience);
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                Kill(process);
            }

            process.Dispose();
        }
    }

    private void Start(string name, int threads, Address address, IActorRef coordinator, NodeGrant grant)
    {
        ProcessStartInfo start = new(Program())
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (Path.GetFileNameWithoutExtension(start.FileName) != "vmsim")
        {
            start.ArgumentList.Add(typeof(LocalNodes).Assembly.Location);
        }

        string lanes = threads.ToString(CultureInfo.InvariantCulture);
        string[] arguments = ["node", "--join", $"{address.Host}:{address.Port}", "--threads", lanes, "--once", "--attached"];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        Process process = new() { StartInfo = start, EnableRaisingEvents = true };
        string said = "";
        string called = name;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                coordinator.Tell(new JobProtocol.ProcessHeard(called));
            }
        };
        process.ErrorDataReceived += (_, line) => said = line.Data ?? said;
        process.Exited += (_, _) =>
            coordinator.Tell(
                new JobProtocol.ProcessEnded($"{name} (process {process.Id}, exit code {process.ExitCode}; it last said \"{said}\")"));
        process.Start();
        called = $"{name} (process {process.Id})";
        coordinator.Tell(new JobProtocol.ProcessStarted(called));
        Action kill = () => Kill(process);
        Leftovers.Add(kill);
        process.Exited += (_, _) => Leftovers.Forget(kill);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        _processes.Add(process);
        Hand(grant, process);
    }

    /// <summary>Lets a child end; one that has ended does not read what may still stand in the pipe.</summary>
    private static void Close(Process process)
    {
        try
        {
            process.StandardInput.Close();
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Ends a child, also one that is frozen; one that has ended already is not there any more.</summary>
    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
        }
    }

    /// <summary>Hands a child what it needs; a child that has ended already says why by its exit code.</summary>
    private static void Hand(NodeGrant grant, Process process)
    {
        try
        {
            grant.Write(process.StandardInput.BaseStream);
            process.StandardInput.BaseStream.Flush();
        }
        catch (IOException)
        {
        }
    }

    /// <summary>This program: its own executable, or the dotnet that runs it.</summary>
    private static string Program() =>
        Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) is "vmsim" or "dotnet"
            ? Environment.ProcessPath
            : "dotnet";
}
