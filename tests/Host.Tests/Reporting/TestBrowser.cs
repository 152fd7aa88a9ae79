using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using VmSim.Host.Capture;
using VmSim.Testing;

namespace VmSim.Host.Tests.Reporting;

/// <summary>A browser that tests use by its keyboard and by scripts, without a window.</summary>
internal sealed class TestBrowser : IDisposable
{
    private static readonly string[] Tools = ["chromium", "chromedriver"];

    private readonly ChromeDriverService _service;

    /// <summary>Starts a browser.</summary>
    /// <param name="folder">A folder for what it keeps.</param>
    /// <param name="width">Width of its page, in pixels.</param>
    public TestBrowser(string folder, int width)
    {
        ChromeOptions options = new() { BinaryLocation = CaptureTools.Find(Tools[0])! };
        options.AddArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage");
        options.AddArgument($"--user-data-dir={Path.Combine(folder, "profile")}");
        options.SetLoggingPreference(LogType.Browser, LogLevel.All);
        string driver = CaptureTools.Find(Tools[1])!;
        _service = ChromeDriverService.CreateDefaultService(Path.GetDirectoryName(driver), Path.GetFileName(driver));
        _service.InitializationTimeout = HangGuard.Limit;
        Driver = new ChromeDriver(_service, options, HangGuard.Limit);
        Driver.Manage().Window.Size = new System.Drawing.Size(width, 1000);
    }

    /// <summary>What a machine lacks for one, with what installs it; null for nothing.</summary>
    public static string? Missing => Tools.FirstOrDefault(tool => CaptureTools.Find(tool) is null) is { } none
        ? $"there is no {none}: apt-get install chromium chromium-driver"
        : null;

    /// <summary>The browser.</summary>
    public ChromeDriver Driver { get; }

    /// <summary>What is wider than the page scrolls by itself.</summary>
    public void AssertFits() =>
        Assert.True((bool)Driver.ExecuteScript("return document.documentElement.scrollWidth <= window.innerWidth")!);

    /// <inheritdoc/>
    public void Dispose()
    {
        Driver.Dispose();
        _service.Dispose();
    }
}
