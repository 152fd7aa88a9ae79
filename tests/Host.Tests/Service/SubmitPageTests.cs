using System.Net;
using System.Text;
using OpenQA.Selenium;
using OpenQA.Selenium.Interactions;
using VmSim.Actors.Configuration;
using VmSim.Host.Service;
using VmSim.Host.Tests.Reporting;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Service;

/// <summary>Submission from a page: as a form without a script, and in a real browser by the keyboard alone.</summary>
public sealed class SubmitPageTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Evil = "<script>alert(1)</script>";
    private const string Good = "name = small\nuntil = 1ms\nprocesses = [{ program = map-touch-unmap, threads = 2 }]";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-submit-").FullName;
    private OneService _service = null!;

    private string Own => new Uri(_service.Host.Address).GetLeftPart(UriPartial.Authority);

    public async Task InitializeAsync() => _service = await OneService.StartAsync(_folder);

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>What the form of the page sends is a job, with the same settings as one of the command line.</summary>
    [Fact]
    public async Task Form_OfAGoodScenario_IsAJob()
    {
        (HttpStatusCode status, _, string to) = await PostAsync(
            ("scenario", Good.ReplaceLineEndings("\r\n")), ("name", Evil), ("priority", "7"), ("memory", "1GiB"), ("time", "2h"),
            ("virtual", "1us"), ("do", "submit"));
        Assert.Equal((HttpStatusCode.Redirect, "/jobs/1"), (status, to));
        (_, string page, _) = await _service.BrowseAsync(HttpMethod.Get, "/jobs/1", _service.Token);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain(Evil, page, StringComparison.Ordinal);
        Assert.Contains("At most 1.00 GiB of memory, 120 min of wall time, 1.00 us of virtual time.", page, StringComparison.Ordinal);
        Assert.Contains("it may fail for a limit: the run goes on until 1.00 ms of virtual time", page, StringComparison.Ordinal);
        Assert.Contains("map-touch-unmap", page, StringComparison.Ordinal);
        Assert.Contains("data-value=\"7\"", page, StringComparison.Ordinal);
        using JobStore jobs = new(new SqliteDatabase(_service.Database), TimeProvider.System);
        Job job = jobs.Find(1)!;
        Assert.Equal(("ada", 7, Evil), (job.Owner, job.Priority, job.Name));
        RunDraft draft = RunDraft.Of(ScenarioLoader.Parse(Good, "scenario", ".", []));
        Assert.Equal(draft.Text, jobs.RunOf(job).Scenario);
        Assert.Equal((draft.Memory.Bytes, draft.SharedBytes), (job.Spread.MemoryBytes, job.Spread.SharedBytes));
    }

    /// <summary>The scenario's own name is the job's if none is written.</summary>
    [Fact]
    public async Task Form_WithoutAName_HasTheScenarios()
    {
        Assert.Equal(HttpStatusCode.Redirect, (await PostAsync(("scenario", Good), ("priority", "5"))).Status);
        using JobStore jobs = new(new SqliteDatabase(_service.Database), TimeProvider.System);
        Assert.Equal("small", jobs.Find(1)!.Name);
        Assert.Equal(JobBounds.None, jobs.Find(1)!.Bounds);
    }

    /// <summary>What is wrong is said beside what was written, which is there still; nothing is submitted.</summary>
    [Theory]
    [InlineData("scenario", "name = a\nmachine.coers = 4", "scenario, line 2: machine.coers: there is no such setting")]
    [InlineData("scenario", "name = [", "scenario: line 1, column 9: the text ends within the list")]
    [InlineData("scenario", "", "0 characters found")]
    [InlineData("scenario", "</textarea><script>alert(1)</script>", "&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;")]
    [InlineData("scenario", "include \"/etc/passwd\"", "files can be included by a scenario&#39;s file only")]
    [InlineData("name", "a\u0007", "name: a control character found")]
    [InlineData("priority", "10", "priority: 10 found; 0 to 9 are allowed")]
    [InlineData("priority", "\"><script>alert(1)</script>", "priority: a whole number of 0 to 9 is needed")]
    [InlineData("memory", "4", "memory: &quot;4&quot; found; a number with a unit (MiB, GiB, TiB) is allowed, such as 1GiB")]
    [InlineData("time", "100h h", "time: &quot;100h h&quot; found")]
    [InlineData("time", "1000h", "time: &quot;1000h&quot; found; a number with a unit (s, min, h) is allowed")]
    [InlineData("virtual", "-1ms", "virtual time: &quot;-1ms&quot; found")]
    public async Task Form_WithSomethingWrong_SaysSo(string field, string value, string words)
    {
        Dictionary<string, string> fields = new(StringComparer.Ordinal)
        {
            ["scenario"] = Good,
            ["priority"] = "5",
            ["name"] = "<b>kept</b>",
        };
        fields[field] = value;
        (HttpStatusCode status, string page, _) = await PostAsync([.. fields.Select(item => (item.Key, item.Value))]);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(words, page, StringComparison.Ordinal);
        Assert.Contains(field == "name" ? "id=\"name\"" : "value=\"&lt;b&gt;kept&lt;/b&gt;\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain(Evil, page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        Assert.Equal("[]", await _service.Http.GetStringAsync(new Uri("/api/v1/jobs", UriKind.Relative)));
    }

    [Fact]
    public async Task Form_ForACheck_SaysWhatIsNeededAndSubmitsNothing()
    {
        (HttpStatusCode status, string page, _) = await PostAsync(("scenario", Good), ("priority", "5"), ("do", "check"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("It can be run: it needs about ", page, StringComparison.Ordinal);
        (_, page, _) = await PostAsync(("scenario", "name = a\nmachine.coers = 4"), ("do", "check"));
        Assert.Contains("data-line=\"2\" data-column=\"0\">Go to line 2</a>", page, StringComparison.Ordinal);
        Assert.Equal("[]", await _service.Http.GetStringAsync(new Uri("/api/v1/jobs", UriKind.Relative)));
    }

    [Fact]
    public async Task Form_OfOtherPagesAndPeople_IsRefused()
    {
        string reader = TokenFile.Add(_service.Store.Tokens, "rea", Role.Reader);
        (HttpStatusCode status, string page, string to) = await _service.BrowseAsync(HttpMethod.Get, "/submit", null);
        Assert.Equal((HttpStatusCode.Redirect, "/login"), (status, to));
        (status, page, _) = await _service.BrowseAsync(HttpMethod.Get, "/submit", reader);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("rea is a reader; a submitter may do this", page, StringComparison.Ordinal);
        (_, page, _) = await _service.BrowseAsync(HttpMethod.Get, "/", reader);
        Assert.DoesNotContain("/submit", page, StringComparison.Ordinal);
        foreach ((string? token, string? origin, HttpStatusCode wanted) in new (string?, string?, HttpStatusCode)[]
        {
            (null, Own, HttpStatusCode.Unauthorized),
            (reader, Own, HttpStatusCode.Forbidden),
            (_service.Token, null, HttpStatusCode.Unauthorized),
            (_service.Token, "null", HttpStatusCode.Unauthorized),
            (_service.Token, "https://elsewhere.example", HttpStatusCode.Unauthorized),
        })
        {
            using FormUrlEncodedContent form = new([new("scenario", Good), new("priority", "5")]);
            Assert.Equal(wanted, (await _service.BrowseAsync(HttpMethod.Post, "/submit", token, origin, form)).Status);
            using StringContent json = new("""{"scenario":"name = a"}""", Encoding.UTF8, "application/json");
            Assert.Equal(wanted, (await _service.BrowseAsync(HttpMethod.Post, "/api/v1/check", token, origin, json)).Status);
        }

        using StringContent text = new("scenario=x");
        using MultipartFormDataContent parts = new() { { new StringContent(Good), "scenario" } };
        foreach (HttpContent content in (HttpContent[])[text, parts])
        {
            (status, _, _) = await _service.BrowseAsync(HttpMethod.Post, "/submit", _service.Token, Own, content);
            Assert.Equal(HttpStatusCode.UnsupportedMediaType, status);
        }

        Assert.Equal("[]", await _service.Http.GetStringAsync(new Uri("/api/v1/jobs", UriKind.Relative)));
    }

    [Fact]
    public async Task Form_ThatIsTooLarge_IsRefused()
    {
        string large = $"name = a # {new string('x', CheckLimits.TextMax)}";
        (HttpStatusCode status, string page, _) = await PostAsync(("scenario", large), ("priority", "5"));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("1 to 1,048,576 are allowed here", page, StringComparison.Ordinal);
        (status, _, _) = await PostAsync([.. Enumerable.Range(0, 17).Select(number => ($"field{number}", ""))]);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        (status, _, _) = await PostAsync((new string('k', 65), ""));
        Assert.Equal(HttpStatusCode.BadRequest, status);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(1600)]
    public void Page_InABrowser_ChecksAndSubmitsByKeys(int width)
    {
        if (TestBrowser.Missing is { } missing)
        {
            output.WriteLine($"no browser has shown the page, since {missing}");
            Assert.NotEmpty(_service.Token);
            return;
        }

        using TestBrowser shown = new(_folder, width);
        shown.SignIn(_service.Host.Address, _service.Token);
        shown.Console();
        shown.TabTo("a[href='/submit']");
        shown.Press(Keys.Enter);

        // The example that is there is checked at once, and can be run.
        Verdict(shown, "It can be run: it needs about ");
        shown.AssertFits();

        // What is typed is checked without a key for that.
        shown.TabTo("#scenario");
        new Actions(shown.Driver).KeyDown(Keys.Control).SendKeys("a").KeyUp(Keys.Control).Perform();
        string[] lines = [$"name = \"{Evil}\"", "machine.coers = 4", "until = 100ms", "processes = [{ program = map-touch-unmap }]"];
        shown.Press(string.Join(Keys.Enter, lines));
        Verdict(shown, "scenario, line 2: machine.coers: there is no such setting; did you mean cores?");
        Assert.True(shown.Is("document.querySelector('#scenario').getAttribute('aria-invalid') === 'true'"));
        Assert.True(shown.Is("document.querySelector('#verdict').getAttribute('aria-live') === 'polite'"));
        shown.AssertFits();

        // The line can be gone to, and written anew.
        shown.TabTo("#verdict a");
        shown.Press(Keys.Enter);
        shown.Until("document.activeElement.id === 'scenario'");
        shown.Press("machine.cores = 4");
        Verdict(shown, "It can be run: it needs about ");
        Assert.True(shown.Is("document.querySelector('#scenario').value.split('\\n')[1] === 'machine.cores = 4'"));

        // The button does the same without the script, and keeps what was written.
        shown.TabTo("#virtual");
        shown.Press("1us");
        shown.TabTo("button[value=check]");
        shown.Press(Keys.Enter);
        shown.Until("document.querySelector('#verdict')?.dataset.isOf === 'text'");
        Assert.True(shown.Is("document.querySelector('#virtual').value === '1us'"));
        shown.TabTo("button[value=submit]");
        shown.Press(Keys.Enter);
        shown.Until("location.pathname === '/jobs/1' && document.querySelector('footer button')");
        Assert.Contains(Evil, shown.TextOf("main table"), StringComparison.Ordinal);
        Assert.Contains("it may fail for a limit", shown.TextOf("main pre"), StringComparison.Ordinal);
        Assert.True(shown.Is("document.querySelectorAll('script').length === 1"));
        shown.AssertFits();
        Assert.Empty(shown.Console());
    }

    private static void Verdict(TestBrowser shown, string words) => shown.Until(
        $"document.querySelector('#verdict')?.textContent.includes({System.Text.Json.JsonSerializer.Serialize(words)})");

    private async Task<(HttpStatusCode Status, string Text, string To)> PostAsync(params (string Name, string Value)[] fields)
    {
        using FormUrlEncodedContent form = new(fields.Select(field => new KeyValuePair<string, string>(field.Name, field.Value)));
        return await _service.BrowseAsync(HttpMethod.Post, "/submit", _service.Token, Own, form);
    }
}
