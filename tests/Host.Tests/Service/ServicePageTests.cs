using System.Net;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using VmSim.Host.Capture;
using VmSim.Host.Service;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Service;

/// <summary>The service's pages in a real browser, by the keyboard alone.</summary>
public sealed class ServicePageTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Evil = "<script>alert(1)</script>";
    private static readonly string[] Tools = ["chromium", "chromedriver"];

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-pages-").FullName;
    private string _token = "";
    private ServiceHost _host = null!;

    public async Task InitializeAsync()
    {
        StoreFolder store = new(Path.Combine(_folder, "store"));
        store.Create();
        _token = TokenFile.Add(store.Tokens, "ada", Role.Submitter);
        using (JobStore jobs = new(store.Database, TimeProvider.System))
        {
            jobs.Add(new JobRequest(Evil, [new RunRequest(Evil, "name = x", [])]), "ada", ["r"], _ => null);
            jobs.Log(1, Evil);
        }

        _host = await ServiceHost.StartAsync(new ServiceOptions
        {
            Store = store,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Jobs = new SchedulerOptions(1, 1, 60),
        });
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(400)]
    [InlineData(1600)]
    public void Pages_InABrowser_AreUsedByKeys(int width)
    {
        if (Tools.FirstOrDefault(tool => CaptureTools.Find(tool) is null) is { } none)
        {
            output.WriteLine($"no browser has shown the pages, since there is no {none}: apt-get install chromium chromium-driver");
            Assert.NotEmpty(_token);
            return;
        }

        ChromeOptions options = new() { BinaryLocation = CaptureTools.Find(Tools[0])! };
        options.AddArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage");
        options.AddArgument($"--user-data-dir={Path.Combine(_folder, "profile")}");
        options.SetLoggingPreference(LogType.Browser, LogLevel.All);
        string driver = CaptureTools.Find(Tools[1])!;
        using ChromeDriverService service =
            ChromeDriverService.CreateDefaultService(Path.GetDirectoryName(driver), Path.GetFileName(driver));
        service.InitializationTimeout = HangGuard.Limit;
        using ChromeDriver browser = new(service, options, HangGuard.Limit);
        browser.Manage().Window.Size = new System.Drawing.Size(width, 1000);

        // The page asks for a token, whose field has the keys already.
        browser.Navigate().GoToUrl(new Uri(_host.Address));
        Assert.EndsWith("/login", browser.Url, StringComparison.Ordinal);
        browser.SwitchTo().ActiveElement().SendKeys("wrong" + Keys.Enter);
        HangGuard.Until(() => browser.FindElements(By.CssSelector("[role=alert]")).Count == 1);
        browser.Manage().Logs.GetLog(LogType.Browser);
        browser.SwitchTo().ActiveElement().SendKeys(_token + Keys.Enter);
        HangGuard.Until(() => browser.FindElements(By.CssSelector("table")).Count == 1);
        Assert.Contains(Evil, browser.FindElement(By.CssSelector("table")).Text, StringComparison.Ordinal);
        AssertFits(browser);

        browser.FindElement(By.LinkText("1")).SendKeys(Keys.Enter);
        HangGuard.Until(() => browser.Url.EndsWith("/jobs/1", StringComparison.Ordinal));
        Assert.Contains(Evil, browser.FindElement(By.CssSelector("pre")).Text, StringComparison.Ordinal);
        AssertFits(browser);
        browser.FindElement(By.CssSelector("main form button")).SendKeys(Keys.Enter);
        HangGuard.Until(() => browser.FindElement(By.CssSelector("main")).Text.Contains("cancelled by ada", StringComparison.Ordinal));
        Assert.Empty(browser.FindElements(By.CssSelector("main form")));

        browser.FindElement(By.CssSelector("footer button")).SendKeys(Keys.Enter);
        HangGuard.Until(() => browser.Url.EndsWith("/login", StringComparison.Ordinal));
        browser.Navigate().GoToUrl(new Uri(_host.Address + "/jobs/1"));
        Assert.EndsWith("/login", browser.Url, StringComparison.Ordinal);
        Assert.Empty(browser.Manage().Logs.GetLog(LogType.Browser));
    }

    /// <summary>What is wider than the page scrolls by itself.</summary>
    private static void AssertFits(ChromeDriver browser) =>
        Assert.True((bool)browser.ExecuteScript("return document.documentElement.scrollWidth <= window.innerWidth")!);
}
