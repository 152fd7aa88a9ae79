using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using VmSim.Actors.Security;
using VmSim.Core.Settings;

namespace VmSim.Host.Service;

/// <summary>The command line's side of the service.</summary>
internal sealed partial class ServiceClient : IDisposable
{
    /// <summary>The service counts requests by the second.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly HttpClient _http;
    private readonly Func<string?> _stranger;

    /// <param name="http">Asks.</param>
    /// <param name="stranger">What was wrong with the certificate that was shown last; null for nothing.</param>
    private ServiceClient(HttpClient http, Func<string?> stranger) => (_http, _stranger) = (http, stranger);

    private string Server => _http.BaseAddress!.GetLeftPart(UriPartial.Authority);

    /// <summary>Makes a client.</summary>
    /// <param name="server">Where the service is: http://127.0.0.1:4980.</param>
    /// <param name="token">The token.</param>
    /// <param name="authority">The authority whose certificate the service must show; null for a service without TLS.</param>
    public static ServiceClient Create(Uri server, string token, X509Certificate2? authority)
    {
        SocketsHttpHandler handler = new() { AllowAutoRedirect = false, UseCookies = false };
        string? stranger = null;
        if (authority is not null)
        {
            // The host's name is not compared, as between nodes: every holder of a certificate of the authority is trusted alike.
            PeerPolicy policy = new(authority, TimeProvider.System);
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, shown, _, _) =>
                    (stranger = policy.Refusal(shown as X509Certificate2)) is null,
            };
        }

        HttpClient http = new(handler) { BaseAddress = new Uri(server, ServiceApi.Root + "/") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new ServiceClient(http, () => stranger);
    }

    /// <summary>Submits runs.</summary>
    public Task<JobReceipt> SubmitAsync(JobRequest request, CancellationToken cancellation) => AskAsync<JobReceipt>(
        () => new HttpRequestMessage(HttpMethod.Post, "jobs") { Content = JsonContent.Create(request, options: ServiceJson.Options) },
        cancellation);

    /// <summary>Jobs, the latest first.</summary>
    public Task<IReadOnlyList<JobView>> ListAsync(string? state, int count, CancellationToken cancellation) =>
        GetAsync<IReadOnlyList<JobView>>(
            $"jobs?count={count}{(state is null ? "" : $"&state={Uri.EscapeDataString(state)}")}", cancellation);

    /// <summary>One job.</summary>
    public Task<JobView> StatusAsync(long id, CancellationToken cancellation) => GetAsync<JobView>($"jobs/{id}", cancellation);

    /// <summary>How a running job stands; null if it has not said so yet, or does not run any more.</summary>
    public async Task<JobFigures?> FiguresAsync(long id, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await AskPatientlyAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"jobs/{id}/figures"), cancellation);
        return answer.StatusCode switch
        {
            HttpStatusCode.NoContent or HttpStatusCode.NotFound => null,
            HttpStatusCode.OK => await answer.Content.ReadFromJsonAsync<JobFigures>(ServiceJson.Answers, cancellation),
            _ => throw await RefusalAsync(answer, cancellation),
        };
    }

    /// <summary>The jobs of a submission.</summary>
    public Task<IReadOnlyList<JobView>> SubmissionAsync(long id, CancellationToken cancellation) =>
        GetAsync<IReadOnlyList<JobView>>($"submissions/{id}", cancellation);

    /// <summary>A job's log.</summary>
    public Task<IReadOnlyList<LogLine>> LogAsync(long id, CancellationToken cancellation) =>
        GetAsync<IReadOnlyList<LogLine>>($"jobs/{id}/log", cancellation);

    /// <summary>Cancels a job.</summary>
    public Task<JobView> CancelAsync(long id, CancellationToken cancellation) =>
        AskAsync<JobView>(() => new HttpRequestMessage(HttpMethod.Post, $"jobs/{id}/cancel"), cancellation);

    /// <summary>A file of a result.</summary>
    public async Task<byte[]> ResultAsync(long id, string file, CancellationToken cancellation)
    {
        using HttpResponseMessage answer = await SendAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"jobs/{id}/result/{file}"), cancellation);
        return await answer.Content.ReadAsByteArrayAsync(cancellation);
    }

    /// <summary>Sends a file unless the service has it.</summary>
    public async Task SendInputAsync(string path, string digest, CancellationToken cancellation)
    {
        string where = $"inputs/{digest}?ending={StoredFiles.EndingOf(path)}";
        using (HttpResponseMessage there = await TryAsync(new HttpRequestMessage(HttpMethod.Head, where), cancellation))
        {
            if (there.IsSuccessStatusCode)
            {
                return;
            }
        }

        using HttpResponseMessage sent = await SendAsync(
            () => new HttpRequestMessage(HttpMethod.Put, where) { Content = new StreamContent(File.OpenRead(path)) }, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private Task<T> GetAsync<T>(string path, CancellationToken cancellation) =>
        AskAsync<T>(() => new HttpRequestMessage(HttpMethod.Get, path), cancellation);

    /// <summary>Asks, and reads the answer.</summary>
    /// <param name="request">Makes the request.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <param name="options">How the answer is read; null for <see cref="ServiceJson.Answers"/>.</param>
    private async Task<T> AskAsync<T>(
        Func<HttpRequestMessage> request, CancellationToken cancellation, JsonSerializerOptions? options = null)
    {
        using HttpResponseMessage answer = await SendAsync(request, cancellation);
        try
        {
            return (await answer.Content.ReadFromJsonAsync<T>(options ?? ServiceJson.Answers, cancellation))!;
        }
        catch (JsonException reason)
        {
            throw new IOException($"{Server}: this is no vmsim serve, or one of another version ({reason.Message})", reason);
        }
    }

    /// <summary>Sends a request; an answer that is none is an exception with the service's own words.</summary>
    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> request, CancellationToken cancellation)
    {
        HttpResponseMessage answer = await AskPatientlyAsync(request, cancellation);
        if (answer.IsSuccessStatusCode)
        {
            return answer;
        }

        using (answer)
        {
            throw await RefusalAsync(answer, cancellation);
        }
    }

    /// <summary>What a request was refused for, in the service's own words: what it may be sent again for is an error of I/O.</summary>
    private async Task<Exception> RefusalAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        string text = await answer.Content.ReadAsStringAsync(cancellation);
        string why = $"{Server}: {WhyOf(text) ?? $"{(int)answer.StatusCode} {answer.ReasonPhrase}"}";
        return answer.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new UnauthorizedAccessException(why),
            >= HttpStatusCode.InternalServerError => new IOException(why),
            _ => new ScenarioException(why),
        };
    }

    /// <summary>Sends a request, again later where too many are being sent.</summary>
    private async Task<HttpResponseMessage> AskPatientlyAsync(Func<HttpRequestMessage> request, CancellationToken cancellation)
    {
        HttpResponseMessage answer = await TryAsync(request(), cancellation);
        while (answer.StatusCode == HttpStatusCode.TooManyRequests)
        {
            answer.Dispose();
            await Task.Delay(Patience, cancellation);
            answer = await TryAsync(request(), cancellation);
        }

        return answer;
    }

    private async Task<HttpResponseMessage> TryAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException reason)
        {
            throw reason.InnerException is AuthenticationException && _stranger() is { } stranger
                ? new IOException($"{Server}: the certificate of the service {stranger}; --authority names the one that issued it", reason)
                : new IOException($"{Server}: {reason.InnerException?.Message ?? reason.Message}; vmsim serve starts a service", reason);
        }
        finally
        {
            request.Dispose();
        }
    }

    private static string? WhyOf(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<ServiceProblem>(text, ServiceJson.Answers)?.Error;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
