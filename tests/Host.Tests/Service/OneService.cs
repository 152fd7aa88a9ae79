using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>A service on the loopback that makes one job at a time, and its user ada, who may submit.</summary>
internal sealed class OneService : IAsyncDisposable
{
    private OneService(ServiceHost host, string token, StoreFolder store)
    {
        (Host, Token, Store) = (host, token, store);
        Http = new HttpClient { BaseAddress = new Uri(host.Address) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public ServiceHost Host { get; }

    public string Token { get; }

    public StoreFolder Store { get; }

    public string Database => Store.Database;

    /// <summary>Says who ada is.</summary>
    public HttpClient Http { get; }

    /// <summary>Starts one whose store is in a folder.</summary>
    public static async Task<OneService> StartAsync(string folder)
    {
        StoreFolder store = new(Path.Combine(folder, "store"));
        store.Create();
        string token = TokenFile.Add(store.Tokens, "ada", Role.Submitter);
        ServiceHost host = await ServiceHost.StartAsync(new ServiceOptions
        {
            Store = store,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Jobs = new SchedulerOptions(1, 1, 60),

            // Tests ask again and again until something is so, which would be too many requests of one address on a quick machine.
            Requests = int.MaxValue,
            Checks = new CheckLimits { Processor = HangGuard.Limit, Wall = HangGuard.Limit },
        });
        return new OneService(host, token, store);
    }

    public async Task<JobReceipt> SubmitAsync(JobRequest request)
    {
        using HttpResponseMessage answer = await Http.PostAsJsonAsync("/api/v1/jobs", request, ServiceJson.Options);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JobReceipt>(ServiceJson.Options))!;
    }

    /// <summary>Asks for something as somebody, whose token is in a cookie as a browser has it.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">What is asked for.</param>
    /// <param name="token">His token; null for a stranger.</param>
    /// <param name="origin">The page that the browser is on; null for none.</param>
    /// <param name="content">What is sent.</param>
    public async Task<(HttpStatusCode Status, string Text, string To)> BrowseAsync(
        HttpMethod method, string path, string? token, string? origin = null, HttpContent? content = null)
    {
        using HttpClient browser = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        using HttpRequestMessage request = new(method, Host.Address + path) { Content = content };
        if (token is not null)
        {
            request.Headers.Add("Cookie", $"{ServiceAuth.Cookie}={token}");
        }

        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        using HttpResponseMessage answer = await browser.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(), $"{answer.Headers.Location}");
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
    }
}
