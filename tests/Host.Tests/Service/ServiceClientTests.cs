using System.Net;
using System.Security.Cryptography.X509Certificates;
using VmSim.Actors.Security;
using VmSim.Host.Service;
using VmSim.Host.Tests.Cluster;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Service;

/// <summary>What people are told who cannot reach a service, or may not.</summary>
public sealed class ServiceClientTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-client-").FullName;

    [Fact]
    public async Task Service_OfAnotherAuthority_IsNamedAsThat()
    {
        using TestAuthority own = new();
        using TestAuthority other = new();
        (StoreFolder store, string token) = Store();
        using NodeCertificate certificate = NodeCertificate.Load(own.Certificate("service")[1].Split('=')[1]);
        await using ServiceHost host = await ServiceHost.StartAsync(Options(store) with { Certificate = certificate });
        Uri server = new(host.Address);
        using X509Certificate2 wrong = X509Certificate2.CreateFromPem(File.ReadAllText(Path.Combine(other.Folder, "authority.crt")));
        using ServiceClient stranger = ServiceClient.Create(server, token, wrong);
        IOException refused = await Assert.ThrowsAsync<IOException>(() => stranger.ListAsync(null, 1, CancellationToken.None));
        Assert.Contains("the certificate of the service is of another authority; --authority", refused.Message, StringComparison.Ordinal);

        using X509Certificate2 right = X509Certificate2.CreateFromPem(File.ReadAllText(Path.Combine(own.Folder, "authority.crt")));
        using ServiceClient client = ServiceClient.Create(server, token, right);
        Assert.Empty(await client.ListAsync(null, 1, CancellationToken.None));
    }

    [Fact]
    public async Task Token_ThatDoesNotCount_IsToldFromNone()
    {
        (StoreFolder store, _) = Store();
        await using ServiceHost host = await ServiceHost.StartAsync(Options(store));
        using ServiceClient nobody = ServiceClient.Create(new Uri(host.Address), "nobody", null);
        UnauthorizedAccessException refused = await Assert.ThrowsAsync<UnauthorizedAccessException>(
            () => nobody.ListAsync(null, 1, CancellationToken.None));
        Assert.Contains("this token does not count here", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A page of another site signs nobody in: he would submit under another's name.</summary>
    [Fact]
    public async Task SignIn_FromAnotherSite_IsRefused()
    {
        (StoreFolder store, string token) = Store();
        await using ServiceHost host = await ServiceHost.StartAsync(Options(store));
        string own = new Uri(host.Address).GetLeftPart(UriPartial.Authority);
        Assert.Equal(HttpStatusCode.Forbidden, await SignInAsync(own, token, "https://elsewhere.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await SignInAsync(own, token, null));
        Assert.Equal(HttpStatusCode.Redirect, await SignInAsync(own, token, own));
    }

    [Fact]
    public async Task Port_ThatIsTaken_IsOneSentence()
    {
        (StoreFolder store, _) = Store();
        await using ServiceHost host = await ServiceHost.StartAsync(Options(store));
        string place = new Uri(host.Address).Authority;
        (int code, string output, string error) = await CommandRunner.RunAsync(
            "serve", "--store", Path.Combine(_folder, "second"), "--listen", place);
        Assert.Equal((65, ""), (code, output));
        Assert.Equal($"vmsim: --listen {place}: another program has this port; --listen ADDRESS:0 takes a free one", error.Trim());
    }

    /// <summary>A list that was cut says so, and one that just fits does not.</summary>
    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public async Task Jobs_MoreThanCount_AreToldOf(int count, bool isCut)
    {
        (StoreFolder store, string token) = Store();
        await using ServiceHost host = await ServiceHost.StartAsync(Options(store));
        using ServiceClient client = ServiceClient.Create(new Uri(host.Address), token, null);
        RunRequest[] runs = [.. Enumerable.Range(0, 3).Select(run => new RunRequest($"{run}", $"until = {run + 1}us", []))];
        await client.SubmitAsync(new JobRequest("test", runs), CancellationToken.None);
        string file = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(file, token);
        (int code, string output, string error) = await CommandRunner.RunAsync(
            "jobs", "--count", $"{count}", "--server", host.Address, "--token-file", file);
        Assert.Equal((0, count), (code, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        Assert.Equal(isCut ? "vmsim: the last 2 jobs; --count shows more" : "", error.Trim());
    }

    [Fact]
    public async Task Token_MadeAnew_SaysThatTheOldOneCountsNoMore()
    {
        string[] add = ["tokens", "add", "box2", "--role", "node", "--store", Path.Combine(_folder, "store")];
        Assert.DoesNotContain("counts no more", (await CommandRunner.RunAsync(add)).Error, StringComparison.Ordinal);
        Assert.Contains("the one that box2 had counts no more", (await CommandRunner.RunAsync(add)).Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<HttpStatusCode> SignInAsync(string server, string token, string? origin)
    {
        using HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        using HttpRequestMessage request = new(HttpMethod.Post, $"{server}/login") { Content = new StringContent($"token={token}") };
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        using HttpResponseMessage answer = await http.SendAsync(request);
        Assert.Equal(origin == server, answer.Headers.Contains("Set-Cookie"));
        return answer.StatusCode;
    }

    private (StoreFolder Store, string Token) Store()
    {
        StoreFolder store = new(Path.Combine(_folder, "store"));
        store.Create();
        return (store, TokenFile.Add(store.Tokens, "ada", Role.Submitter));
    }

    private static ServiceOptions Options(StoreFolder store) => new()
    {
        Store = store,
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        Jobs = new SchedulerOptions(0, 1, 60),
    };
}
