using OpenQA.Selenium;
using VmSim.Host.Service;
using VmSim.Host.Tests.Reporting;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Service;

/// <summary>The service's pages in a real browser, by the keyboard alone.</summary>
public sealed class ServicePageTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Evil = "<script>alert(1)</script>";
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-pages-").FullName;
    private OneService _service = null!;

    public async Task InitializeAsync()
    {
        _service = await OneService.StartAsync(_folder);
        await _service.SubmitAsync(new JobRequest(Evil, [new RunRequest(Evil, "name = x", [])]));
        using JobStore jobs = new(new SqliteDatabase(_service.Database), TimeProvider.System);
        await jobs.LogAsync(1, Evil);
    }

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(1600)]
    public void Pages_InABrowser_AreUsedByKeys(int width)
    {
        if (TestBrowser.Missing is { } missing)
        {
            output.WriteLine($"no browser has shown the pages, since {missing}");
            Assert.NotEmpty(_service.Token);
            return;
        }

        using TestBrowser shown = new(_folder, width);

        // The page asks for a token, whose field has the keys already.
        shown.Open(_service.Host.Address);
        Assert.EndsWith("/login", shown.Driver.Url, StringComparison.Ordinal);
        shown.Until("document.activeElement?.id === 'token'");
        shown.Press("wrong" + Keys.Enter);
        shown.Until("document.querySelectorAll('[role=alert]').length === 1");
        shown.SignIn(_service.Host.Address, _service.Token);
        shown.Console();
        Assert.Contains(Evil, shown.TextOf("table"), StringComparison.Ordinal);
        shown.AssertFits();

        shown.TabTo("td a[href='/jobs/1']");
        shown.Press(Keys.Enter);
        shown.Until("location.pathname === '/jobs/1' && document.querySelector('footer button')");
        Assert.Contains(Evil, shown.TextOf("pre"), StringComparison.Ordinal);
        shown.AssertFits();
        shown.TabTo("main form button");
        shown.Press(Keys.Enter);
        shown.Until("document.body?.textContent.includes('cancelled by ada') && !document.querySelector('main form')");

        shown.TabTo("footer button");
        shown.Press(Keys.Enter);
        shown.Until("location.pathname === '/login'");
        shown.Open(_service.Host.Address + "/jobs/1");
        Assert.EndsWith("/login", shown.Driver.Url, StringComparison.Ordinal);
        Assert.Empty(shown.Console());
    }
}
