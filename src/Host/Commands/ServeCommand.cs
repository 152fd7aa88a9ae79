using System.CommandLine;
using System.Net;
using VmSim.Actors.Cluster;
using VmSim.Actors.Security;
using VmSim.Actors.Simulation;
using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim serve</c>: takes jobs, and has them made one after another.</summary>
internal static class ServeCommand
{
    private const int JobsMax = 1024;

    /// <summary>More than any machine answers, and has descriptors for.</summary>
    private const int RequestsMax = 1_000_000;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string> store = StoreOption();
        Option<string?> database = new("--database")
        {
            Description = "A PostgreSQL database for the jobs, in place of SQLite in the store; no password (docs/service.md).",
            HelpName = "CONNECTION",
        };
        Option<string> listen = new("--listen")
        {
            Description = "Where it listens; beyond the loopback --certificate is needed.",
            HelpName = "HOST:PORT",
            DefaultValueFactory = _ => $"127.0.0.1:{ServiceOptions.UsualPort}",
        };
        Option<string?> certificate = new("--certificate")
        {
            Description = "Certificate and key of this service, as `vmsim certs node` writes them: TLS.",
            HelpName = "FILE",
        };
        Option<int> jobs = NumberOption.Create(
            "--jobs", "Jobs at a time; 0, the default, is as many as there are processors for.", 0, JobsMax, fallback: 0);
        Option<bool> nodesOnly = new("--nodes-only") { Description = "Leave all jobs to nodes (vmsim node --join)." };
        Option<bool> standby = new("--standby")
        {
            Description = "Wait as long as another vmsim serve has the store, and go on in its place when it ends.",
        };
        Option<int> threads = NumberOption.Create(
            "--threads", "Host threads that simulate in each job. Never changes results.", 1, Lanes.Max, fallback: 1);
        Option<TimeSpan> checkpoint = TimeOption.Create(
            "--checkpoint", "How often a job is written down: 60s by default, 5min, 1h.", TimeSpan.FromSeconds(60));
        Option<int> connections = NumberOption.Create(
            "--connections", "Connections at a time; each node has one or two.", 1, RequestsMax, ServiceOptions.UsualConnections);
        Option<int> requests = NumberOption.Create(
            "--requests", "Requests of one address in a second.", 1, RequestsMax, ServiceOptions.UsualRequests);
        Option<string> log = new("--log") { Description = "The log on standard error: text or json.", DefaultValueFactory = _ => "text" };
        log.AcceptOnlyFromAmong("text", "json");
        Command command = new("serve", "Runs a service that takes jobs (vmsim submit), has them made and keeps what they found.")
        {
            store, database, listen, certificate, jobs, nodesOnly, threads, checkpoint, standby, connections, requests, log,
        };
        BoundsOptions caps = new("any job");
        caps.AddTo(command);
        KeepOptions keeps = new();
        keeps.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using NodeCertificate? own = parsed.GetValue(certificate) is { } file ? Load(file) : null;
            int lanes = parsed.GetValue(threads);
            ServiceOptions options = new()
            {
                Store = new StoreFolder(parsed.GetValue(store)!),
                Database = parsed.GetValue(database) is { } connection ? PostgresSettings.Parse(connection) : null,
                Listen = EndPointOf(parsed.GetValue(listen)!, own is not null),
                Certificate = own,
                Jobs = new SchedulerOptions(
                    parsed.GetValue(nodesOnly) ? 0
                    : parsed.GetValue(jobs) is > 0 and int given ? given : Math.Max(1, Environment.ProcessorCount / lanes),
                    lanes,
                    parsed.GetValue(checkpoint).TotalSeconds)
                { Caps = caps.Read(parsed) },
                Connections = parsed.GetValue(connections),
                Requests = parsed.GetValue(requests),
                Keeps = keeps.Read(parsed),
                LogsJson = parsed.GetValue(log) == "json",
            };
            await ServeAsync(options, parsed.GetValue(standby), error, cancellation);
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary><c>--store</c>.</summary>
    public static Option<string> StoreOption() => new("--store")
    {
        Description = "Folder of jobs, results and tokens.",
        HelpName = "DIR",
        DefaultValueFactory = _ => StoreFolder.Usual,
    };

    private static async Task ServeAsync(ServiceOptions options, bool standsBy, TextWriter error, CancellationToken cancellation)
    {
        options.Store.Create();
        await using ServiceHost host = standsBy
            ? await ServiceHost.StandByAsync(
                options, why => error.WriteLine($"vmsim: stands by; {why}; build {BuildIdentity.Here}"), cancellation)
            : await ServiceHost.StartAsync(options);
        Action<string> say = options.LogsJson ? host.Say : what => error.WriteLine($"vmsim: {what}");

        // Behind the lock of the store, so that two services that begin at once make one token.
        OwnToken.Require(options.Store);
        say($"serves {host.Address} from {options.Store.Root}; the token is in {options.Store.OwnToken}; build {BuildIdentity.Here}");
        using IDisposable work = Interruption.Work();
        await host.RunAsync(cancellation);
        say("stopped; jobs that are not over go on with the next vmsim serve");
    }

    private static NodeCertificate Load(string file)
    {
        NodeCertificate certificate = NodeCertificate.Load(file);
        certificate.RequireUsable(TimeProvider.System, file);
        return certificate;
    }

    private static IPEndPoint EndPointOf(string text, bool isSecure)
    {
        const string Local = "localhost:";
        string numeric = text.StartsWith(Local, StringComparison.Ordinal) ? $"127.0.0.1:{text[Local.Length..]}" : text;
        bool hasPort = numeric.LastIndexOf(':') > numeric.LastIndexOf(']');
        if (!hasPort || !IPEndPoint.TryParse(numeric, out IPEndPoint? place))
        {
            throw new UsageException($"--listen: \"{text}\" found; an address and a port are allowed, such as 127.0.0.1:4980");
        }

        return IPAddress.IsLoopback(place.Address) || isSecure
            ? place
            : throw new UsageException(
                $"--listen {text}: others than this machine reach this address, which needs TLS; name a certificate: --certificate FILE");
    }
}
