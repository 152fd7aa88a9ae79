using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using OpenQA.Selenium.Interactions;
using VmSim.Host.Capture;
using VmSim.Testing;

namespace VmSim.Host.Tests.Reporting;

/// <summary>
/// A browser that tests use by its keyboard and by scripts, without a window. Pages of the service put new parts in the place of old ones
/// at any moment, so that what is read of them is read by one script, and no element is held from one command to the next.
/// </summary>
internal sealed class TestBrowser : IDisposable
{
    private static readonly string[] Tools = ["chromium", "chromedriver"];

    /// <summary>What the driver says of a script whose page another one takes the place of.</summary>
    private static readonly string[] Leaving = ["navigat", "unload", "execution context", "stale", "detached", "no such frame"];

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

    /// <summary>Waits until an expression of JavaScript is true of the page, whichever that is by then.</summary>
    public void Until(string expression) => HangGuard.Until(() => Is(expression));

    /// <summary>Whether an expression of JavaScript is true of the page; of one that is just left, nothing is.</summary>
    public bool Is(string expression) => Ask($"return Boolean({expression})") is true;

    /// <summary>The text of the first element that a selector names, as soon as there is one.</summary>
    public string TextOf(string selector)
    {
        string? text = null;
        HangGuard.Until(() => (text = Ask($"return document.querySelector({Quoted(selector)})?.textContent") as string) is not null);
        return text!;
    }

    /// <summary>Keys for whatever has the keyboard.</summary>
    public void Press(string keys) => new Actions(Driver).SendKeys(keys).Perform();

    /// <summary>Goes by the tabulator alone to an element that a selector names.</summary>
    public void TabTo(string selector) => HangGuard.Until(() =>
    {
        Press(Keys.Tab);
        return HasKeys(selector);
    });

    /// <summary>Whether an element that a selector names has the keyboard.</summary>
    public bool HasKeys(string selector) => Is($"document.activeElement?.matches({Quoted(selector)})");

    /// <summary>Goes to an address.</summary>
    public void Open(string address) => Driver.Navigate().GoToUrl(new Uri(address));

    /// <summary>Signs in to a service, whose page gives its field the keyboard when it is first drawn.</summary>
    public void SignIn(string address, string token)
    {
        Open(address);
        Until("document.activeElement?.id === 'token'");
        Press(token + Keys.Enter);
        Until("location.pathname === '/' && document.querySelector('footer button')");
    }

    /// <summary>What the console said since it was last asked, a line each.</summary>
    public IReadOnlyList<string> Console() => [.. Driver.Manage().Logs.GetLog(LogType.Browser).Select(entry => $"{entry}")];

    private static string Quoted(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    private object? Ask(string script)
    {
        try
        {
            return Driver.ExecuteScript(script);
        }
        catch (WebDriverException reason)
            when (Array.Exists(Leaving, word => reason.Message.Contains(word, StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Driver.Dispose();
        _service.Dispose();
    }
}
