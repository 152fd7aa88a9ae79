using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using VmSim.Actors.Cluster;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

/// <summary>Requests to a service that makes no jobs: who may ask what, and what is refused.</summary>
public sealed class ServiceApiTests : IAsyncLifetime
{
    private const string Job = """{"name":"x","runs":[{"label":"","scenario":"name = x","inputs":[]}]}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-api-").FullName;
    private readonly Dictionary<Role, string> _tokens = [];
    private readonly CancellationTokenSource _stop = new();
    private StoreFolder _store = null!;
    private ServiceHost _host = null!;
    private HttpClient _http = null!;

    public async Task InitializeAsync()
    {
        _store = new StoreFolder(Path.Combine(_folder, "store"));
        _store.Create();
        foreach (Role role in Enum.GetValues<Role>())
        {
            _tokens[role] = TokenFile.Add(_store.Tokens, $"{role}", role);
        }

        _host = await ServiceHost.StartAsync(new ServiceOptions
        {
            Store = _store,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Jobs = new SchedulerOptions(0, 1, 60) { WaitingMax = 50, Caps = new JobBounds(Seconds: 60) },
        });
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = new Uri(_host.Address),
        };
    }

    public async Task DisposeAsync()
    {
        _stop.Dispose();
        _http.Dispose();
        await _host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Requests_NeedATokenOfARole()
    {
        foreach ((HttpMethod method, string path, Role? least) in new (HttpMethod, string, Role?)[]
        {
            (HttpMethod.Get, "/api/v1/jobs", Role.Reader),
            (HttpMethod.Get, "/api/v1/jobs/1", Role.Reader),
            (HttpMethod.Get, "/api/v1/jobs/1/log", Role.Reader),
            (HttpMethod.Get, "/api/v1/jobs/1/figures", Role.Reader),
            (HttpMethod.Get, "/api/v1/jobs/1/result/report.json", Role.Reader),
            (HttpMethod.Get, "/api/v1/submissions/1", Role.Reader),
            (HttpMethod.Get, "/metrics", Role.Reader),
            (HttpMethod.Get, "/openapi/v1.json", Role.Reader),
            (HttpMethod.Get, "/jobs/1/report", Role.Reader),
            (HttpMethod.Post, "/api/v1/jobs", Role.Submitter),
            (HttpMethod.Post, "/api/v1/check", Role.Submitter),
            (HttpMethod.Post, "/submit", Role.Submitter),
            (HttpMethod.Post, "/api/v1/jobs/1/cancel", Role.Submitter),
            (HttpMethod.Put, $"/api/v1/inputs/{new string('0', 64)}?ending=.vmt", Role.Submitter),
            (HttpMethod.Get, "/api/v1/nodes", Role.Reader),
            (HttpMethod.Post, "/api/v1/nodes/a/drain", Role.Operator),
            (HttpMethod.Get, "/health/live", null),
            (HttpMethod.Get, "/health/ready", null),
        })
        {
            HttpStatusCode stranger = (await AskAsync(method, path, null)).Status;
            HttpStatusCode wrong = (await AskAsync(method, path, "wrong")).Status;
            Assert.Equal(least is null ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, stranger);
            Assert.Equal(stranger, wrong);
            foreach (Role role in _tokens.Keys)
            {
                HttpStatusCode status = (await AskAsync(method, path, _tokens[role])).Status;
                Assert.Equal(role < least, status == HttpStatusCode.Forbidden);
                Assert.NotEqual(HttpStatusCode.Unauthorized, status);
                Assert.NotEqual(HttpStatusCode.InternalServerError, status);
            }
        }
    }

    /// <summary>A result that was removed is gone, and everybody says when it went.</summary>
    [Fact]
    public async Task Result_ThatWasRemoved_SaysWhen()
    {
        (_, string receipt) = await PostAsync("/api/v1/jobs", Job, _tokens[Role.Submitter]);
        long id = JsonDocument.Parse(receipt).RootElement.GetProperty("id").GetInt64();
        string digest = new('a', Hosting.RunDigest.Length);
        using (SqliteDatabase database = new(_store.Database))
        {
            StoreCommand.Run(
                database.Connect(),
                "UPDATE jobs SET state = 2, digest = @digest, outcome = 'completed' WHERE id = @id; "
                    + "INSERT INTO results (digest, used, removed) VALUES (@digest, 1, @removed)",
                ("@id", id),
                ("@digest", digest),
                ("@removed", new DateTimeOffset(2026, 5, 11, 1, 2, 3, TimeSpan.Zero).ToUnixTimeMilliseconds()));
        }

        string reader = _tokens[Role.Reader];
        foreach (string path in (string[])[$"/api/v1/jobs/{id}/result/report.json", $"/jobs/{id}/report"])
        {
            (HttpStatusCode status, string problem) = await AskAsync(HttpMethod.Get, path, reader);
            Assert.Equal(HttpStatusCode.Gone, status);
            Assert.Contains("its result was removed on 2026-05-11; submit it again", problem, StringComparison.Ordinal);
        }

        (_, string view) = await AskAsync(HttpMethod.Get, $"/api/v1/jobs/{id}", reader);
        Assert.Contains("\"removed\":1778461323000", view, StringComparison.Ordinal);
        (_, string page) = await AskAsync(HttpMethod.Get, $"/jobs/{id}", reader);
        Assert.Contains("removed on 2026-05-11", page, StringComparison.Ordinal);
    }

    /// <summary>What nodes ask, nobody else may ask.</summary>
    [Theory]
    [InlineData("POST", "/api/v1/nodes/a/beat")]
    [InlineData("GET", "/api/v1/inputs/0?ending=.vmt")]
    [InlineData("GET", "/api/v1/nodes/a/jobs/1/checkpoint?lease=0")]
    [InlineData("PUT", "/api/v1/nodes/a/jobs/1/checkpoint?lease=0")]
    [InlineData("PUT", "/api/v1/nodes/a/jobs/1/result/0/report.json?lease=0")]
    [InlineData("POST", "/api/v1/nodes/a/jobs/1/end?lease=0")]
    public async Task NodesRequests_NeedANodesToken(string method, string path)
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(new HttpMethod(method), path, null)).Status);
        foreach (Role role in _tokens.Keys)
        {
            HttpStatusCode status = (await AskAsync(new HttpMethod(method), path, _tokens[role])).Status;
            Assert.Equal(role != Role.Node, status == HttpStatusCode.Forbidden);
            Assert.NotEqual(HttpStatusCode.InternalServerError, status);
        }
    }

    /// <summary>A node that sends something else than a result has its job go on waiting for one.</summary>
    [Fact]
    public async Task Result_ThatIsNone_IsRefused()
    {
        const string Digest = "00000000000000aa";
        string node = _tokens[Role.Node];
        Task run = _host.RunAsync(_stop.Token);
        await PostAsync("/api/v1/jobs", Job, _tokens[Role.Operator]);
        string beat = $$"""
            {"instance":"0123456789abcdef","number":1,"build":"{{BuildIdentity.Here}}","jobs":1,"room":1,"state":"ready","claims":[]}
            """;
        JsonNode order = JsonNode.Parse((await PostAsync("/api/v1/nodes/a/beat", beat, node)).Text)!["orders"]!.AsArray().Single()!;
        string at = $"/api/v1/nodes/a/jobs/{order["job"]}";
        string lease = $"?lease={order["lease"]}";
        string end = $$"""
            {"answer":{"digest":"{{Digest}}","wasThere":false,"outcome":"completed","peakBytes":1,"code":0,"error":"","isDiskFull":false},
             "death":"","isLost":false}
            """;
        (HttpStatusCode status, string text) = await PostAsync($"{at}/end{lease}", end, node);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("effective.conf of the result is needed", text, StringComparison.Ordinal);
        foreach (string file in (string[])["effective.conf", "stats.txt", "report.json"])
        {
            Assert.Equal(HttpStatusCode.OK, (await PutAsync($"{at}/result/{Digest}/{file}{lease}", "no report"u8.ToArray(), node)).Status);
        }

        (status, text) = await PostAsync($"{at}/end{lease}", end, node);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("report.json of the result cannot be read", text, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_store.ResultOf(Digest), "report.json")));
        foreach (string wrong in (string[])["\\u001b[2J", "\\u202ex", new string('x', 65)])
        {
            (status, _) = await PostAsync($"{at}/end{lease}", end.Replace("completed", wrong, StringComparison.Ordinal), node);
            Assert.Equal(HttpStatusCode.BadRequest, status);
        }

        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync($"{at}/end?lease=0000000000000000", end, node)).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await PutAsync($"{at}/checkpoint?lease=0000000000000000", [1], node)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PutAsync($"{at}/result/..%2f..%2ftokens/report.json{lease}", [1], node)).Status);
        await _stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task Text_InAnUnknownCharset_IsRefused()
    {
        StringContent body = new("{}");
        body.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json; charset=nonsense");
        (HttpStatusCode status, string text) = await AskAsync(HttpMethod.Post, "/api/v1/jobs", _tokens[Role.Operator], body);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, status);
        Assert.Contains("UTF-8 is allowed", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Jobs_AreSubmittedListedAndCancelledByTheirOwner()
    {
        string ben = TokenFile.Add(_store.Tokens, "ben", Role.Submitter);
        (HttpStatusCode status, string text) = await PostAsync("/api/v1/jobs", Job, ben);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("""{"id":1,"count":1,"done":0,"hint":""}""", text);
        JsonNode job = JsonNode.Parse((await AskAsync(HttpMethod.Get, "/api/v1/jobs/1", ben)).Text)!;
        Assert.Equal(("queued", "ben", 5), ((string)job["state"]!, (string)job["owner"]!, (int)job["priority"]!));
        (status, text) = await AskAsync(HttpMethod.Post, "/api/v1/jobs/1/cancel", _tokens[Role.Submitter]);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("ben's", (string)JsonNode.Parse(text)!["error"]!, StringComparison.Ordinal);
        (status, text) = await AskAsync(HttpMethod.Post, "/api/v1/jobs/1/cancel", ben);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("cancelled by ben", text, StringComparison.Ordinal);
        (status, _) = await AskAsync(HttpMethod.Post, "/api/v1/jobs/1/cancel", _tokens[Role.Operator]);
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Equal("[]", (await AskAsync(HttpMethod.Get, "/api/v1/jobs?state=queued", ben)).Text);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("{}", "")]
    [InlineData("null", "")]
    [InlineData("""{"name":null,"runs":[]}""", "name")]
    [InlineData("""{"name":"","runs":[]}""", "name: 0 characters")]
    [InlineData("""{"name":"x","runs":[]}""", "runs: 0 found")]
    [InlineData("""{"name":"x","runs":null}""", "runs")]
    [InlineData("""{"name":"x","runs":[null]}""", "")]
    [InlineData("""{"name":"x","priority":10,"runs":[{"label":"","scenario":"a","inputs":[]}]}""", "priority: 10 found")]
    [InlineData("""{"name":"x","secret":1,"runs":[{"label":"","scenario":"a","inputs":[]}]}""", "secret")]
    [InlineData("""{"name":"x","runs":[{"label":"","scenario":"","inputs":[]}]}""", "runs[0].scenario")]
    [InlineData("""{"name":"x\u001b[2J","runs":[{"label":"","scenario":"a","inputs":[]}]}""", "control character")]
    [InlineData("""{"name":"x","runs":[{"label":"","scenario":"a","inputs":[{"path":"/etc/passwd","digest":"0"}]}]}""", "trace ends with")]
    [InlineData("""{"name":"x","runs":[{"label":"","scenario":"a","inputs":[{"path":"a.vmt","digest":"../../x"}]}]}""", "SHA-256")]
    [InlineData("""{"name":"x","bounds":{"memoryBytes":1},"runs":[{"label":"","scenario":"a","inputs":[]}]}""", "bounds")]
    [InlineData("""{"name":"x","bounds":{"seconds":0},"runs":[{"label":"","scenario":"a","inputs":[]}]}""", "bounds")]
    [InlineData("""{"name":"x","bounds":{"virtualSeconds":1e300},"runs":[{"label":"","scenario":"a","inputs":[]}]}""", "bounds")]
    [InlineData("""{"name":"x","bounds":{"seconds":3600},"runs":[{"label":"","scenario":"a","inputs":[]}]}""", "60.0 s of wall time")]
    [InlineData("""[[[[[[[[[[[[[[[[[[""", "")]
    public async Task Submit_WhatIsNotAllowed_IsRefused(string body, string words)
    {
        (HttpStatusCode status, string text) = await PostAsync("/api/v1/jobs", body, _tokens[Role.Operator]);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(words, (string)JsonNode.Parse(text)!["error"]!, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_TooMuch_IsRefusedUnread()
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/api/v1/jobs")
        {
            Content = new StringContent(new string(' ', JobLimits.RequestBytesMax + 1), Encoding.UTF8, "application/json"),
        };
        request.Headers.ExpectContinue = true;
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _tokens[Role.Operator]);
        using HttpResponseMessage answer = await _http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    /// <summary>No name of a request leads out of the store, or to what is not a result.</summary>
    [Theory]
    [InlineData("/api/v1/jobs/1/result/..%2f..%2f..%2ftokens")]
    [InlineData("/api/v1/jobs/1/result/..%5c..%5ctokens")]
    [InlineData("/api/v1/jobs/1/result/%2fetc%2fpasswd")]
    [InlineData("/api/v1/jobs/1/result/run.checkpoint")]
    [InlineData("/api/v1/jobs/..%2f1")]
    [InlineData("/api/v1/jobs/99999999999999999999")]
    [InlineData("/api/v1/jobs/-1")]
    [InlineData("/store/tokens")]
    public async Task Paths_LeadNowhere(string path)
    {
        await PostAsync("/api/v1/jobs", Job, _tokens[Role.Operator]);
        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync(HttpMethod.Get, path, _tokens[Role.Operator])).Status);
    }

    [Fact]
    public async Task Inputs_AreWhatTheirNameSays()
    {
        byte[] trace = Encoding.UTF8.GetBytes("# vmt 1 x pagesize 4096\nt 1\nR 1\n");
        string digest = Convert.ToHexStringLower(SHA256.HashData(trace));
        string token = _tokens[Role.Submitter];
        string path = $"/api/v1/inputs/{digest}?ending=.vmt";
        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync(HttpMethod.Head, path, token)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PutAsync(path, [.. trace, 1], token)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync(HttpMethod.Head, path, token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(path, trace, token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(HttpMethod.Head, path, token)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PutAsync($"/api/v1/inputs/..%2f{digest[3..]}?ending=.vmt", trace, token)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PutAsync($"/api/v1/inputs/{digest}?ending=/../../x.vmt", trace, token)).Status);
        Assert.Equal([$"{digest}.vmt"], Directory.GetFiles(Path.Combine(_store.Root, "inputs")).Select(Path.GetFileName));
    }

    /// <summary>A page of another site can neither read nor change anything with a browser's cookie.</summary>
    [Fact]
    public async Task Cookies_CountForThisSitesPagesAlone()
    {
        await PostAsync("/api/v1/jobs", Job, _tokens[Role.Operator]);
        string own = new Uri(_host.Address).GetLeftPart(UriPartial.Authority);
        Assert.Equal(HttpStatusCode.Unauthorized, await CancelFromAsync(null));
        Assert.Equal(HttpStatusCode.Unauthorized, await CancelFromAsync("https://elsewhere.example"));
        Assert.Equal(HttpStatusCode.Unauthorized, await CancelFromAsync("null"));
        Assert.Equal(HttpStatusCode.Redirect, await CancelFromAsync(own));
        using HttpResponseMessage page = await _http.GetAsync("/login");
        Assert.Equal("DENY", page.Headers.GetValues("X-Frame-Options").Single());
        Assert.Equal("nosniff", page.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Contains("default-src 'none'", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.False(page.Headers.Contains("Server"));
    }

    [Fact]
    public async Task Metrics_AndOpenApi_TellOfTheService()
    {
        string token = _tokens[Role.Reader];
        string before = (await AskAsync(HttpMethod.Get, "/metrics", token)).Text;
        foreach (string label in (string[])["stored no", "stored yes", "state done", "state failed", "state cancelled"])
        {
            string series = label.Replace(" ", "=\"", StringComparison.Ordinal) + "\"";
            Assert.Matches($"vmsim_jobs_[a-z_]+{{[^}}]*{series}[^}}]*}} [0-9]+\n", before);
        }

        await PostAsync("/api/v1/jobs", Job, _tokens[Role.Submitter]);
        string metrics = (await AskAsync(HttpMethod.Get, "/metrics", token)).Text;
        Assert.Contains("vmsim_jobs_waiting", metrics, StringComparison.Ordinal);
        Assert.Contains("vmsim_jobs_submitted", metrics, StringComparison.Ordinal);
        JsonNode api = JsonNode.Parse((await AskAsync(HttpMethod.Get, "/openapi/v1.json", token)).Text)!;
        Assert.Contains("/api/v1/jobs/{id}/result/{file}", api["paths"]!.AsObject().Select(path => path.Key));
        Assert.NotNull(api["paths"]!["/api/v1/jobs/{id}/figures"]!["get"]!["responses"]!["204"]);
    }

    /// <summary>The queue is bounded: what does not fit is refused whole, and fits when there is room again.</summary>
    [Fact]
    public async Task Submit_MoreThanMayWait_IsRefused()
    {
        string token = _tokens[Role.Submitter];
        RunRequest[] runs = [.. Enumerable.Range(0, 30).Select(number => new RunRequest("", $"name = {number}", []))];
        string body = JsonSerializer.Serialize(new JobRequest("many", runs), ServiceJson.Options);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/api/v1/jobs", body, token)).Status);
        (HttpStatusCode status, string text) = await PostAsync("/api/v1/jobs", body, token);
        Assert.Equal(HttpStatusCode.InsufficientStorage, status);
        Assert.Contains("submit these later", text, StringComparison.Ordinal);
        for (int job = 1; job <= 10; job++)
        {
            Assert.Equal(HttpStatusCode.OK, (await PostAsync($"/api/v1/jobs/{job}/cancel", "", token)).Status);
        }

        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/api/v1/jobs", body, token)).Status);
    }

    [Fact]
    public async Task Store_OfAnotherService_IsRefused()
    {
        ServiceOptions second = new()
        {
            Store = _store,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Jobs = new SchedulerOptions(1, 1, 60),
        };
        IOException error = await Assert.ThrowsAsync<IOException>(() => ServiceHost.StartAsync(second));
        Assert.Contains("another vmsim uses this folder", error.Message, StringComparison.Ordinal);
    }

    private async Task<HttpStatusCode> CancelFromAsync(string? origin)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/jobs/1/cancel");
        request.Headers.Add("Cookie", $"{ServiceAuth.Cookie}={_tokens[Role.Operator]}");
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        using HttpResponseMessage answer = await _http.SendAsync(request);
        return answer.StatusCode;
    }

    private Task<(HttpStatusCode Status, string Text)> PostAsync(string path, string body, string token) =>
        AskAsync(HttpMethod.Post, path, token, new StringContent(body, Encoding.UTF8, "application/json"));

    private Task<(HttpStatusCode Status, string Text)> PutAsync(string path, byte[] body, string token) =>
        AskAsync(HttpMethod.Put, path, token, new ByteArrayContent(body));

    private async Task<(HttpStatusCode Status, string Text)> AskAsync(
        HttpMethod method, string path, string? token, HttpContent? content = null)
    {
        using HttpRequestMessage request = new(method, path) { Content = content };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage answer = await _http.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
