using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Host.Hosting;
using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>What <c>vmsim node --join URL</c> takes: a node that makes jobs for a service.</summary>
internal sealed class JobNodeArguments
{
    private readonly Option<string?> _name = new("--name")
    {
        Description = "With a URL: what the service calls this node; the name of the machine by default.",
    };

    private readonly Option<int> _jobs = NumberOption.Create(
        "--jobs", "With a URL: jobs at a time; 0, the default, is as many as there are processors for.", 0, NodeRules.JobsMax, fallback: 0);

    private readonly Option<string?> _tokenFile = new("--token-file")
    {
        Description = "With a URL: file with a token of role node (vmsim tokens add NAME --role node).",
        HelpName = "FILE",
    };

    private readonly Option<string?> _authority = new("--authority")
    {
        Description = "With a URL: certificate of the authority that the service's own must be of: https.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _work = new("--work")
    {
        Description = "With a URL: folder for traces and checkpoints of jobs that this node has.",
        HelpName = "DIR",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_name, _jobs, _tokenFile, _authority, _work])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Makes jobs until it is asked to stop, or drained.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="url">Where the service is.</param>
    /// <param name="threads">Host threads that simulate in each job, at least 1.</param>
    /// <param name="sets">Settings of this node in the clusters of jobs that it has together with others.</param>
    /// <param name="error">Takes what happens.</param>
    /// <param name="cancellation">Asks it to stop.</param>
    public async Task RunAsync(
        ParseResult parsed, string url, int threads, IReadOnlyList<string> sets, TextWriter error, CancellationToken cancellation)
    {
        string name = parsed.GetValue(_name) ?? Environment.MachineName;
        if (NodeRules.NameProblem(name) is { } wrong)
        {
            throw new UsageException($"--name {name}: {wrong}");
        }

        string tokenFile = parsed.GetValue(_tokenFile)
            ?? throw new UsageException("--token-file: a token of role node is needed; vmsim tokens add NAME --role node makes one");
        ClusterSettings settings = ClusterHost.Settings(sets);
        if (settings.Certificate.Length > 0)
        {
            // One that cannot be used is found out now, and not when a job needs it.
            ClusterHost.Certificate(settings).Dispose();
        }

        using ServiceClient client = ServiceArguments.Connect("--join", url, tokenFile, parsed.GetValue(_authority));
        StoreFolder work = new(parsed.GetValue(_work) ?? Path.Combine(Path.GetDirectoryName(StoreFolder.Usual)!, "node", name));
        work.Create();
        await using FileStream own = work.Lock("--work");
        work.ClearJobs();
        int jobs = parsed.GetValue(_jobs) is > 0 and int given ? given : Math.Max(1, Environment.ProcessorCount / threads);
        await error.WriteLineAsync($"vmsim: node {name} makes {Quantities.Of(jobs, "job")} at a time for {url}");
        using IDisposable busy = Interruption.Work();
        await new JobNode(client, name, jobs, threads, work, sets, error).RunAsync(cancellation);
    }
}
