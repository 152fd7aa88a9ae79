using System.Collections.ObjectModel;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
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

    private string Run => Path.Combine(_folder, "run");

    private string Page => Path.Combine(_folder, "report.html");

    public async Task InitializeAsync()
    {
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
            "run", trace, "--set", "machine.cores=4", "--set", "threads.placement=spread",
            "--set", "kernel-profile=linux-6.18-kvm", "--out", Run);
        Assert.True(code == ExitCodes.Ok, error);
        (code, _, error) = await CommandRunner.RunAsync("report", Run, "--html", Page);
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
        Assert.Contains("<title>What cores did when</title>", page, StringComparison.Ordinal);
        Assert.Contains("kernel took of each core's busy time</title>", page, StringComparison.Ordinal);
    }

    /// <summary>Each chart of the page by itself, for a paper.</summary>
    [Fact]
    public async Task Figure_OfAChart_IsASvgOfItsOwn()
    {
        foreach (string name in (string[])["cores", "causes", "latencies", "time", "classes", "heat", "interrupts"])
        {
            string file = Path.Combine(_folder, $"{name}.svg");
            (int code, _, string error) = await CommandRunner.RunAsync("report", Run, "--figure", $"{name}={file}");
            Assert.True(code == ExitCodes.Ok, error);
            Assert.Equal("svg", XDocument.Load(file).Root!.Name.LocalName);
        }
    }

    /// <summary>Where librsvg is, a chart is a PNG too; where it is not, and for other kinds of pictures, it is said what to do.</summary>
    [Fact]
    public async Task Figure_OfAnotherKind_IsAPngOrSaysWhatIsAllowed()
    {
        string png = Path.Combine(_folder, "cores.png");
        (int code, _, string error) = await CommandRunner.RunAsync("report", Run, "--figure", $"cores={png}");
        if (PathPrograms.Find("rsvg-convert") is null)
        {
            Assert.Equal(ExitCodes.Usage, code);
            Assert.Contains("apt-get install librsvg2-bin", error, StringComparison.Ordinal);
        }
        else
        {
            Assert.True(code == ExitCodes.Ok, error);
            Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], (await File.ReadAllBytesAsync(png))[..8]);
        }

        (code, _, error) = await CommandRunner.RunAsync("report", Run, "--figure", $"cores={Path.Combine(_folder, "cores.pdf")}");
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("a picture is an SVG", error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder, "cores.pdf")));
    }

    [Theory]
    [InlineData("nothing=x.svg", "cores, causes, latencies, time, classes, heat, interrupts")]
    [InlineData("cores", "NAME=FILE.svg is allowed")]
    [InlineData("cores=", "NAME=FILE.svg is allowed")]
    public async Task Figure_ThatIsNone_IsAUsageError(string figure, string words)
    {
        (int code, _, string error) = await CommandRunner.RunAsync("report", Run, "--figure", figure);
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    /// <summary>Pages of a sweep and of a comparison, at the widths of a telephone and of a screen.</summary>
    [Theory]
    [InlineData(400)]
    [InlineData(1600)]
    public async Task PagesOfManyRuns_InABrowser_FitAndSort(int width)
    {
        string scenario = CommandRunner.At("config/scenarios/munmap-latr.conf");
        string sweep = Path.Combine(_folder, "sweep");
        string compared = Path.Combine(_folder, "compared.html");
        string[] small = ["--set", "processes.0.iterations=3", "--set", "processes.0.threads=2"];
        (int code, _, string error) = await CommandRunner.RunAsync(
            ["sweep", scenario, .. small, "--cores", "2..8*2", "--protocols", "linux,latr", "--no-bisect", "--out", sweep]);
        Assert.True(code == ExitCodes.Ok, error);

        // Runs of two protocols differ in many totals, and folders have names that say nothing.
        string[] runs = [.. Directory.GetDirectories(Path.Combine(sweep, "runs"))
            .DistinctBy(run => File.ReadLines(Path.Combine(run, "effective.conf"))
                .First(line => line.Contains("protocol =", StringComparison.Ordinal)))];
        (code, _, error) = await CommandRunner.RunAsync("compare", runs[0], runs[1], "--html", compared);
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("Settings that differ", await File.ReadAllTextAsync(compared), StringComparison.Ordinal);
        if (TestBrowser.Missing is { } missing)
        {
            output.WriteLine($"no browser has shown the pages, since {missing}");
            return;
        }

        using TestBrowser shown = new(_folder, width);
        foreach (string page in (string[])[Path.Combine(sweep, "page.html"), compared])
        {
            ChromeDriver browser = shown.Driver;
            browser.Navigate().GoToUrl(new Uri(page));
            Assert.Empty(browser.Manage().Logs.GetLog(LogType.Browser));
            shown.AssertFits();
            IWebElement table = browser.FindElement(By.CssSelector("table.sorts"));
            table.FindElements(By.CssSelector("th button"))[1].SendKeys(Keys.Enter);
            double[] values = [.. table.FindElements(By.CssSelector("tbody tr td:nth-child(2)"))
                .Select(cell => double.Parse(cell.GetAttribute("data-value")!, CultureInfo.InvariantCulture))];
            Assert.Equal(values.OrderDescending(), values);
            Assert.InRange(values.Length, 2, int.MaxValue);
        }
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
        Assert.InRange(LeastOfTexts(browser, "Math.min(b.left - s.left, s.right - b.right)"), -1, double.MaxValue);

        // On a telephone, charts scroll and keep letters that can be read.
        Assert.InRange(LeastOfTexts(browser, "text.textContent.length > 1 ? Math.max(b.height, b.width) : Infinity"), 8, double.MaxValue);
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

    /// <summary>The least of something over all texts of charts, by their boxes and those of their pictures, by one question.</summary>
    private static double LeastOfTexts(ChromeDriver browser, string figure) => Convert.ToDouble(
        browser.ExecuteScript(
            "return [...document.querySelectorAll('figure svg text')].reduce((least, text) => {"
                + "const b = text.getBoundingClientRect(), s = text.ownerSVGElement.getBoundingClientRect();"
                + $"return Math.min(least, {figure}); }}, 1e9)"),
        CultureInfo.InvariantCulture);
}
