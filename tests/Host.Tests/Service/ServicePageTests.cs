using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using VmSim.Host.Service;
using VmSim.Host.Tests.Reporting;
using VmSim.Testing;
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
        ChromeDriver browser = shown.Driver;

        // The page asks for a token, whose field has the keys already.
        browser.Navigate().GoToUrl(new Uri(_service.Host.Address));
        Assert.EndsWith("/login", browser.Url, StringComparison.Ordinal);
        browser.SwitchTo().ActiveElement().SendKeys("wrong" + Keys.Enter);
        HangGuard.Until(() => browser.FindElements(By.CssSelector("[role=alert]")).Count == 1);
        browser.Manage().Logs.GetLog(LogType.Browser);
        browser.SwitchTo().ActiveElement().SendKeys(_service.Token + Keys.Enter);
        HangGuard.Until(() => browser.FindElements(By.CssSelector("table")).Count == 1);
        Assert.Contains(Evil, browser.FindElement(By.CssSelector("table")).Text, StringComparison.Ordinal);
        shown.AssertFits();

        browser.FindElement(By.LinkText("1")).SendKeys(Keys.Enter);
        HangGuard.Until(() => browser.Url.EndsWith("/jobs/1", StringComparison.Ordinal));
        Assert.Contains(Evil, browser.FindElement(By.CssSelector("pre")).Text, StringComparison.Ordinal);
        shown.AssertFits();
        browser.FindElement(By.CssSelector("main form button")).SendKeys(Keys.Enter);
        HangGuard.Until(() => browser.PageSource.Contains("cancelled by ada", StringComparison.Ordinal));
        Assert.Empty(browser.FindElements(By.CssSelector("main form")));

        browser.FindElement(By.CssSelector("footer button")).SendKeys(Keys.Enter);
        HangGuard.Until(() => browser.Url.EndsWith("/login", StringComparison.Ordinal));
        browser.Navigate().GoToUrl(new Uri(_service.Host.Address + "/jobs/1"));
        Assert.EndsWith("/login", browser.Url, StringComparison.Ordinal);
        Assert.Empty(browser.Manage().Logs.GetLog(LogType.Browser));
    }
}
