using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

/// <summary>A service on the loopback that makes one job at a time, and its user ada, who may submit.</summary>
internal sealed class OneService : IAsyncDisposable
{
    private OneService(ServiceHost host, string token, string database)
    {
        (Host, Token, Database) = (host, token, database);
        Http = new HttpClient { BaseAddress = new Uri(host.Address) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public ServiceHost Host { get; }

    public string Token { get; }

    public string Database { get; }

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
        });
        return new OneService(host, token, store.Database);
    }

    public async Task<JobReceipt> SubmitAsync(JobRequest request)
    {
        using HttpResponseMessage answer = await Http.PostAsJsonAsync("/api/v1/jobs", request, ServiceJson.Options);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JobReceipt>(ServiceJson.Options))!;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
    }
}
