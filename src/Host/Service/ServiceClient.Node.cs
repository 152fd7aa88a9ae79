using System.Net;
using System.Net.Http.Json;
using VmSim.Host.Files;

namespace VmSim.Host.Service;

/// <content>What a node asks.</content>
internal sealed partial class ServiceClient
{
    /// <summary>A beat that is not answered for so long is as good as none; the next one says more.</summary>
    private static readonly TimeSpan BeatPatience = TimeSpan.FromSeconds(5);

    /// <summary>The nodes.</summary>
    public Task<IReadOnlyList<NodeView>> NodesAsync(CancellationToken cancellation) =>
        GetAsync<IReadOnlyList<NodeView>>("nodes", cancellation);

    /// <summary>Has a node end with the jobs that it has.</summary>
    public async Task DrainAsync(string name, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await SendAsync(
            () => new HttpRequestMessage(HttpMethod.Post, $"nodes/{Uri.EscapeDataString(name)}/drain"), cancellation);
    }

    /// <summary>Says what a node is at. What it is told it must understand to the last word.</summary>
    public async Task<NodeAnswer> BeatAsync(string name, NodeBeat beat, CancellationToken cancellation)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        late.CancelAfter(BeatPatience);
        try
        {
            return await AskAsync<NodeAnswer>(
                () => new HttpRequestMessage(HttpMethod.Post, $"nodes/{name}/beat")
                {
                    Content = JsonContent.Create(beat, options: ServiceJson.Options),
                },
                late.Token,
                ServiceJson.Options);
        }
        catch (OperationCanceledException reason) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"{Server}: no answer for {BeatPatience.TotalSeconds} s", reason);
        }
    }

    /// <summary>Fetches a trace into a file.</summary>
    public Task FetchInputAsync(InputName input, string path, CancellationToken cancellation) =>
        FetchAsync($"inputs/{input.Digest}?ending={StoredFiles.EndingOf(input.Path)}", path, cancellation);

    /// <summary>Fetches the last checkpoint of a job into a file.</summary>
    public Task FetchCheckpointAsync(string name, NodeOrder order, string path, CancellationToken cancellation) =>
        FetchAsync($"nodes/{name}/jobs/{order.Job}/checkpoint?lease={order.Lease}", path, cancellation);

    /// <summary>Sends a checkpoint.</summary>
    /// <returns>Whether the lease still counts.</returns>
    public Task<bool> SendCheckpointAsync(string name, NodeOrder order, string path, CancellationToken cancellation) =>
        SendFileAsync($"nodes/{name}/jobs/{order.Job}/checkpoint?lease={order.Lease}", path, cancellation);

    /// <summary>Sends a file of a result.</summary>
    /// <returns>Whether the lease still counts.</returns>
    public Task<bool> SendResultAsync(string name, NodeOrder order, string digest, string path, CancellationToken cancellation) =>
        SendFileAsync($"nodes/{name}/jobs/{order.Job}/result/{digest}/{Path.GetFileName(path)}?lease={order.Lease}", path, cancellation);

    /// <summary>Says how a job ended.</summary>
    /// <returns>Whether the lease still counts.</returns>
    public Task<bool> EndAsync(string name, NodeOrder order, NodeEnding ending, CancellationToken cancellation) => CountsAsync(
        () => new HttpRequestMessage(HttpMethod.Post, $"nodes/{name}/jobs/{order.Job}/end?lease={order.Lease}")
        {
            Content = JsonContent.Create(ending, options: ServiceJson.Options),
        },
        cancellation);

    private async Task FetchAsync(string where, string path, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, where), cancellation);
        using OutputFile file = new(path, "job");
        await answer.Content.CopyToAsync(file.Stream, cancellation);
        file.Complete();
    }

    private Task<bool> SendFileAsync(string where, string path, CancellationToken cancellation) => CountsAsync(
        () => new HttpRequestMessage(HttpMethod.Put, where) { Content = new StreamContent(File.OpenRead(path)) }, cancellation);

    /// <summary>Sends a request; 409 says that a lease counts no more.</summary>
    private async Task<bool> CountsAsync(Func<HttpRequestMessage> request, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await AskPatientlyAsync(request, cancellation);
        if (answer.StatusCode == HttpStatusCode.Conflict)
        {
            return false;
        }

        return answer.IsSuccessStatusCode ? true : throw await RefusalAsync(answer, cancellation);
    }
}
