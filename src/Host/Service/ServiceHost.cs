using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using VmSim.Actors.Cluster;

namespace VmSim.Host.Service;

/// <summary>A service: the store, the scheduler, and the server that answers requests, in this process.</summary>
internal sealed class ServiceHost : IAsyncDisposable
{
    /// <summary>How often one that stands by looks whether the store is free.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    private readonly FileStream _lock;
    private readonly JobStore _store;
    private readonly WebApplication _app;

    private ServiceHost(FileStream own, JobStore store, WebApplication app) => (_lock, _store, _app) = (own, store, app);

    /// <summary>Where it listens, as a browser takes it.</summary>
    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Starts a service.</summary>
    /// <exception cref="IOException">Its store is another's, cannot be read, or its port is taken.</exception>
    public static async Task<ServiceHost> StartAsync(ServiceOptions options)
    {
        options.Store.Create();
        return await StartAsync(options, options.Store.Lock("--store"));
    }

    /// <summary>Starts a service as soon as no other one has its store.</summary>
    /// <param name="options">How it is run.</param>
    /// <param name="waits">Told what it waits for, as often as that changes.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <exception cref="IOException">Its store cannot be read, or its port is taken.</exception>
    public static async Task<ServiceHost> StandByAsync(ServiceOptions options, Action<string> waits, CancellationToken stop)
    {
        options.Store.Create();
        string said = "";
        while (true)
        {
            string why = $"another vmsim serve has {options.Store.Root}";
            if (options.Store.TryLock() is { } own)
            {
                try
                {
                    return await StartAsync(options, own);
                }
                catch (StoreAwayException reason)
                {
                    why = reason.Message;
                }
            }

            if (why != said)
            {
                waits(said = why);
            }

            await Task.Delay(Look, stop);
        }
    }

    private static async Task<ServiceHost> StartAsync(ServiceOptions options, FileStream own)
    {
        JobStore? store = null;
        WebApplication? app = null;
        try
        {
            store = new JobStore(DatabaseOf(options), TimeProvider.System);
            app = Build(options, store);
            Map(app);
            await ListenAsync(app, options);
            app.Services.GetRequiredService<ServiceMetrics>().Begin();
            return new ServiceHost(own, store, app);
        }
        catch
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }

            store?.Dispose();
            await own.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins to answer.</summary>
    /// <exception cref="IOException">The place is taken, or is none of this machine.</exception>
    private static async Task ListenAsync(WebApplication app, ServiceOptions options)
    {
        try
        {
            await app.StartAsync();
        }
        catch (Exception reason) when (SocketErrorOf(reason) is { } error)
        {
            string why = error.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? "another program has this port; --listen ADDRESS:0 takes a free one"
                : error.Message;
            throw new IOException($"--listen {options.Listen}: {why}", reason);
        }
    }

    private static SocketException? SocketErrorOf(Exception? reason) =>
        reason is null ? null : reason as SocketException ?? SocketErrorOf(reason.InnerException);

    private static StoreDatabase DatabaseOf(ServiceOptions options) => options.Database is { } settings
        ? new PostgresDatabase(settings, ServiceNode.Silence)
        : new SqliteDatabase(options.Store.Database);

    /// <summary>Tells those who run it something: a line of the log where that is JSON, which nothing else may come between.</summary>
    public void Say(string what) => ServiceLog.Said(_app.Services.GetRequiredService<ILogger<ServiceHost>>(), what);

    /// <summary>Has jobs made until it is asked to stop; then those that run write a last checkpoint.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task removes = _app.Services.GetRequiredService<Retention>().RunAsync(over.Token);
        try
        {
            await _app.Services.GetRequiredService<JobScheduler>().RunAsync(stop);
        }
        finally
        {
            await over.CancelAsync();
            await removes;
            await _app.StopAsync(CancellationToken.None);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _store.Dispose();
        await _lock.DisposeAsync();
    }

    private static WebApplication Build(ServiceOptions options, JobStore store)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ContentRootPath = options.Store.Root, ApplicationName = "vmsim" });
        AddLog(builder.Logging, options.LogsJson);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(server => Listen(server, options));
        IServiceCollection services = builder.Services;
        services.AddSingleton<IHostLifetime, SilentLifetime>();
        services.AddRouting();
        services.AddSingleton(options.Store);
        services.AddSingleton(options.Jobs);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(store);
        services.AddSingleton(new TokenFile(options.Store.Tokens));
        services.AddSingleton<ServiceMetrics>();
        services.AddSingleton<JobScheduler>();
        services.AddSingleton(options.Keeps);
        services.AddSingleton<Retention>();
        services.AddSingleton<ServiceAuth>();
        services.AddSingleton<ServiceApi>();
        services.AddSingleton<NodeApi>();
        services.AddSingleton(options);
        services.AddSingleton<ScenarioChecks>();
        services.AddSingleton<ServicePages>();
        services.AddSingleton<ComparePage>();
        services.AddSingleton<SubmitPage>();
        services.ConfigureHttpJsonOptions(json => ServiceJson.Apply(json.SerializerOptions));
        services.Configure<RouteHandlerOptions>(handlers => handlers.ThrowOnBadRequest = true);
        services.AddOpenApi();
        services.AddHealthChecks().AddCheck<ServiceHealth>("work");
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                "vmsim", serviceVersion: BuildIdentity.Here, autoGenerateServiceInstanceId: false))
            .WithMetrics(metrics => metrics.AddMeter(ServiceMetrics.MeterName).AddPrometheusExporter());
        services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
                RateLimitPartition.GetFixedWindowLimiter(
                    $"{context.Connection.RemoteIpAddress}",
                    _ => new FixedWindowRateLimiterOptions { PermitLimit = options.Requests, Window = TimeSpan.FromSeconds(1) }));
        });
        return builder.Build();
    }

    private static void Map(WebApplication app)
    {
        app.UseRouting();
        app.Use(AnswerProblemsAsync);
        app.UseRateLimiter();
        app.Use(app.Services.GetRequiredService<ServiceAuth>().InvokeAsync);
        app.Services.GetRequiredService<ServiceApi>().Map(app);
        app.Services.GetRequiredService<NodeApi>().Map(app);
        app.Services.GetRequiredService<ServicePages>().Map(app);
        app.Services.GetRequiredService<ComparePage>().Map(app);
        app.Services.GetRequiredService<SubmitPage>().Map(app);
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready");
        app.MapOpenApi().WithMetadata(new RoleNeeded(Role.Reader));
        app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(new RoleNeeded(Role.Reader));
    }

    private static void Listen(KestrelServerOptions server, ServiceOptions options)
    {
        server.AddServerHeader = false;
        server.Limits.MaxRequestBodySize = JobLimits.RequestBytesMax;
        server.Limits.MaxConcurrentConnections = options.Connections;
        server.Listen(options.Listen, listen =>
        {
            if (options.Certificate is { } certificate)
            {
                listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = certificate.Certificate });
            }
        });
    }

    private static void AddLog(ILoggingBuilder logging, bool json)
    {
        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddFilter("VmSim", LogLevel.Information);

        // What keeps the host from starting is told by the one who starts it.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        if (json)
        {
            logging.AddJsonConsole(format => (format.UseUtcTimestamp, format.TimestampFormat) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ"));
        }
        else
        {
            logging.AddSimpleConsole(format =>
                (format.SingleLine, format.UseUtcTimestamp, format.TimestampFormat) = (true, true, "yyyy-MM-dd HH:mm:ss "));
        }
    }

    /// <summary>Gives answers safe headers, and turns what goes wrong into a sentence.</summary>
    private static async Task AnswerProblemsAsync(HttpContext context, RequestDelegate next)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";

        // With no-referrer a browser would not say from where a form is posted either, which ServiceAuth asks.
        headers["Referrer-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
        try
        {
            await next(context);
        }
        catch (InvalidOperationException reason) when (!context.Response.HasStarted && HasOddCharset(context.Request))
        {
            await ServiceAuth.Problem(StatusCodes.Status415UnsupportedMediaType, $"UTF-8 is allowed: {reason.Message}")
                .ExecuteAsync(context);
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException reason) when (!context.Response.HasStarted)
        {
            string why = reason.InnerException is System.Text.Json.JsonException json ? json.Message : reason.Message;
            await ServiceAuth.Problem(reason.StatusCode, why).ExecuteAsync(context);
        }
        catch (Exception reason) when (!context.Response.HasStarted && reason is IOException)
        {
            // A full disk, or a store that is gone: the request has changed nothing, and may be sent again.
            await ServiceAuth.Problem(StatusCodes.Status507InsufficientStorage, $"the store cannot be written: {reason.Message}")
                .ExecuteAsync(context);
        }
    }

    /// <summary>Whether a request is written in what nobody knows.</summary>
    private static bool HasOddCharset(HttpRequest request) =>
        request.ContentType?.Contains("charset", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Leaves signals to the command line.</summary>
    private sealed class SilentLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
