using System.Net;
using OpenQA.Selenium;
using VmSim.Host.Service;
using VmSim.Host.Tests.Reporting;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Service;

/// <summary>Comparisons of results that a service has, for programs and in a real browser by the keyboard alone.</summary>
public sealed class ComparePageTests(ComparedService compared, ITestOutputHelper output) : IClassFixture<ComparedService>
{
    private readonly OneService _service = compared.Service;

    [Theory]
    [InlineData("base=1&other=1", HttpStatusCode.BadRequest, "base and other: job 1 found twice; two jobs are needed")]
    [InlineData("base=1", HttpStatusCode.BadRequest, "other: &quot;&quot; found; the number of a job is needed")]
    [InlineData("base=-1&other=2", HttpStatusCode.BadRequest, "base: &quot;-1&quot; found")]
    [InlineData("base=1&other=../../tokens", HttpStatusCode.BadRequest, "other: &quot;../../tokens&quot; found")]
    [InlineData("base=<script>&other=2", HttpStatusCode.BadRequest, "base: &quot;&lt;script&gt;&quot; found")]
    [InlineData("base=99999999999999999999&other=2", HttpStatusCode.BadRequest, "found; the number of a job is needed")]
    [InlineData("base=1&other=99", HttpStatusCode.NotFound, "there is no job 99")]
    [InlineData("base=3&other=1", HttpStatusCode.NotFound, "job 3 has no result: it is failed")]
    [InlineData("base=1&other=4", HttpStatusCode.NotFound, "the store has no result of job 4 any more; submit it again")]
    [InlineData("base=5&other=1", HttpStatusCode.NotFound, "the result of job 5 cannot be read: ")]
    [InlineData("base=1&other=6", HttpStatusCode.NotFound, "files can be included by a scenario&#39;s file only")]
    [InlineData("", HttpStatusCode.OK, "<title>Compare results - vmsim</title>")]
    [InlineData("base=1&other=2", HttpStatusCode.OK, "<td>shootdown.protocol</td><td>linux</td><td>latr</td>")]
    public async Task Comparison_OfWhateverIsAskedFor_IsAnsweredWithItsStatus(string query, HttpStatusCode status, string words)
    {
        (HttpStatusCode found, string page, _) = await _service.BrowseAsync(HttpMethod.Get, $"/compare?{query}", _service.Token);
        Assert.Contains(words, page, StringComparison.Ordinal);
        Assert.Equal(status, found);
        Assert.DoesNotContain("<script>alert", page, StringComparison.Ordinal);
        Assert.DoesNotContain("root:", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Comparison_IsForReaders()
    {
        string node = TokenFile.Add(_service.Store.Tokens, "box", Role.Node);
        string reader = TokenFile.Add(_service.Store.Tokens, "rea", Role.Reader);
        foreach (string? token in (string?[])[null, "wrong", node])
        {
            (HttpStatusCode status, _, string to) = await _service.BrowseAsync(HttpMethod.Get, "/compare?base=1&other=2", token);
            Assert.Equal((HttpStatusCode.Redirect, "/login"), (status, to));
        }

        Assert.Equal(HttpStatusCode.OK, (await _service.BrowseAsync(HttpMethod.Get, "/compare?base=1&other=2", reader)).Status);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(1600)]
    public void Comparison_InABrowser_IsUsedByKeys(int width)
    {
        if (TestBrowser.Missing is { } missing)
        {
            output.WriteLine($"no browser has shown the page, since {missing}");
            Assert.NotEmpty(_service.Token);
            return;
        }

        using TestBrowser shown = new(Path.Combine(compared.Folder, $"{width}"), width);
        shown.SignIn(_service.Host.Address, _service.Token);
        shown.Console();

        // From the list of jobs, by their numbers.
        shown.TabTo("#base");
        shown.Press("1");
        shown.TabTo("#other");
        shown.Press("2");
        shown.TabTo("form.pick button");
        shown.Press(Keys.Enter);
        shown.Until("location.search === '?base=1&other=2' && document.querySelector('footer button')");
        Assert.Equal("Job 1 and job 2", shown.TextOf("h1"));
        Assert.Contains(ComparedService.Evil, shown.TextOf("main table"), StringComparison.Ordinal);
        Assert.Contains("ipisSent", shown.TextOf("table.sorts"), StringComparison.Ordinal);
        Assert.True(shown.Is("document.querySelectorAll('.pair').length >= 2"));
        Assert.True(shown.Is("document.querySelectorAll('.pair figure svg').length >= 4"));
        Assert.True(shown.Is("document.querySelectorAll('script').length === 1"));
        shown.AssertFits();

        // Tables sort, and the other one is the base.
        shown.TabTo("table.sorts th button");
        shown.Press(Keys.Enter);
        shown.Until("document.querySelector('table.sorts th').getAttribute('aria-sort') === 'descending'");
        shown.TabTo("a[href^='/compare?base=2']");
        shown.Press(Keys.Enter);
        shown.Until("location.search === '?base=2&other=1' && document.querySelector('table.sorts')");

        // From the page of a job, which is in its place already.
        shown.TabTo("td a[href='/jobs/2']");
        shown.Press(Keys.Enter);
        shown.Until("location.pathname === '/jobs/2' && document.querySelector('footer button')");
        shown.TabTo("#base");
        shown.Press("1" + Keys.Escape);
        shown.TabTo("form.pick button");
        shown.AssertFits();
        shown.Press(Keys.Enter);
        shown.Until("location.search === '?base=1&other=2' && document.querySelector('table.sorts')");
        Assert.Empty(shown.Console());
    }
}
