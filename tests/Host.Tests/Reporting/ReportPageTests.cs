using System.Collections.ObjectModel;
using System.Security.Cryptography;
using System.Text;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Reporting;

/// <summary>The report as a page, as text and in a real browser.</summary>
public sealed class ReportPageTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-page-").FullName;

    private string Page => Path.Combine(_folder, "report.html");

    public async Task InitializeAsync()
    {
        string run = Path.Combine(_folder, "run");
        string trace = Path.Combine(_folder, "<script>alert(1)</script>.vmt".Replace('/', '\u2215'));
        await File.WriteAllTextAsync(
            trace,
            """
            # vmt 1 two pagesize 4096
            g 1 munmap libc.so.6+0x7;<b>pool</b> pool.c:212
            t 0
            m 7f0000000 8000 3 22 - 0
            n 11
            W 7f0000
            W 7f0001
            t 1
            W 7f0000
            R 7f0001
            I 7f0001 100000
            t 0
            I 7f0001 10000
            @ 1
            u 7f0000000 1000
            """);
        (int code, _, string error) = await CommandRunner.RunAsync(
            "run", trace, "--set", "machine.cores=4", "--set", "threads.placement=spread", "--out", run);
        Assert.True(code == ExitCodes.Ok, error);
        (code, _, error) = await CommandRunner.RunAsync("report", run, "--html", Page);
        Assert.True(code == ExitCodes.Ok, error);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Page_OfARun_IsOneFileThatTakesNothingAsMarkup()
    {
        string page = await File.ReadAllTextAsync(Page);
        Assert.DoesNotMatch("(?:src|href)=", page);
        Assert.DoesNotContain("<b>pool</b>", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;pool&lt;/b&gt; pool.c:212", page, StringComparison.Ordinal);
        string[] parts = page.Split("<script>");
        string script = Assert.Single(parts[1..]).Split("</script>")[0];
        string digest = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
        Assert.Contains($"script-src 'sha256-{digest}'", page, StringComparison.Ordinal);
        Assert.Contains("cores = 4", page, StringComparison.Ordinal);
        string[] names = [.. page.Split("<clipPath id=\"")[1..].Select(part => part.Split('"')[0])];
        Assert.Equal(names.Distinct(), names);
        Assert.Contains("100 % of the interrupts come from munmap in", page, StringComparison.Ordinal);
        Assert.Contains("of virtual time</title>", page, StringComparison.Ordinal);
        Assert.Contains("<title>Who interrupts whom for shootdowns</title>", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(1600)]
    public void Page_InABrowser_HasChartsAndTablesThatSort(int width)
    {
        if (TestBrowser.Missing is { } missing)
        {
            output.WriteLine($"no browser has shown the page, since {missing}");
            Assert.True(File.Exists(Page));
            return;
        }

        using TestBrowser shown = new(_folder, width);
        ChromeDriver browser = shown.Driver;
        browser.Navigate().GoToUrl(new Uri(Page));
        Assert.Empty(browser.Manage().Logs.GetLog(LogType.Browser));
        Assert.InRange(browser.FindElements(By.CssSelector("figure svg rect, figure svg path")).Count, 3, int.MaxValue);
        shown.AssertFits();
        Assert.All(
            browser.FindElements(By.CssSelector("figure svg text")),
            text => Assert.InRange(Convert.ToDouble(browser.ExecuteScript(
                "const b = arguments[0].getBoundingClientRect(), s = arguments[0].ownerSVGElement.getBoundingClientRect();"
                    + "return Math.min(b.left - s.left, s.right - b.right)",
                text)), -1, double.MaxValue));

        IWebElement table = browser.FindElements(By.CssSelector("table.sorts")).First(item => item.Text.Contains("times"));
        int column = table.FindElements(By.CssSelector("th button")).ToList().FindIndex(button => button.Text == "times");
        foreach (bool down in new[] { true, false })
        {
            // By the keyboard alone.
            table.FindElements(By.CssSelector("th button"))[column].SendKeys(Keys.Enter);
            ReadOnlyCollection<IWebElement> rows = table.FindElements(By.CssSelector("tbody tr"));
            long[] values = [.. rows.Select(row => long.Parse(row.FindElements(By.TagName("td"))[column].GetAttribute("data-value")!))];
            Assert.Equal(down ? values.OrderDescending() : values.Order(), values);
            Assert.InRange(values.Distinct().Count(), 2, values.Length);
        }
    }
}
