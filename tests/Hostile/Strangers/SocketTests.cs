using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Text;
using Akka.Cluster;
using VmSim.Actors.Cluster;
using VmSim.Actors.Security;
using VmSim.Host.Hosting;
using VmSim.Host.Service;
using VmSim.Hostile.Tests.Mutations;
using VmSim.Testing;
using Xunit.Abstractions;
using ClusterSettings = VmSim.Actors.Configuration.ClusterSettings;

namespace VmSim.Hostile.Tests.Strangers;

/// <summary>
/// A stranger at the sockets of two services, one with TLS, and of a cluster's coordinator and node: damaged requests, damaged handshakes,
/// no token, a wrong one, and a reader's. Nothing runs, nothing is told, nothing changes, nothing stays in memory. The long form has
/// 100,000.
/// </summary>
[SupportedOSPlatform("linux")]
[Collection(Alone.Name)]
public sealed class SocketTests(ITestOutputHelper log) : Scratch
{
    private const string Secret = "nobodys-business";

    /// <summary>Far more than what grows once, and far less than what each connection has.</summary>
    private const long GrowthMax = 8 << 20;

    private readonly SortedDictionary<int, int> _statuses = [];
    private readonly List<string> _tokens = [];

    [Fact]
    public Task Stranger_AtEverySocket_GetsNothing() => AttackAsync(1_000);

    [Fact]
    [Trait("Category", "Long")]
    public Task Stranger_ForLongAtEverySocket_GetsNothing() => AttackAsync(Number("VMSIM_HOSTILE_RUNS", 100_000));

    private async Task AttackAsync(int count)
    {
        using CertificateAuthority authority = CertificateAuthority.Create(TimeProvider.System);
        using NodeCertificate shown = authority.Issue("service");
        using NodeCertificate run = authority.Issue("run");
        using NodeCertificate worker = authority.Issue("worker");
        await using ServiceHost plain = await ServeAsync("plain", null);
        await using ServiceHost secure = await ServeAsync("secure", shown);
        ClusterSettings settings = ClusterHost.Settings([]);
        TaskCompletionSource<string> over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ClusterHost coordinator = await ClusterHost.StartCoordinatorAsync(settings, port: 0, run);
        await using ClusterHost node = await ClusterHost.StartNodeAsync(
            settings, $"127.0.0.1:{coordinator.Address.Port}", lanes: 1, worker, new NodeFolders([Folder]), over);
        HangGuard.Until(() => Up(coordinator) == 2 && Up(node) == 2);
        int[] ports =
        [
            new Uri(plain.Address).Port, new Uri(secure.Address).Port, coordinator.Address.Port!.Value, node.Address.Port!.Value,
        ];
        IReadOnlyList<byte[]>[] requests =
            [.. ((string[])["", "Authorization: Bearer 00\r\n", $"Cookie: vmsim-token={_tokens[0]}\r\n"]).Select(Requests.All)];
        byte[] hello = await HelloAsync();
        int first = Number("VMSIM_HOSTILE_SEED", 1);
        long begun = Stopwatch.GetTimestamp();
        await SomeAsync(first, count / 10);
        (long heap, int sockets) = (GC.GetTotalMemory(forceFullCollection: true), OpenSockets());
        await SomeAsync(first + (count / 10), count - (count / 10));
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        HangGuard.Until(() => OpenSockets() <= sockets);
        long growth = GC.GetTotalMemory(forceFullCollection: true) - heap;
        Assert.True(growth <= GrowthMax, $"the heap has grown by {growth} bytes");
        Assert.Equal((2, 2), (Up(coordinator), Up(node)));
        Assert.False(over.Task.IsCompleted || coordinator.Ended.IsCompleted, "a node has ended");
        await AssertUnchangedAsync(plain, _tokens[1], null);
        await AssertUnchangedAsync(secure, _tokens[3], shown);
        log.WriteLine(
            $"{count} connections from seed {first} in {seconds:0} s; answers: "
            + $"{string.Join(", ", _statuses.Select(status => $"{status.Value} with {status.Key}"))}; the heap grew by {growth} bytes");

        Task SomeAsync(int from, int some) => Parallel.ForAsync(from, from + some, async (seed, _) =>
        {
            int at = seed % ports.Length;
            int who = seed / ports.Length % requests.Length;
            IReadOnlyList<byte[]> choice = requests[who];
            byte[] bytes = at >= 2 || seed % 5 == 0 ? hello : choice[seed / 7 % choice.Count];
            byte[] damaged = seed / 13 % 4 == 0 ? bytes : new Mutator(seed).Mutate(bytes);
            string what = $"again with VMSIM_HOSTILE_SEED={seed} VMSIM_HOSTILE_RUNS=10: {Convert.ToHexString(damaged)}";
            Judge(await TellAsync(ports[at], at == 1 && bytes != hello, damaged), isReader: who == 2, isPublic: at < 2, what);
        });
    }

    private async Task<ServiceHost> ServeAsync(string name, NodeCertificate? certificate)
    {
        StoreFolder store = new(At(name));
        store.Create();
        _tokens.Add(TokenFile.Add(store.Tokens, "reader", Role.Reader));
        _tokens.Add(TokenFile.Add(store.Tokens, "operator", Role.Operator));
        ServiceHost host = await ServiceHost.StartAsync(new ServiceOptions
        {
            Store = store,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Certificate = certificate,
            Jobs = new SchedulerOptions(0, 1, 60),
            Requests = int.MaxValue,
        });
        using HttpClient http = Client(host, _tokens[^1], certificate);
        JobRequest request = new(Secret, [new RunRequest("", $"name = {Secret}", [])]);
        using HttpResponseMessage answer = await http.PostAsJsonAsync("/api/v1/jobs", request, ServiceJson.Options);
        answer.EnsureSuccessStatusCode();
        return host;
    }

    /// <summary>All jobs are as before, and the service does its work.</summary>
    private static async Task AssertUnchangedAsync(ServiceHost host, string token, NodeCertificate? shown)
    {
        using HttpClient http = Client(host, token, shown);
        JobView[] jobs = (await http.GetFromJsonAsync<JobView[]>("/api/v1/jobs", ServiceJson.Options))!;
        Assert.Equal([(1L, JobState.Queued, Secret)], jobs.Select(job => (job.Id, job.State, job.Name)));
        Assert.Equal("Healthy", await http.GetStringAsync(new Uri("/health/ready", UriKind.Relative)));
        Assert.Equal("[]", await http.GetStringAsync(new Uri("/api/v1/nodes", UriKind.Relative)));
    }

    private static HttpClient Client(ServiceHost host, string token, NodeCertificate? shown)
    {
        SocketsHttpHandler handler = new();
        handler.SslOptions.RemoteCertificateValidationCallback =
            (_, certificate, _, _) => certificate?.GetPublicKeyString() == shown?.Certificate.GetPublicKeyString();
        HttpClient http = new(handler) { BaseAddress = new Uri(host.Address) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    /// <summary>What a program for TLS says first.</summary>
    private static async Task<byte[]> HelloAsync()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient client = new();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint).OrHangAsync();
        using TcpClient heard = await listener.AcceptTcpClientAsync().OrHangAsync();
        await using SslStream stream = new(client.GetStream());
        Task said = stream.AuthenticateAsClientAsync("localhost");
        byte[] bytes = new byte[4096];
        int length = await heard.GetStream().ReadAsync(bytes).AsTask().OrHangAsync();
        heard.Close();
        await said.ContinueWith(_ => { }, TaskScheduler.Default).OrHangAsync();
        return bytes[..length];
    }

    /// <summary>Says something, and that nothing follows.</summary>
    /// <returns>All that is answered.</returns>
    private static async Task<byte[]> TellAsync(int port, bool isSecure, byte[] bytes)
    {
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port).OrHangAsync();

        // No port stays taken for a minute after each of so many connections.
        client.LingerState = new LingerOption(enable: true, seconds: 0);
        using MemoryStream answer = new();
        try
        {
            Stream stream = client.GetStream();
            if (isSecure)
            {
                SslStream tls = new(stream, leaveInnerStreamOpen: false, (_, _, _, _) => true);
                await tls.AuthenticateAsClientAsync("localhost").OrHangAsync();
                stream = tls;
            }

            await stream.WriteAsync(bytes).AsTask().OrHangAsync();
            await (stream is SslStream end ? end.ShutdownAsync() : Task.CompletedTask).OrHangAsync();
            client.Client.Shutdown(SocketShutdown.Send);
            await stream.CopyToAsync(answer).OrHangAsync();
        }
        catch (Exception reason) when (reason is IOException or SocketException or AuthenticationException)
        {
            // It hung up, which it may.
        }

        return answer.ToArray();
    }

    private void Judge(byte[] answer, bool isReader, bool isPublic, string what)
    {
        string text = Encoding.Latin1.GetString(answer);
        foreach (string secret in (string[])[Folder, .. _tokens, "root:", "   at VmSim", "Exception"])
        {
            Assert.False(text.Contains(secret, StringComparison.Ordinal), $"{secret} is told, {what}\n{text}");
        }

        Assert.True(isReader || !text.Contains(Secret, StringComparison.Ordinal), $"{Secret} is told, {what}\n{text}");
        if (!text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
        {
            return;
        }

        int status = int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture);
        lock (_statuses)
        {
            _statuses[status] = _statuses.GetValueOrDefault(status) + 1;
        }

        Assert.True(isPublic, $"a node answers, {what}\n{text}");
        Assert.True(status is (>= 200 and < 500) or 505, $"status {status}, {what}\n{text}");
        Assert.True(
            isReader || status >= 300 || text.Contains("\r\nHealthy", StringComparison.Ordinal)
                || text.Contains("action=\"/login\"", StringComparison.Ordinal)
                || text.Contains("Content-Length: 0\r\n", StringComparison.Ordinal),
            $"a stranger is answered, {what}\n{text}");
    }

    private static int Up(ClusterHost host) =>
        Akka.Cluster.Cluster.Get(host.System).State.Members.Count(member => member.Status == MemberStatus.Up);

    private static int OpenSockets() =>
        Directory.GetFiles("/proc/self/fd").Count(path => new FileInfo(path).LinkTarget is ['s', 'o', 'c', 'k', ..]);
}
