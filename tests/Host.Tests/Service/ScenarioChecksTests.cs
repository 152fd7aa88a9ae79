using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using VmSim.Host.Service;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>Checks of scenarios that nobody trusts, over HTTP and of their process.</summary>
public sealed class ScenarioChecksTests : IAsyncLifetime
{
    private const string Good = "name = small\nuntil = 1ms\nprocesses = [{ program = map-touch-unmap, threads = 2 }]";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-checks-").FullName;
    private OneService _service = null!;

    public async Task InitializeAsync() => _service = await OneService.StartAsync(_folder);

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Check_OfAGoodScenario_SaysWhatItNeeds()
    {
        JsonNode verdict = JsonNode.Parse((await CheckAsync(Good)).Text)!;
        Assert.True((bool)verdict["isGood"]!);
        Assert.Matches(
            "^It can be run: it needs about [0-9.]+ MiB of memory, and ends at 1.00 ms of virtual time unless its programs end before[.]$",
            (string)verdict["says"]!);
        Assert.InRange((long)verdict["memoryBytes"]!, 55L << 20, 1L << 30);
        Assert.Equal((0, 0, 0.001), ((int)verdict["line"]!, (int)verdict["column"]!, (double)verdict["virtualSeconds"]!));
    }

    /// <summary>No text has a file opened, or is answered with anything but a sentence; the next one is checked all the same.</summary>
    [Theory]
    [InlineData("name = a\nmachine.coers = 4", 2, 0, "there is no such setting; did you mean cores?")]
    [InlineData("name = a\nprocesses = [{ program = nothing }]", 2, 0, "processes[0].program")]
    [InlineData("name = a\nprocesses = [{", 2, 15, "a } is missing")]
    [InlineData("include \"/etc/passwd\"", 1, 9, "files can be included by a scenario's file only")]
    [InlineData("machine-profile = \"../../../../etc/passwd\"\nprocesses = []", 0, 0, "machine-profile")]
    [InlineData("plug-ins = [\"/tmp/evil.dll\"]\nprocesses = []", 1, 0, "a plug-in is code, and this service takes none")]
    [InlineData("processes = [{ trace = \"/etc/passwd\" }]", 0, 0, "a trace does not come with a text")]
    [InlineData("processes = [{ trace = \"../store/tokens.vmt\" }]", 0, 0, "a trace does not come with a text")]
    [InlineData("a = ${b}\nb = ${a}", 1, 5, "refers to itself")]
    [InlineData("scenario, line 99: = 1", 1, 0, "")]
    public async Task Check_OfAWrongScenario_SaysWhere(string scenario, int line, int column, string words)
    {
        JsonNode verdict = JsonNode.Parse((await CheckAsync(scenario)).Text)!;
        Assert.False((bool)verdict["isGood"]!);
        Assert.Contains(words, (string)verdict["says"]!, StringComparison.Ordinal);
        Assert.Equal(line, (int)verdict["line"]!);
        Assert.True(column == 0 || column == (int)verdict["column"]!, (string)verdict["says"]!);
        Assert.DoesNotContain("   at ", (string)verdict["says"]!, StringComparison.Ordinal);
        Assert.Contains("It can be run", (await CheckAsync(Good)).Text, StringComparison.Ordinal);
    }

    /// <summary>Deep, long and growing texts.</summary>
    [Fact]
    public async Task Check_OfTextsThatGrow_IsBounded()
    {
        StringBuilder laughs = new($"a0 = {new string('x', 1000)}\n");
        for (int i = 1; i <= 30; i++)
        {
            laughs.Append($"a{i} = \"${{a{i - 1}}}${{a{i - 1}}}\" ${{a{i - 1}}}${{a{i - 1}}}\n");
        }

        foreach (string text in (string[])
        [
            new string('[', CheckLimits.TextMax), new string('{', CheckLimits.TextMax), laughs.ToString(),
            $"a = {new string('"', CheckLimits.TextMax - 4)}", string.Concat(Enumerable.Repeat("a{},", CheckLimits.TextMax / 4)),
            $"processes = [{string.Concat(Enumerable.Repeat("{program=map-touch-unmap,count=65536,threads=65536},", 20_000))}]",
        ])
        {
            (HttpStatusCode status, string said) = await CheckAsync(text);
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Contains("\"isGood\":false", said, StringComparison.Ordinal);
            Assert.InRange(said.Length, 1, 20_000);
        }
    }

    [Fact]
    public async Task Check_OfTooMuch_IsRefusedUnread()
    {
        (HttpStatusCode status, string said) = await CheckAsync(new string('#', CheckLimits.TextMax + 1));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("1,048,577 characters found; 1 to 1,048,576 are allowed here", said, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await CheckAsync("")).Status);
        using StringContent large = new(new string(' ', CheckLimits.RequestBytesMax + 1), Encoding.UTF8, "application/json");
        using HttpRequestMessage request = new(HttpMethod.Post, "/api/v1/check") { Content = large };
        request.Headers.ExpectContinue = true;
        using HttpResponseMessage answer = await _service.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        foreach (string body in (string[])["", "{}", "null", """{"scenario":null}""", """{"scenario":"a","file":"/etc/passwd"}"""])
        {
            using StringContent content = new(body, Encoding.UTF8, "application/json");
            using HttpResponseMessage refused = await _service.Http.PostAsync(new Uri("/api/v1/check", UriKind.Relative), content);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
    }

    /// <summary>A process that hangs is ended, and the next check has another one.</summary>
    [Fact]
    public async Task Process_ThatHangs_IsEnded()
    {
        CheckLimits limits = new() { Processor = HangGuard.Limit, Wall = new TimeSpan(1) };
        using CheckProcess process = CheckProcess.Start(limits);
        await CommandProcess.SignalAsync(process.Id, "STOP");
        CheckAnswer answer = await process.CheckAsync(new CheckOrder(Good, HasText: true)).OrHangAsync();
        Assert.Equal("scenario: it cannot be checked: it takes more than 0 s", answer.Problem);
        Assert.False(process.IsThere);
        answer = await process.CheckAsync(new CheckOrder(Good, HasText: true)).OrHangAsync();
        Assert.StartsWith("scenario: it cannot be checked: ", answer.Problem, StringComparison.Ordinal);
    }

    /// <summary>Few wait while one is checked; who comes then is told to come again.</summary>
    [Fact]
    public async Task Checks_ManyAtATime_AreRefused()
    {
        using ScenarioChecks checks = new(new ServiceOptions
        {
            Store = _service.Store,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Jobs = new SchedulerOptions(1, 1, 60),
            Checks = new CheckLimits { Processor = HangGuard.Limit, Wall = HangGuard.Limit, Idle = HangGuard.Limit },
        });
        Assert.Equal("small", (await checks.CheckAsync(Good, hasText: true, CancellationToken.None))!.Name);
        await CommandProcess.SignalAsync(checks.Process!.Id, "STOP");
        Task<CheckAnswer?>[] wait =
            [.. Enumerable.Range(0, CheckLimits.WaitingMax).Select(_ => checks.CheckAsync(Good, hasText: false, CancellationToken.None))];
        Assert.Null(await checks.CheckAsync(Good, hasText: false, CancellationToken.None));
        await CommandProcess.SignalAsync(checks.Process!.Id, "CONT");
        foreach (CheckAnswer? answer in await Task.WhenAll(wait).OrHangAsync())
        {
            Assert.Equal(("", "small", ""), (answer!.Problem, answer.Name, answer.Text));
        }
    }

    private async Task<(HttpStatusCode Status, string Text)> CheckAsync(string scenario)
    {
        string body = new JsonObject { ["scenario"] = scenario }.ToJsonString();
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await _service.Http.PostAsync(new Uri("/api/v1/check", UriKind.Relative), content);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
